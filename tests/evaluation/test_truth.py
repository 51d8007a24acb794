"""What the oracle's answers say of senses, styles, contexts and colours."""

import numpy as np
import pytest

from prism.evaluation.truth import (
    cell_coverage,
    cells_of,
    normalised_entropy,
    real_coverage,
    share_right,
    split_heads,
)


def test_heads_are_split_in_order():
    logits = np.zeros((2, 9))
    logits[0, [1, 3, 6, 8]] = 1  # concept 1 of 2, style 1 of 2, context 2 of 3, colour 1 of 2
    seen = split_heads(logits, (2, 2, 3, 2))
    assert {head: answers[0] for head, answers in seen.items()} == {
        "concept": 1,
        "style": 1,
        "context": 2,
        "colour": 1,
    }
    with pytest.raises(ValueError, match="9 columns"):
        split_heads(logits, (2, 2, 2, 2))


def test_images_that_asked_for_nothing_do_not_count():
    seen = np.array([0, 1, 2, 3])
    assert share_right(seen=seen, wanted=np.array([0, 1, 0, -1])) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="asks for nothing"):
        share_right(seen=seen, wanted=np.full(4, -1))


def all_right(labels):
    return {"labels": np.asarray(labels), "right": np.ones(len(labels), bool)}


def test_entropy_is_one_when_even_and_zero_for_one_choice():
    one_class = all_right(np.zeros(8, int))
    assert normalised_entropy(seen=np.arange(8) % 4, choices=4, **one_class) == pytest.approx(1)
    assert normalised_entropy(seen=np.full(8, 2), choices=4, **one_class) == 0
    two_of_four = normalised_entropy(seen=np.arange(8) % 2, choices=4, **one_class)
    assert two_of_four == pytest.approx(0.5)


def test_entropy_is_within_classes():
    """Each class drawn in one context alone is not diverse, however many contexts there are in all."""
    labels = np.repeat(np.arange(4), 5)
    assert normalised_entropy(seen=labels, choices=4, **all_right(labels)) == 0


def test_images_of_another_concept_bring_a_class_no_variety():
    seen, labels = np.arange(8) % 4, np.repeat([0, 1], 4)
    right = labels == 0
    assert normalised_entropy(seen=seen, labels=labels, right=right, choices=4) == pytest.approx(0.5)
    assert cell_coverage(cells=seen, labels=labels, right=right, choices=4) == pytest.approx(0.5)
    real = {"real": seen, "real_labels": labels}
    assert real_coverage(cells=seen, labels=labels, right=right, **real) == pytest.approx(0.5)


def test_few_images_are_measured_against_their_own_number():
    two = all_right([0, 0])
    assert normalised_entropy(seen=np.array([0, 5]), choices=7, **two) == pytest.approx(1)
    assert cell_coverage(cells=np.array([0, 10]), choices=70, **two) == 1


def test_cells_are_combinations_of_answers():
    seen = {"context": np.array([0, 0, 1, 1, 0, 0, 0, 0]), "colour": np.array([0, 1, 0, 0, 0, 0, 0, 0])}
    cells = cells_of(seen, {"context": 2, "colour": 2}, ("context", "colour"))
    assert cells.tolist() == [0, 1, 2, 2, 0, 0, 0, 0]
    classes = all_right(np.repeat([0, 1], 4))
    assert cell_coverage(cells=cells, choices=4, **classes) == pytest.approx((3 / 4 + 1 / 4) / 2)
    with pytest.raises(ValueError, match="from 0 to 3"):
        cell_coverage(cells=cells + 2, choices=4, **classes)


def test_real_coverage_weighs_cells_by_how_common_they_are_among_real_images():
    real, real_labels = np.array([7, 7, 7, 2, 5, 5]), np.array([0, 0, 0, 0, 1, 1])
    made = {"cells": np.array([7, 9, 2]), **all_right([0, 0, 1])}  # class 1 hits what only class 0 has
    assert real_coverage(**made, real=real, real_labels=real_labels) == pytest.approx((3 / 4 + 0) / 2)
    assert real_coverage(cells=real, **all_right(real_labels), real=real, real_labels=real_labels) == 1
    with pytest.raises(ValueError, match="not 0"):
        real_coverage(**made, real=real[:0], real_labels=real_labels[:0])
