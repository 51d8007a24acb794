"""What the oracle's answers say of senses, styles, contexts and colours."""

import numpy as np
import pytest

from prism.evaluation.truth import cell_coverage, normalised_entropy, share_right, split_heads


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


def test_entropy_is_one_when_even_and_zero_for_one_choice():
    labels = np.zeros(8, int)
    assert normalised_entropy(seen=np.arange(8) % 4, labels=labels, choices=4) == pytest.approx(1)
    assert normalised_entropy(seen=np.full(8, 2), labels=labels, choices=4) == 0
    two_of_four = normalised_entropy(seen=np.arange(8) % 2, labels=labels, choices=4)
    assert two_of_four == pytest.approx(0.5)


def test_entropy_is_within_classes():
    """Each class drawn in one context alone is not diverse, however many contexts there are in all."""
    labels = np.repeat(np.arange(4), 5)
    assert normalised_entropy(seen=labels, labels=labels, choices=4) == 0


def test_few_images_are_measured_against_their_own_number():
    assert normalised_entropy(seen=np.array([0, 5]), labels=np.zeros(2, int), choices=7) == pytest.approx(1)
    share = cell_coverage(
        contexts=np.array([0, 1]),
        colours=np.array([0, 0]),
        labels=np.zeros(2, int),
        n_contexts=7,
        n_colours=10,
    )
    assert share == 1


def test_cells_are_pairs_of_context_and_colour():
    contexts, colours = np.array([0, 0, 1, 1, 0, 0, 0, 0]), np.array([0, 1, 0, 0, 0, 0, 0, 0])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    share = cell_coverage(contexts=contexts, colours=colours, labels=labels, n_contexts=2, n_colours=2)
    assert share == pytest.approx((3 / 4 + 1 / 4) / 2)
    with pytest.raises(ValueError, match="from 0 to 1"):
        cell_coverage(contexts=contexts + 1, colours=colours, labels=labels, n_contexts=2, n_colours=2)
