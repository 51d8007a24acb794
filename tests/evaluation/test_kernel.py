"""The kernel distance against closed forms and two reference programs."""

import numpy as np
import pytest
import torch

from prism.evaluation.kernel import kernel_distance


def test_golden_values(golden):
    eye, cross = np.eye(2), np.array(golden["cross"], float)
    assert kernel_distance(real=eye, synthetic=eye).mean == pytest.approx(golden["kernel"]["same"], abs=1e-12)
    mirrored = kernel_distance(real=eye, synthetic=-eye).mean
    assert mirrored == pytest.approx(golden["kernel"]["mirrored"], abs=1e-12)
    moved = kernel_distance(real=cross, synthetic=2 * cross + [3, 4]).mean
    assert moved == pytest.approx(golden["kernel"]["cross"], rel=1e-12)


def test_equals_clean_fid_on_whole_sets(features):
    reference = pytest.importorskip("cleanfid.fid")
    first, second = features(60, 16), features(60, 16, seed=1, shift=0.2)
    wanted = reference.kernel_distance(first, second, num_subsets=1, max_subset_size=60)
    assert kernel_distance(real=first, synthetic=second).mean == pytest.approx(wanted, rel=1e-9)


def test_equals_torchmetrics_on_whole_sets(features):
    reference = pytest.importorskip("torchmetrics.image.kid")
    first, second = (torch.from_numpy(each) for each in (features(60, 16), features(60, 16, seed=1, shift=0.2)))
    wanted = reference.poly_mmd(first, second).item()
    assert kernel_distance(real=first, synthetic=second).mean == pytest.approx(wanted, rel=1e-9)


def test_symmetric_and_invariant_to_rotation(features, rotation):
    first, second, turn = features(50, 8), features(50, 8, seed=1, shift=0.2), rotation(8)
    value = kernel_distance(real=first, synthetic=second).mean
    assert kernel_distance(real=second, synthetic=first).mean == pytest.approx(value, rel=1e-9)
    assert kernel_distance(real=first @ turn, synthetic=second @ turn).mean == pytest.approx(value, rel=1e-9)


def test_subsets_are_seeded_and_near_the_whole(features):
    first, second = features(400, 8), features(400, 8, seed=1, shift=0.5)
    whole = kernel_distance(real=first, synthetic=second, subset_size=400)
    some = kernel_distance(real=first, synthetic=second, subsets=50, subset_size=100, seed=1)
    assert some == kernel_distance(real=first, synthetic=second, subsets=50, subset_size=100, seed=1)
    assert some != kernel_distance(real=first, synthetic=second, subsets=50, subset_size=100, seed=2)
    assert some.mean == pytest.approx(whole.mean, rel=0.1)
    assert whole.std == 0 < some.std


def test_the_global_generator_is_left_alone(features):
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    kernel_distance(real=features(20, 4), synthetic=features(20, 4, seed=1), subset_size=5, subsets=2)
    assert (np.random.get_state()[1] == before).all()


def test_sizes_are_checked(features):
    with pytest.raises(ValueError, match="subset_size=1"):
        kernel_distance(real=features(9, 4), synthetic=features(9, 4), subset_size=1)
