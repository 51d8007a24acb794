"""Seeds by name: every random draw has a seed derived from the run's seed and from what it is for.

A draw's seed depends on nothing else that is drawn, so adding an image, a method or a stage changes no other
result. The seed of an image is the same for all methods, which are so compared on the same noise.
"""

from __future__ import annotations

import hashlib
import operator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SEED_BITS = 63  # the largest non-negative integer that torch, NumPy and JSON readers with int64 all take


def derive(run_seed: int, *parts: int | str) -> int:
    """The seed of the draw that ``parts`` name, an integer in [0, 2**63).

    Args:
        run_seed: the seed of the whole run.
        parts: what the seed is for, such as ``"distillation", "order", epoch``. ``1`` and ``"1"`` are
            different parts.

    Raises:
        TypeError: a part is neither an integer nor a string.
    """
    digest = hashlib.blake2b(digest_size=8, person=b"prism-seed")
    for part in (run_seed, *parts):
        # Tag and length keep ("ab", "c") apart from ("a", "bc"), and 1 apart from "1".
        tag, text = ("s", part) if isinstance(part, str) else ("i", str(operator.index(part)))
        data = text.encode()
        digest.update(f"{tag}{len(data)}:".encode() + data)
    return int.from_bytes(digest.digest(), "big") >> (64 - _SEED_BITS)


def image_seed(run_seed: int, class_index: int, image_index: int) -> int:
    """The seed of image ``image_index`` of class ``class_index``, equal across methods and batches."""
    return derive(run_seed, class_index, image_index)


def generator(seed: int) -> torch.Generator:
    """A torch generator on the CPU, where the same seed gives the same numbers on every machine."""
    import torch  # here: it takes seconds to import, and most users of this module need only derive()

    return torch.Generator("cpu").manual_seed(seed)


def rng(seed: int) -> np.random.Generator:
    """A NumPy generator."""
    return np.random.default_rng(seed)
