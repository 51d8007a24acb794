"""Second labels: those that the records have, where they are of another class, and nothing else."""

import numpy as np
import pytest

from prism.data.images import ImageSet
from prism.data.mixed_labels import mixed_labels
from prism.data.shards import ShardSet
from prism.data.sources import resized
from prism.errors import ShardError

PLAIN = {"class_index": 0}


def images(*records):
    """Images of the classes 0, 1, 2, ... with these records."""
    pixels = np.zeros((len(records), 8, 8, 3), np.uint8)
    keys = tuple(f"{row:04d}-000000" for row in range(len(records)))
    return ShardSet(pixels, np.arange(len(records)), "shard-0000.tar", records, keys)


def mixed(other, share):
    return {**PLAIN, "mixed_class_index": other, "mix": share}


def test_class_and_share_are_those_of_the_record():
    others, shares = mixed_labels(images(mixed(1, 0.25), PLAIN, mixed(0, 1)), 3)
    assert others.tolist() == [1, 1, 0] and shares.tolist() == [0.25, 0, 1]
    assert others.dtype == np.int64 and shares.dtype == np.float32


def test_within_a_class_the_label_stays():
    others, shares = mixed_labels(images(mixed(0, 0.5), mixed(0, 0.5)), 3)
    assert others.tolist() == [0, 0] and shares.tolist() == [0, 0.5]


def test_where_nothing_is_mixed_there_are_none():
    assert mixed_labels(images(PLAIN, PLAIN), 3) is None
    assert mixed_labels(images(mixed(0, 0.5), mixed(2, 0)), 3) is None
    assert mixed_labels(ImageSet(np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1, np.int64), "photos"), 3) is None


def test_images_of_another_size_keep_their_records():
    others, _ = mixed_labels(resized(images(mixed(1, 0.25)), 4), 3)
    assert others.tolist() == [1]


@pytest.mark.parametrize("record", [mixed(3, 0.5), mixed(-1, 0.5), mixed("1", 0.5), mixed(1, 1.5), mixed(1, None)])
def test_a_record_that_makes_no_sense_is_refused_by_its_key(record):
    with pytest.raises(ShardError, match="shard-0000.tar: image 0001-000000: mixed_class_index="):
        mixed_labels(images(PLAIN, record), 3)
