"""Batches of a shard: every place once, sizes as promised."""

import pytest

from prism.data.shards import shard_plan
from prism.synthesis.plan import batches_of, class_batches, even_batches, rounds_of

PLACES = shard_plan(10, 21, 3)[1]  # images 7 to 13 of ten classes


@pytest.mark.parametrize("cut", [batches_of, even_batches, class_batches])
@pytest.mark.parametrize("size", [2, 3, 16, 40, 70, 100])
def test_every_place_is_in_one_batch_of_at_most_the_size(cut, size):
    batches = cut(PLACES, size)
    assert sorted(place for batch in batches for place in batch) == sorted(PLACES)
    assert all(0 < len(batch) <= size for batch in batches)


def test_even_batches_differ_by_one_at_most():
    assert [len(batch) for batch in even_batches(PLACES, 16)] == [14] * 5
    assert sorted(len(batch) for batch in even_batches(PLACES, 32)) == [23, 23, 24]


def test_class_batches_keep_images_of_a_class_together():
    for size in (2, 3, 16, 40):
        for batch in class_batches(PLACES, size):
            counts = {label: sum(place[0] == label for place in batch) for label, _ in batch}
            assert size < 3 or min(counts.values()) >= 2


def test_rounds_hold_so_many_images_of_every_class():
    rounds = rounds_of(PLACES, 3)
    assert [sorted({index for _, index in part}) for part in rounds] == [[7, 8, 9], [10, 11, 12], [13]]
    assert [len(part) for part in rounds] == [30, 30, 10]
    assert rounds_of(PLACES, None) == [PLACES]
