"""G-VBSM's statistics of patches: closed forms, and their place in the objective."""

import pytest
import torch
from torch.nn import functional

from prism.guidance.batch_norm import batch_norm
from prism.inversion.objective import Objective, Team
from prism.inversion.patches import patches
from prism.inversion.statistics import InputMoments, Moments, StatisticsPass, moments

from .conftest import classifier, settings

LABELS = torch.tensor([0, 1, 2, 0])


def view(seed=0):
    return torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_moments_of_patches_have_their_closed_form():
    """In patch k = 0, 1, 2, 3, row by row, a chessboard of k - s and k + s: mean k, variance s squared."""
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    number = (2 * (rows // 4) + columns // 4).double()
    chessboard = 1.0 - 2.0 * ((rows + columns) % 2)
    maps = (number + 0.5 * chessboard).expand(3, 2, 8, 8)
    found = moments(patches(maps, 4))
    assert found.mean.tolist() == pytest.approx([0, 1, 2, 3])
    assert found.variance.tolist() == pytest.approx([0.25] * 4, rel=1e-4)


def test_every_value_is_in_the_patch_of_its_place():
    maps = view()
    cut = patches(maps, 4)
    assert cut.shape == (4, 4, 3 * 16)
    assert sorted(cut[1, 2].tolist()) == sorted(maps[1, :, 4:, :4].flatten().tolist())


def test_maps_that_patches_do_not_fill_are_enlarged_first_and_small_ones_are_one_patch():
    maps = view()[:, :, :6, :]
    larger = functional.interpolate(maps, (8, 8), mode="bilinear", align_corners=False)
    torch.testing.assert_close(patches(maps, 4), patches(larger, 4))
    assert patches(view()[:, :, :2, :2], 4).shape == (4, 1, 3 * 16)
    assert patches(view(), 16).shape == (4, 1, 3 * 256)


def real_moments(teacher, patch_px):
    """Moments of convolutions' inputs on other images, by torch's own operations."""
    found, handles = {}, []
    for name, layer in teacher.network.named_modules():
        if isinstance(layer, torch.nn.Conv2d):

            def keep(_, inputs, name=name):
                cut = patches(inputs[0], patch_px)
                found[name] = InputMoments(
                    Moments(inputs[0].mean(dim=(0, 2, 3)), inputs[0].var(dim=(0, 2, 3), correction=0)),
                    Moments(cut.mean(dim=(0, 2)), cut.var(dim=(0, 2), correction=0)),
                )

            handles.append(layer.register_forward_pre_hook(keep))
    teacher.network(view(7))
    for handle in handles:
        handle.remove()
    return found


def test_patches_enter_the_distance_as_channels_do_the_first_layer_s_with_its_weight():
    teacher = classifier(1)
    real = real_moments(teacher, 4)
    common = {"batch_norm": 0.5, "statistics": "real", "cross_entropy": 0.0}
    plain = Objective(settings(**common), [teacher], convolutions=[real])(view(), LABELS, Team(0, (0,)))
    whole = Objective(settings(**common, patch_px=4), [teacher], convolutions=[real])(view(), LABELS, Team(0, (0,)))
    with StatisticsPass(teacher.network, real, patch_px=4) as seen:
        teacher.network(view())
    assert len(seen.patches) == len(real)
    of_first = batch_norm(seen.patches[:1])
    (cut,) = [patches(view(), 4)]
    other = real[next(iter(real))].patches
    closed = (cut.mean(dim=(0, 2)) - other.mean).norm() + (cut.var(dim=(0, 2), correction=0) - other.variance).norm()
    assert float(of_first) == pytest.approx(float(closed), rel=1e-6)
    wanted = float(plain) + 0.5 * (10 * float(of_first) + float(batch_norm(seen.patches[1:])))
    assert float(whole) == pytest.approx(wanted, rel=1e-9)


def test_their_average_moves_as_that_of_the_others():
    teacher = classifier(1)
    real = real_moments(teacher, 4)
    averaged = settings(batch_norm=1.0, statistics="real", patch_px=4, average=0.4)
    objective, past = Objective(averaged, [teacher], convolutions=[real]), {}
    objective(view(), LABELS, Team(0, (0,)), past=past)
    before = [one.mean for one in past[0]]
    objective(view(5), LABELS, Team(0, (0,)), past=past)
    with StatisticsPass(teacher.network, real, patch_px=4) as seen:
        teacher.network(view(5))
    now = [one.mean for one in (*seen.statistics, *seen.patches)]
    assert len(before) == len(now) == len(past[0])
    for old, new, kept in zip(before, now, past[0], strict=True):
        torch.testing.assert_close(kept.mean, 0.4 * old + 0.6 * new)
