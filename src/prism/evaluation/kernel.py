"""Kernel distance: unbiased squared maximum mean discrepancy, polynomial kernel (Binkowski et al. 2018, eq. 4
and 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prism.evaluation.features import Features, as_pair


@dataclass(frozen=True)
class KernelDistance:
    """Mean and standard deviation over subsets. The mean is unbiased, so it may be negative."""

    mean: float
    std: float


def kernel_distance(
    *, real: Features, synthetic: Features, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Kernel distance between features (n, d) and (m, d) with the kernel ``(x.y / d + 1)^3``.

    Args:
        real, synthetic: features of one network.
        subsets: how many seeded subsets; one is enough, and taken, when it is the whole of both sets.
        subset_size: samples a subset, cut to the smaller set.
        seed: seed of the subsets.

    Raises:
        ValueError: shapes do not fit, or a subset has fewer than two samples.
    """
    if subsets < 1 or subset_size < 2:
        raise ValueError(f"subsets={subsets} must be at least 1 and subset_size={subset_size} at least 2")
    first, second = as_pair(real=real, synthetic=synthetic, minimum=2)
    size = min(len(first), len(second), subset_size)
    if size == len(first) == len(second):
        return KernelDistance(_unbiased(first.double(), second.double()), 0.0)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        chosen = [
            torch.from_numpy(rng.choice(len(each), size, replace=False)).to(first.device) for each in (first, second)
        ]
        values.append(_unbiased(first[chosen[0]].double(), second[chosen[1]].double()))
    return KernelDistance(float(np.mean(values)), float(np.std(values)))


def _unbiased(first: Tensor, second: Tensor) -> float:
    """Squared discrepancy of two sets of n samples, pairs of a sample with itself left out."""
    count = len(first)
    within = sum(kernel.sum() - kernel.diagonal().sum() for kernel in (_kernel(first, first), _kernel(second, second)))
    across = _kernel(first, second).sum()
    return (within / (count * (count - 1)) - 2 * across / count**2).item()


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    return (first @ second.T / first.shape[1] + 1) ** 3
