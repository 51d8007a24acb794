"""The last step's gradient, against finite differences and against the pipeline's own sampling."""

import pytest
import torch
from diffusers import EulerAncestralDiscreteScheduler
from torch.nn.functional import cross_entropy

from prism.synthesis.sampler import Sampler, SamplerSettings

from .conftest import SIZE_PX, STEPS


@pytest.mark.parametrize("decoder", ["tiny", "full"])
def test_the_gradient_by_the_embedding_is_that_of_finite_differences(learner_of, settings, decoder):
    learner, state = learner_of(settings(decoder=decoder), double=True)
    places = [(0, 0), (1, 0), (1, 1)]
    _, _, gradient = learner.gradient(state.rows, places)
    assert gradient.dtype == torch.float64 and gradient.isfinite().all()
    assert (gradient[:2].abs().max(dim=1).values > 1e-9).all()
    assert (gradient[2] == 0).all(), "class 2 has no image in the batch"

    drawing, words, teacher = learner.drawing, learner.words, learner.teacher
    prompts = [learner.prompts[c][0] for c, _ in places]
    labels = torch.tensor([c for c, _ in places])
    with torch.no_grad():
        words.rows.data.copy_(state.rows)
        # Gradient skipping: what comes before the last step does not move with the embedding.
        last = drawing.approach(drawing.encode(prompts), [learner.seeds[c][j] for c, j in places])

        def loss(rows):
            words.rows.data.copy_(rows)
            return cross_entropy(teacher(drawing.finish(last, drawing.encode(prompts))), labels, reduction="sum")

        random = torch.Generator().manual_seed(0)
        for _ in range(3):
            direction = torch.randn(state.rows.shape, generator=random, dtype=torch.float64)
            h = 1e-7  # the clip and the rectifiers have kinks, which a longer step crosses
            slope = (loss(state.rows + h * direction) - loss(state.rows - h * direction)) / (2 * h)
            assert slope.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-3, abs=1e-7)


def test_the_images_are_the_sampler_s(learner_of, settings):
    """Learned on what synthesis draws: the same images, but for the seeds, as the unguided sampler."""
    learner, state = learner_of(settings(decoder="full"))
    drawing = learner.drawing
    prompts = [one[0] for one in learner.prompts]
    with torch.no_grad():
        cond = drawing.encode(prompts)
        ours = drawing.finish(drawing.approach(cond, [5, 6, 7]), cond)
    sampler = Sampler(drawing.model, None, SamplerSettings(STEPS, 2.0))
    theirs = sampler.sample(prompts, torch.arange(3), [5, 6, 7], size_px=SIZE_PX)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_a_scheduler_that_draws_noise_repeats_it(learner_of, settings):
    learner, state = learner_of(settings(), scheduler=EulerAncestralDiscreteScheduler)
    first = learner.gradient(state.rows, [(0, 0), (2, 1)])
    again = learner.gradient(state.rows, [(0, 0), (2, 1)])
    assert torch.equal(first[0], again[0]) and torch.equal(first[2], again[2])
