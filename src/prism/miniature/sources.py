"""Labelled images of the miniature's ten classes, drawn on the spot: in distribution and beyond."""

from __future__ import annotations

import numpy as np

from prism.data.images import ImageSet
from prism.errors import DataError
from prism.miniature.lexicon import IN_DISTRIBUTION
from prism.miniature.world import Scene, draw, sample_domain, sample_in_distribution
from prism.seeds import derive, rng

IN_DISTRIBUTION_DOMAIN = "in-distribution"
UNSEEN_CONTEXTS = "unseen-contexts"
DOMAINS: tuple[str, ...] = (IN_DISTRIBUTION_DOMAIN, "sketch", "cartoon", "painting", UNSEEN_CONTEXTS)


def world_images(domain: str, count: int, seed: int) -> ImageSet:
    """Images of one domain, ``count`` of each of the ten classes of ``lexicon.IN_DISTRIBUTION``, by class.

    An image is a function of (seed, domain, class, index), so a larger count adds images and changes none.

    Args:
        domain: one of :data:`DOMAINS`.
        count: images of each class.
        seed: other seeds give other images, as training and test sets need.

    Returns:
        images uint8 (10 * count, 32, 32, 3), labels int64 (10 * count,).

    Raises:
        DataError: the domain is unknown or ``count`` is below one.
    """
    if domain not in DOMAINS:
        raise DataError(f"world:{domain} is not a domain of the miniature; it may be one of {', '.join(DOMAINS)}")
    if count < 1:
        raise DataError(f"world:{domain}: {count} images of each class are too few; at least 1")
    pictures, labels = [], []
    for label, concept in enumerate(IN_DISTRIBUTION):
        for index in range(count):
            numbers = rng(derive(seed, "world", domain, label, index))
            pictures.append(draw(_scene(domain, concept, numbers), numbers))
            labels.append(label)
    return ImageSet(np.stack(pictures), np.array(labels, np.int64), f"world:{domain}")


def _scene(domain: str, concept: str, numbers: np.random.Generator) -> Scene:
    if domain == IN_DISTRIBUTION_DOMAIN:
        return sample_in_distribution(numbers, concept)
    if domain == UNSEEN_CONTEXTS:
        return sample_domain(numbers, concept, unseen_context=True)
    return sample_domain(numbers, concept, style=domain)
