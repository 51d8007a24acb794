"""The shape that every metric expects of its features, checked in one place."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

Features = np.ndarray | Tensor


def as_features(name: str, features: Features, *, minimum: int = 1) -> Tensor:
    """A view of ``features`` as a tensor (n, d) of its own floating type; integers become float64.

    Raises:
        ValueError: not two-dimensional, fewer than ``minimum`` rows, or a number that is not finite.
    """
    tensor = features if isinstance(features, Tensor) else torch.from_numpy(np.ascontiguousarray(features))
    if tensor.ndim != 2:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; features have two axes, (n, d)")
    if len(tensor) < minimum:
        raise ValueError(f"{name} has {len(tensor)} rows; at least {minimum} are needed")
    if not tensor.is_floating_point():
        tensor = tensor.double()
    if not all(bool(torch.isfinite(extreme)) for extreme in torch.aminmax(tensor)):  # both pass NaN on; no copy is made
        raise ValueError(f"{name} holds numbers that are not finite")
    return tensor.detach()


def as_pair(*, real: Features, synthetic: Features, minimum: int = 1) -> tuple[Tensor, Tensor]:
    """Both sets as tensors (n, d) and (m, d) of one type on one device.

    Raises:
        ValueError: as :func:`as_features`, or the widths differ.
    """
    first = as_features("real", real, minimum=minimum)
    second = as_features("synthetic", synthetic, minimum=minimum)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"real has {first.shape[1]} features and synthetic {second.shape[1]}; one network gives both")
    if first.dtype != second.dtype:
        first, second = first.double(), second.double()
    return first, second.to(first.device)
