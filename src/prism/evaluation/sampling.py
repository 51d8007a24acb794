"""Equal counts for metrics that depend on the count: seeded subsets with as even a share of classes as there
is.
"""

from __future__ import annotations

import numpy as np

from prism.seeds import rng


def even_subset(labels: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Sorted indices (count,) of a seeded subset in which the classes differ by one image where they can.

    Args:
        labels: class of each image (n,).
        count: size of the subset, from 1 to n.
        seed: other seeds give other subsets.

    Raises:
        ValueError: ``count`` is not in range.
    """
    if not 1 <= count <= len(labels):
        raise ValueError(f"count={count} must be from 1 to {len(labels)}, the number of images")
    shuffled = rng(seed).permutation(len(labels))
    rank = np.empty(len(labels), np.int64)  # of each image within its class, in shuffled order
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rank[members] = np.arange(len(members))
    position = np.empty(len(labels), np.int64)
    position[shuffled] = np.arange(len(labels))
    return np.sort(np.lexsort((position, rank))[:count])
