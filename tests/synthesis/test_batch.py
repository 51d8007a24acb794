"""What is not finite or constant is drawn again, counted, and given up only after several seeds."""

import numpy as np
import torch

from prism.synthesis.batch import MAX_ATTEMPTS, draw_until_valid


def noise(seed):
    return torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_faulty_images_are_drawn_again_with_their_next_seed_and_the_others_stay():
    asked = []

    def sample(rows, seeds):
        asked.append((list(rows), list(seeds)))
        images = torch.stack([noise(seed) for seed in seeds])
        if len(asked) == 1:
            images[1] = torch.nan
            images[2] = 0.5
        return images

    drawn = draw_until_valid(sample, [1, 2, 3, 4], next_seed=lambda seed, attempt: 100 * attempt + seed)
    assert asked == [([0, 1, 2, 3], [1, 2, 3, 4]), ([1, 2], [102, 103])]
    assert drawn.seeds.tolist() == [1, 102, 103, 4]
    assert drawn.redrawn == 2 and drawn.invalid == ()
    expected = (noise(102) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    np.testing.assert_array_equal(drawn.images[1], expected)


def test_an_image_that_no_seed_mends_is_reported():
    calls = []

    def sample(rows, seeds):
        calls.append(rows)
        return torch.full((len(rows), 3, 8, 8), torch.inf)

    drawn = draw_until_valid(sample, [5], next_seed=lambda seed, attempt: attempt)
    assert len(calls) == MAX_ATTEMPTS and drawn.invalid == (0,)
