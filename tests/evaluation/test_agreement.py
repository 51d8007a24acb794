"""Teacher agreement, free energy and its histograms."""

import numpy as np
import pytest

from prism.evaluation.agreement import free_energy, free_energy_gap, shared_histogram, teacher_agreement


def test_agreement_is_the_share_of_classes_asked_for():
    logits = np.array([[2.0, 1], [0, 3], [5, 4], [1, 2]])
    assert teacher_agreement(logits=logits, labels=np.array([0, 1, 1, 1])) == 0.75


def test_free_energy_of_equal_logits_is_known():
    assert free_energy(np.zeros((2, 8))) == pytest.approx(-np.log(8))
    assert free_energy(np.zeros((2, 8)), temperature=2.0) == pytest.approx(-2 * np.log(8))
    assert free_energy(np.array([[1000.0, 0.0]])) == pytest.approx(-1000)  # no overflow


def test_gap_is_positive_where_synthetic_images_are_foreign():
    sure, unsure = np.array([[9.0, 0], [0, 9]]), np.zeros((3, 2))
    assert free_energy_gap(real=sure, synthetic=unsure) > 0
    assert free_energy_gap(real=sure, synthetic=sure) == 0
    assert free_energy_gap(real=unsure, synthetic=sure) == -free_energy_gap(real=sure, synthetic=unsure)


def test_histograms_share_their_edges_and_sum_to_one():
    rng = np.random.default_rng(0)
    histogram = shared_histogram(real=rng.normal(size=90), synthetic=rng.normal(2, 1, size=40), bins=12)
    assert len(histogram["edges"]) == 13 and len(histogram["real"]) == len(histogram["synthetic"]) == 12
    assert sum(histogram["real"]) == pytest.approx(1) == sum(histogram["synthetic"])
    constant = shared_histogram(real=np.ones(3), synthetic=np.ones(2), bins=4)
    assert sum(constant["real"]) == 1 and (np.diff(constant["edges"]) > 0).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="labels must be from 0 to 1"):
        teacher_agreement(logits=np.eye(2), labels=np.array([0, 2]))
    with pytest.raises(ValueError, match="temperature=0"):
        free_energy(np.eye(2), temperature=0)
    with pytest.raises(ValueError, match="at least one value"):
        shared_histogram(real=np.ones(0), synthetic=np.ones(2))
