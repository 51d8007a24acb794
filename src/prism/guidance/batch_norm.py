"""Distance of feature statistics from those of the training data, as BatchNorm layers keep them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor


class Statistics(NamedTuple):
    """One layer's statistics: ``mean`` and ``variance`` of the present input, (channels,) of a batch or
    (batch, channels) of each image, and ``running_mean`` and ``running_variance`` (channels,) of the training data.
    """

    mean: Tensor
    variance: Tensor
    running_mean: Tensor
    running_variance: Tensor


def batch_norm(statistics: Sequence[Statistics], *, first_weight: float = 1.0) -> Tensor:
    """``sum_l w_l (||mean_l - running_mean_l||_2 + ||var_l - running_var_l||_2)``: norms, not squared.

    Yin et al., "Dreaming to distill" (2020), equation 4, in the form of their code, which DDIS, DiffDFKD, SRe2L and
    PRISM-DD share.

    Args:
        statistics: one entry a layer, in the network's order.
        first_weight: w of the first layer, 1 for all others; DeepInversion's and SRe2L's codes have 10.

    Returns:
        () for statistics of a batch, (batch,) for those of each image.

    Raises:
        ValueError: there is no layer.
    """
    if not statistics:
        raise ValueError("statistics is empty; there should be one entry for each BatchNorm layer")
    total = 0.0
    for index, (mean, variance, running_mean, running_variance) in enumerate(statistics):
        gap = _norm(mean - running_mean) + _norm(variance - running_variance)
        total = total + (first_weight if index == 0 else 1.0) * gap
    return total


def _norm(gap: Tensor) -> Tensor:
    """Length over channels; its gradient is zero, not NaN, where the gap is. What is not a number stays so."""
    square = gap.square().sum(dim=-1)
    # Both branches of a `where` are differentiated: the root must not see the zero.
    return square.where(square != 0, 1.0).sqrt().where(square != 0, 0.0)
