"""What teachers are shown: shapes, ranges, and the same at the same step whatever came before."""

import pytest
import torch

from prism.inversion.schedule import Phase
from prism.inversion.views import Views, crops, grown

from .conftest import settings


def pixels(batch=2, side=8):
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(0))


def views(phase=None, seed=5, **fields):
    return Views(settings(**fields), phase or Phase(8, 1, 40), 8, seed)


def test_without_anything_drawn_the_pixels_are_shown():
    torch.testing.assert_close(views()(pixels(), 3), pixels(), rtol=0, atol=0)


def test_jitter_rolls_both_ways_and_by_no_more_than_its_limit():
    marked = torch.zeros(1, 3, 9, 9)
    marked[:, :, 4, 4] = 1
    look = Views(settings(jitter_px=2), Phase(9, 1, 200), 9, 1)
    found = [tuple(look(marked, step)[0, 0].nonzero()[0].tolist()) for step in range(200)]
    assert {row for row, _ in found} == {column for _, column in found} == {2, 3, 4, 5, 6}


def test_half_resolution_halves_the_image_and_the_jitter():
    look = Views(settings(jitter_px=2), Phase(8, 2, 100), 8, 1)
    shown = look(pixels(), 0)
    assert shown.shape == (2, 3, 4, 4)
    assert float(shown.mean()) == pytest.approx(float(pixels().mean()))
    still = torch.nn.functional.avg_pool2d(pixels(), 2)
    rolled = {shifts for step in range(100) for shifts in _shifts(look(pixels(), step), still)}
    assert rolled == {-1, 0, 1}


def _shifts(shown, still):
    for down in range(-2, 3):
        for across in range(-2, 3):
            if torch.equal(shown, still.roll((down, across), (2, 3))):
                return down, across
    raise AssertionError("rolled by something else")


def test_half_of_the_steps_mirror_the_whole_batch():
    look = views(flip=True)
    mirrored = [torch.equal(look(pixels(), step), pixels().flip(3)) for step in range(40)]
    plain = [torch.equal(look(pixels(), step), pixels()) for step in range(40)]
    assert sum(mirrored) + sum(plain) == 40 and 8 <= sum(mirrored) <= 32


def test_crops_keep_the_share_of_the_area_and_stay_inside():
    found = crops((0.25, 0.5), 500, 100, seed=2)
    for top, left, height, width in found:
        assert 0 <= top <= 100 - height and 0 <= left <= 100 - width
        assert 0.23 <= height * width / 1e4 <= 0.52 and 0.73 <= width / height <= 1.37
    assert len({crop for crop in found}) > 400
    shown = views(crop_scale=(0.3, 0.6))(pixels(), 7)
    assert shown.shape == pixels().shape and not torch.equal(shown, pixels())


def test_a_step_s_view_does_not_depend_on_the_steps_before():
    fields = {"jitter_px": 2, "flip": True, "crop_scale": (0.2, 1.0), "growth": {"repeat": 2}}
    first, second = views(**fields), views(**fields)
    for step in range(9):
        first(pixels(), step)
    torch.testing.assert_close(first(pixels(), 30), second(pixels(), 30), rtol=0, atol=0)
    assert not torch.equal(views(**fields, seed=6)(pixels(), 30), first(pixels(), 30))


def test_copies_are_shifted_in_colour_by_channel_within_the_published_range():
    shown = views(growth={"repeat": 3})(pixels(), 1)
    assert shown.shape == (6, 3, 8, 8)
    factors = []
    for copy in range(3):
        for image in range(2):
            for channel in range(3):
                one, seen = pixels()[image, channel], shown[2 * copy + image, channel]
                factor = (seen.max() - seen.min()) / (one.max() - one.min())
                shift = seen.mean() - factor * one.mean()
                assert torch.allclose(seen, one * factor + shift, atol=1e-5), "affine"
                assert -1 <= float(factor.log()) <= 1 and -1 - 1e-5 <= float(shift) <= 1 + 1e-5
                factors.append(round(float(factor), 4))
    assert len(set(factors)) == 18, "each copy and channel its own"


def test_a_growth_enlarges_the_last_result_inside_a_fresh_border():
    small = torch.full((2, 3, 4, 4), 0.5)
    both = grown(small, 8, 0.5, [1, 2])
    assert both.shape == (2, 3, 8, 8)
    assert torch.equal(both[:, :, 1:7, 1:7], torch.full((2, 3, 6, 6), 0.5)) and float(both[:, :, 0].std()) > 0.1
    assert torch.equal(grown(small, 8, 0.0, [1, 2]), torch.full((2, 3, 8, 8), 0.5)), "zoom alone"
    centred = grown(small, 8, 1.0, [1, 2])
    assert torch.equal(centred[:, :, 2:6, 2:6], small) and float(centred[:, :, :2].std()) > 0.1
    assert torch.equal(centred[1:], grown(small[1:], 8, 1.0, [2])), "an image's border is its own"
