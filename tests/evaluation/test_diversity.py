"""The Vendi score and intra-class similarity against closed forms."""

import numpy as np
import pytest

from prism.evaluation.diversity import intra_class_similarity, vendi_score


def test_golden_vendi(golden):
    assert vendi_score(synthetic=np.eye(5)) == pytest.approx(golden["vendi"]["eye"])
    assert vendi_score(synthetic=np.ones((6, 3))) == pytest.approx(golden["vendi"]["identical"])
    three = np.array([[1.0, 0], [1, 0], [0, 1]])
    assert vendi_score(synthetic=three) == pytest.approx(golden["vendi"]["two_and_one"], abs=1e-12)


def test_vendi_is_the_same_from_either_gram_matrix_and_under_rotation(features, rotation):
    rows = features(30, 30)
    wide, tall = rows[:20], np.vstack([rows[:, :9], rows[:, :9]])
    padded = np.hstack([tall, np.zeros((60, 80))])  # more columns than rows: the other Gram matrix
    assert vendi_score(synthetic=padded) == pytest.approx(vendi_score(synthetic=tall), rel=1e-9)
    assert vendi_score(synthetic=wide @ rotation(30)) == pytest.approx(vendi_score(synthetic=wide), rel=1e-9)
    assert vendi_score(synthetic=5 * wide) == pytest.approx(vendi_score(synthetic=wide), rel=1e-9)


def test_similarity_is_the_mean_over_pairs_of_each_class(features):
    rows, labels = features(12, 5), np.array([0] * 7 + [2] * 4 + [5])
    wanted = []
    for label in (0, 2):
        unit = rows[labels == label]
        unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
        wanted.append((unit @ unit.T)[np.triu_indices(len(unit), 1)].mean())
    assert intra_class_similarity(synthetic=rows, labels=labels) == pytest.approx(np.mean(wanted))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="row of zeros"):
        vendi_score(synthetic=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="a class needs two"):
        intra_class_similarity(synthetic=np.eye(3), labels=np.arange(3))
    with pytest.raises(ValueError, match=r"3 features need \(3,\)"):
        intra_class_similarity(synthetic=np.eye(3), labels=np.arange(2))
