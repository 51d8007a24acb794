"""Equal counts by even, seeded subsets."""

import numpy as np
import pytest

from prism.evaluation.sampling import even_subset


def test_classes_are_even_and_draws_are_seeded():
    labels = np.repeat(np.arange(5), 20)
    chosen = even_subset(labels, 32, seed=1)
    assert len(set(chosen)) == 32 and (np.diff(chosen) > 0).all()
    assert set(np.bincount(labels[chosen])) == {6, 7}
    assert (chosen == even_subset(labels, 32, seed=1)).all()
    assert (chosen != even_subset(labels, 32, seed=2)).any()


def test_the_whole_set_is_itself():
    labels = np.array([1, 0, 1, 1])
    assert even_subset(labels, 4, seed=0).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="count=5 must be from 1 to 4"):
        even_subset(labels, 5, seed=0)
