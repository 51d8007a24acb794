"""One answer of several teachers."""

from __future__ import annotations

import torch
from torch import Tensor


def ensemble(logits: Tensor) -> Tensor:
    """The mean of several teachers' logits, each first given the same norm, so that none drowns the others.

    mean over m of f_m(x) / ||f_m(x)|| * mean over m of ||f_m(x)||, for each image by itself. Source: G-VBSM (CVPR 2024)
    and PRISM-DD (arXiv 2511.09905), as released; there the norm is taken over a whole batch of logits, which makes a
    label depend on the batch that it was made in.

    Args:
        logits: (teachers, batch, classes). Those of one teacher are given back as they are.

    Returns:
        (batch, classes).

    Raises:
        ValueError: the shape is another one.
    """
    if logits.ndim != 3 or not len(logits):
        raise ValueError(f"logits are {tuple(logits.shape)}; they must be (teachers, batch, classes)")
    if len(logits) == 1:
        return logits[0]
    norms = logits.norm(dim=2, keepdim=True)  # (teachers, batch, 1)
    scales = norms.mean(dim=0) / norms.clamp_min(torch.finfo(logits.dtype).tiny)
    return (logits * scales).mean(dim=0)
