"""Finished batches of images, kept in files until their shard is whole."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from prism.artifacts import atomic_path

log = logging.getLogger(__name__)

Batch = TypeVar("Batch")


def keep_batch(path: Path, places: Sequence[tuple[int, int]], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a batch's arrays with the places (class index, image index) of its images, whole or not at all."""
    with atomic_path(path) as part:
        np.savez(part, places=np.array(places), **arrays)


def kept_batch(
    path: Path, places: Sequence[tuple[int, int]], make: Callable[[Mapping[str, np.ndarray]], Batch], *, again: str
) -> Batch | None:
    """What ``make`` makes of a kept batch's arrays.

    None if there is no such file, and, with a warning that ends in ``again``, if it is damaged or of other places.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as saved:
            if not np.array_equal(saved["places"], np.array(places)):
                raise ValueError("it holds other images")
            return make(saved)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s: cannot be used (%s); its images are %s again", path, error, again)
    return None
