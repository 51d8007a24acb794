"""Drawn image sets: labels in the teacher's order, more images change none, seeds and domains differ."""

import numpy as np
import pytest

from prism.errors import DataError
from prism.miniature.sources import DOMAINS, world_images


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_larger_set_begins_with_the_smaller_one(domain):
    small, large = world_images(domain, 1, 0), world_images(domain, 2, 0)
    assert np.array_equal(small.labels, np.arange(10))
    assert np.array_equal(large.images[::2], small.images)


def test_seeds_and_domains_give_other_images():
    sets = [world_images("sketch", 1, 0), world_images("sketch", 1, 1), world_images("cartoon", 1, 0)]
    assert len({images.images.tobytes() for images in sets}) == 3


def test_unknown_domains_and_no_images_are_refused():
    with pytest.raises(DataError, match="may be one of"):
        world_images("moon", 1, 0)
    with pytest.raises(DataError, match="at least 1"):
        world_images("sketch", 0, 0)
