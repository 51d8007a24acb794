"""Views: the part that was drawn, as if it had been cut out; the same bits in every batch; patches by area."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from prism.data.images import ImageSet
from prism.data.views import Drawing, Views, at_view_size, draw_views, render
from prism.errors import DataError
from prism.seeds import generator

SIZE, SOURCE = 8, 12
DRAWING = Drawing((0.08, 1.0), flip=True, cutmix=1.0, size_px=SIZE)
KEYS = [f"{index % 10:04d}-{index:06d}" for index in range(300)]


def pictures(count, side=SOURCE):
    return torch.randint(0, 256, (count, side, side, 3), generator=generator(0), dtype=torch.uint8)


def views(boxes, flips=None, partners=None, patches=None):
    count = len(boxes)
    return Views(
        torch.tensor(boxes, dtype=torch.int16),
        torch.tensor(flips or [0] * count, dtype=torch.uint8),
        torch.tensor(partners or list(range(count)), dtype=torch.int32),
        torch.tensor(patches or [[0, 0, 0, 0]] * count, dtype=torch.int16),
    )


def drawn(epoch=0, keys=KEYS, drawing=DRAWING):
    return draw_views(drawing, keys, source_px=SOURCE, seed=3, epoch=epoch)


@pytest.mark.parametrize("box", [(0, 0, 12, 12), (3, 1, 5, 9), (0, 11, 12, 1), (7, 7, 4, 5)])
@pytest.mark.parametrize("flip", [0, 1])
def test_a_part_is_what_cutting_it_out_and_resizing_it_gives(box, flip):
    image = pictures(1)
    top, left, height, width = box
    cut = image[:, top : top + height, left : left + width].permute(0, 3, 1, 2).float() / 255
    expected = functional.interpolate(cut, (SIZE, SIZE), mode="bilinear", align_corners=False)
    found = render(image, views([box], flips=[flip]), torch.tensor([0]), SIZE)
    assert torch.allclose(found, expected.flip(3) if flip else expected, atol=1e-5)


def test_a_patch_is_the_partner_s_own_view_at_its_place_and_counts_by_its_area():
    images = pictures(2)
    plain = views([(0, 0, 12, 12), (2, 2, 6, 6)], flips=[0, 1])
    both = render(images, plain, torch.tensor([0, 1]), SIZE)
    patched = views([(0, 0, 12, 12), (2, 2, 6, 6)], [0, 1], [1, 0], [[1, 4, 2, 8], [0, 0, 0, 0]])
    found = render(images, patched, torch.tensor([0, 1]), SIZE)
    expected = both[0].clone()
    expected[:, 1:4, 2:8] = both[1][:, 1:4, 2:8]
    assert torch.equal(found[0], expected) and torch.equal(found[1], both[1])
    assert patched.own_share(torch.tensor([0, 1]), SIZE).tolist() == [1 - 3 * 6 / 64, 1.0]


def test_a_view_has_the_same_bits_whatever_batch_it_is_made_in():
    images, some = pictures(40), drawn(keys=KEYS[:40])
    whole = render(images, some, torch.arange(40), SIZE)
    order = torch.randperm(40, generator=generator(1))
    for batch in (1, 3, 7, 16):
        parts = torch.cat([render(images, some, part, SIZE) for part in order.split(batch)])
        assert torch.equal(parts, whole[order])


def test_what_is_drawn_for_an_image_depends_on_seed_epoch_and_key_alone():
    one, fewer = drawn(), drawn(keys=KEYS[100:200])
    assert torch.equal(one.boxes[100:200], fewer.boxes) and torch.equal(one.patches[100:200], fewer.patches)
    assert torch.equal(one.flips[100:200], fewer.flips)
    assert not torch.equal(one.boxes, drawn(epoch=1).boxes)
    other_seed = draw_views(DRAWING, KEYS, source_px=SOURCE, seed=4, epoch=0)
    assert not torch.equal(one.boxes, other_seed.boxes)


def test_draws_lie_where_they_should_and_use_all_of_it():
    keys = [f"0000-{index:06d}" for index in range(4000)]
    big = draw_views(Drawing((0.25, 0.5), True, 1.0, 100), keys, source_px=1000, seed=0, epoch=0)
    top, left, height, width = big.boxes.double().unbind(1)
    share, ratio = height * width / 1e6, width / height
    assert share.min() > 0.248 and share.max() < 0.502 and abs(share.mean() - 0.375) < 0.005
    assert ratio.min() > 0.748 and ratio.max() < 1.337 and abs(ratio.log().mean()) < 0.01
    assert top.min() >= 0 and (top + height).max() <= 1000 and (left + width).max() <= 1000
    assert abs(big.flips.double().mean() - 0.5) < 0.03
    assert (big.partners != torch.arange(4000)).all() and len(big.partners.unique()) > 2000
    y0, y1, x0, x1 = big.patches.double().unbind(1)
    assert min(y0.min(), x0.min()) == 0 and max(y1.max(), x1.max()) == 100
    # A side is sqrt(1 - lambda) with lambda uniform, so s with density 2s; its centre c is uniform, and what lies
    # inside is min(c + s/2, 1) - max(c - s/2, 0), in the mean s - s^2/4: 2/3 - 1/8 over all sides.
    assert abs(((y1 - y0) / 100).mean() - (2 / 3 - 1 / 8)) < 0.02


def test_what_is_switched_off_is_not_drawn():
    plain = drawn(drawing=Drawing((0.3, 0.9), flip=False, cutmix=0.0, size_px=SIZE))
    assert not plain.flips.any() and not plain.patched and drawn().patched
    assert not drawn(keys=KEYS[:1]).patched  # an image alone has no partner
    assert torch.equal(plain.partners, torch.arange(300, dtype=torch.int32))
    # switching one draw off leaves the others as they are
    assert torch.equal(plain.boxes, drawn(drawing=Drawing((0.3, 0.9), True, 0.5, SIZE)).boxes)


def test_images_are_taken_as_they_are_unless_they_are_much_larger_than_a_view():
    def images(side, width=None):
        return ImageSet(np.zeros((2, side, width or side, 3), np.uint8), np.zeros(2, np.int64), "some")

    sides = [at_view_size(images(side), 28).images.shape[1:3] for side in (10, 28, 32, 90)]
    assert sides == [(10, 10), (28, 28), (32, 32), (32, 32)]
    with pytest.raises(DataError, match="some: images are 8 x 9 px; soft labels need square ones"):
        at_view_size(images(8, 9), 8)
