"""The second label of images that hold two classes, as Latent CutMix records it in their shards."""

from __future__ import annotations

from typing import Any

import numpy as np

from prism.data.images import ImageSet
from prism.data.shards import ShardSet
from prism.errors import ShardError


def mixed_labels(images: ImageSet, classes: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The class mixed into each image and its share of the image's area.

    Args:
        images: a :class:`prism.data.shards.ShardSet` whose records may have ``mixed_class_index`` and ``mix``; other
            images are never mixed.
        classes: how many there are.

    Returns:
        int64 (n,) and float32 (n,) in [0, 1], the own class and 0 where the image holds no other class; None where
        none does.

    Raises:
        ShardError: a record has no such class or share.
    """
    if not isinstance(images, ShardSet):
        return None
    others, shares = images.labels.copy(), np.zeros(len(images), np.float32)
    for row, (key, record) in enumerate(zip(images.keys, images.records, strict=True)):
        if "mix" not in record:
            continue
        other, share = record.get("mixed_class_index"), record["mix"]
        if not _is_class(other, classes) or not _is_share(share):
            found = f"mixed_class_index={other!r} and mix={share!r}"
            raise ShardError(f"{images.name}: image {key}: {found} are no class below {classes} and a share up to 1")
        if other != images.labels[row]:  # within a class the label stays, whatever the share
            others[row], shares[row] = other, share
    return (others, shares) if shares.any() else None


def _is_class(value: Any, classes: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < classes


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
