"""The Frechet distance against closed forms, a reference program, and its symmetries."""

import inspect

import numpy as np
import pytest
import scipy.linalg

from prism.evaluation.frechet import frechet_distance, frechet_distance_of_statistics


def test_golden_statistics(golden):
    for case in golden["frechet_of_statistics"]:
        cov = np.eye(len(case["mean"])) if case["cov"] == "eye" else np.array(case["cov"], float)
        value = frechet_distance_of_statistics(
            real_mean=np.array(case["mean"], float),
            real_cov=cov,
            synthetic_mean=np.array(case["other_mean"], float),
            synthetic_cov=np.array(case["other_cov"], float),
        )
        assert value == pytest.approx(case["value"], abs=1e-12), case["name"]


@pytest.mark.parametrize("form", ["eigenvalues", "nuclear", "auto"])
def test_covariance_is_unbiased(golden, form):
    cross = np.array(golden["cross"], float)
    value = frechet_distance(real=cross, synthetic=2 * cross + [3, 4], form=form)
    assert value == pytest.approx(golden["frechet_of_cross"], abs=1e-12)


def test_both_forms_agree_above_and_below_full_rank(features):
    for n in (12, 40, 90):
        first, second = features(n, 40), features(n + 5, 40, seed=1, shift=0.1, scale=1.3)
        by_eigenvalues = frechet_distance(real=first, synthetic=second, form="eigenvalues")
        nuclear = frechet_distance(real=first, synthetic=second, form="nuclear")
        assert by_eigenvalues == pytest.approx(nuclear, rel=1e-6 if n < 41 else 1e-12)


def test_identical_sets_are_at_distance_zero(features):
    few, many = features(20, 64), features(200, 16)
    assert frechet_distance(real=few, synthetic=few) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(real=many, synthetic=many) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n", [30, 200])
def test_symmetric_and_invariant_to_rotation_and_order(features, rotation, n):
    first, second, turn = features(n, 48), features(n, 48, seed=1, shift=0.2), rotation(48)
    value = frechet_distance(real=first, synthetic=second)
    assert frechet_distance(real=second, synthetic=first) == pytest.approx(value, rel=1e-9)
    assert frechet_distance(real=first @ turn, synthetic=second @ turn) == pytest.approx(value, rel=1e-9)
    assert frechet_distance(real=first[::-1], synthetic=second) == pytest.approx(value, rel=1e-9)


def test_falls_with_the_number_of_samples():
    rng = np.random.default_rng(0)
    values = [
        frechet_distance(real=rng.normal(size=(n, 32)), synthetic=rng.normal(size=(n, 32))) for n in (100, 1000, 5000)
    ]
    assert values[0] > 3 * values[1] > 3 * values[2]


@pytest.mark.skipif(
    "disp" not in inspect.signature(scipy.linalg.sqrtm).parameters, reason="clean-fid needs sqrtm(disp=)"
)
def test_equals_clean_fid(features):
    reference = pytest.importorskip("cleanfid.fid")
    first, second = features(300, 32), features(250, 32, seed=1, shift=0.3, scale=0.7)
    statistics = [(each.mean(0), np.cov(each, rowvar=False)) for each in (first, second)]
    wanted = reference.frechet_distance(*statistics[0], *statistics[1])
    assert frechet_distance(real=first, synthetic=second) == pytest.approx(wanted, rel=1e-8)


def test_bad_input_is_named(features):
    good = features(10, 4)
    with pytest.raises(ValueError, match="synthetic holds numbers that are not finite"):
        frechet_distance(real=good, synthetic=np.where(good > 1, np.nan, good))
    with pytest.raises(ValueError, match="one network gives both"):
        frechet_distance(real=good, synthetic=features(10, 5))
    with pytest.raises(ValueError, match="real has 1 rows"):
        frechet_distance(real=good[:1], synthetic=good)
    with pytest.raises(ValueError, match="form='sqrtm'"):
        frechet_distance(real=good, synthetic=good, form="sqrtm")
