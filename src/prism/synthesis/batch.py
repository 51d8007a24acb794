"""One batch of drawn images: drawn again with their next seeds where not finite or constant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

MAX_ATTEMPTS = 5
SMALLEST_SPREAD = 2.0  # of 255: standard deviation below which an image counts as constant

Sample = Callable[[list[int], list[int]], Tensor]


@dataclass(frozen=True)
class Drawn:
    """Images (b, h, w, 3) uint8 with the seeds that made them and the teacher's view of each.

    ``redrawn`` counts the repetitions; ``invalid`` lists rows that no attempt mended. ``right`` tells where the
    teacher's prediction is the class. ``mixed_classes`` and ``mixes``, the class mixed into each image and its share
    of the area, are empty without mixing.
    """

    images: np.ndarray
    seeds: np.ndarray
    redrawn: int
    invalid: tuple[int, ...] = ()
    energies: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    confidences: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    right: np.ndarray = field(default_factory=lambda: np.empty(0, bool))
    mixed_classes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    mixes: np.ndarray = field(default_factory=lambda: np.empty(0, np.float64))

    def scored(self, *, energies: np.ndarray, confidences: np.ndarray, right: np.ndarray) -> Drawn:
        """The same with the teacher's free energies, confidences and whether it is right, (b,) each."""
        return replace(self, energies=energies, confidences=confidences, right=right)

    def mixed(self, classes: np.ndarray, shares: np.ndarray) -> Drawn:
        """The same with the class mixed into each image and its share of the area, (b,) each."""
        return replace(self, mixed_classes=classes, mixes=shares)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, to be saved."""
        return {
            "images": self.images,
            "seeds": self.seeds,
            "redrawn": np.array(self.redrawn),
            "energies": self.energies,
            "confidences": self.confidences,
            "right": self.right,
            "mixed_classes": self.mixed_classes,
            "mixes": self.mixes,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Drawn:
        """The inverse of :meth:`arrays`."""
        return cls(
            images=arrays["images"],
            seeds=arrays["seeds"],
            redrawn=int(arrays["redrawn"]),
            energies=arrays["energies"],
            confidences=arrays["confidences"],
            right=arrays["right"],
            mixed_classes=arrays["mixed_classes"],
            mixes=arrays["mixes"],
        )


def draw_until_valid(
    sample: Sample, seeds: Sequence[int], *, next_seed: Callable[[int, int], int], attempts: int = MAX_ATTEMPTS
) -> Drawn:
    """Draw all rows, then again those that are not finite or constant, ``attempts`` times in all at most.

    Args:
        sample: ``sample(rows, seeds)`` gives float images (len(rows), 3, h, w) in [0, 1].
        seeds: one per row.
        next_seed: the seed of a row's attempt 1, 2, ... from its first seed.
    """
    rows = list(range(len(seeds)))
    used = np.array(seeds, np.int64)
    images: np.ndarray | None = None
    redrawn = 0
    for attempt in range(attempts):
        if attempt:
            redrawn += len(rows)
            used[rows] = [next_seed(int(seeds[row]), attempt) for row in rows]
        floats = sample(rows, [int(seed) for seed in used[rows]])
        pixels = _to_uint8(floats)
        if images is None:
            images = pixels
        else:
            images[rows] = pixels
        valid = torch.isfinite(floats).flatten(1).all(dim=1).cpu().numpy() & (
            pixels.reshape(len(rows), -1).std(axis=1) >= SMALLEST_SPREAD
        )
        rows = [row for row, good in zip(rows, valid, strict=True) if not good]
        if not rows:
            break
    return Drawn(images, used, redrawn, tuple(rows))


def _to_uint8(images: Tensor) -> np.ndarray:
    """(b, 3, h, w) in [0, 1] to (b, h, w, 3) uint8, rounded; what is not finite becomes black."""
    pixels = torch.nan_to_num(images, nan=0.0, posinf=0.0, neginf=0.0).mul(255).round().clamp(0, 255)
    return pixels.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()
