"""The terms of an inversion's objective that look at pixels or at two classifiers: pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

_LEAST, _MOST = 0.01, 0.99  # probabilities in the released form of Adaptive DeepInversion
_POOLED_PX = 32  # side at which G-VBSM compares images


def total_variation_l1(images: Tensor) -> Tensor:
    """Mean magnitude of the differences with the neighbours right, below and on both diagonals, summed: ().

    Yin et al., "Dreaming to distill" (2020), R_TV of equation 3 in the form of their code.

    Args:
        images: (batch, channels, height, width).
    """
    return torch.stack([gap.abs().mean() for gap in _differences(images)]).sum()


def total_variation_l2(images: Tensor) -> Tensor:
    """Norm of the same four differences over the whole batch, summed: (). Source as above."""
    return torch.stack([_norm(gap.flatten()) for gap in _differences(images)]).sum()


def mean_norm(images: Tensor) -> Tensor:
    """``mean_i ||x_i||_2``: (). R_l2 of the same equation; every image counts, whatever the size of the batch."""
    return _norm(images.flatten(1)).mean()


def jensen_shannon(student: Tensor, teacher: Tensor, temperature: float = 3.0) -> Tensor:
    """``(KL(p || m) + KL(q || m)) / 2`` with ``m = (p + q) / 2``, natural logarithms: (batch,), 0 to ln 2.

    Yin et al. 2020, equation 6.

    Args:
        student, teacher: logits (batch, classes), of which p and q are the softmaxes.
        temperature: of both.
    """
    log_p, log_q = (functional.log_softmax(wide(logits) / temperature, 1) for logits in (student, teacher))
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return ((log_p.exp() * (log_p - log_m)).sum(1) + (log_q.exp() * (log_q - log_m)).sum(1)) / 2


def reversed_divergence(student: Tensor, teacher: Tensor, temperature: float = 3.0) -> Tensor:
    """The released code's ``(KL(m || p) + KL(m || q)) / 2``, all three cut to [0.01, 0.99] and not renormalised:
    (batch,). No Jensen-Shannon divergence; see :func:`jensen_shannon`.
    """
    p, q = (functional.softmax(wide(logits) / temperature, 1) for logits in (student, teacher))
    m = ((p + q) / 2).clamp(_LEAST, _MOST)
    log_p, log_q = p.clamp(_LEAST, _MOST).log(), q.clamp(_LEAST, _MOST).log()
    return (m * (m.log() - (log_p + log_q) / 2)).sum(1)


DIVERGENCES = {"jensen-shannon": jensen_shannon, "released": reversed_divergence}


def competition(student: Tensor, teacher: Tensor, *, js: str = "jensen-shannon", temperature: float = 3.0) -> Tensor:
    """``1 - clip(JS(student, teacher), 0, 1)`` with the batch's mean divergence: (). Yin et al. 2020, equation 5."""
    return 1 - DIVERGENCES[js](student, teacher, temperature).mean().clamp(0, 1)


def densification(images: Tensor, members: Sequence[Tensor], temperature: float = 4.0) -> Tensor:
    """``sum_c KL(softmax(l_c / T) || softmax(l_c))``, l_c the eigenvalues of the Gram matrix of class c's images: ().

    Shao et al., "Generalized large-scale data condensation" (2024), data densification, in the form of their code:
    images averaged to 32 x 32 px, not centred; the target takes no gradient. A class of one image adds nothing.

    Args:
        images: (batch, channels, height, width).
        members: for each class the rows of its images, int64.
        temperature: T.
    """
    pooled = wide(images)
    if min(images.shape[-2:]) > _POOLED_PX:
        pooled = functional.adaptive_avg_pool2d(pooled, _POOLED_PX)
    flat = pooled.flatten(1)
    total = flat.new_zeros(())
    for group in _equal(members):
        rows = flat[group]  # (classes, images of each, values)
        values = torch.linalg.eigvalsh(rows @ rows.mT)  # (classes, images of each)
        target = functional.log_softmax(values.detach() / temperature, 1)
        own = functional.log_softmax(values, 1)
        total = total + (target.exp() * (target - own)).sum()
    return total


def _equal(members: Sequence[Tensor]) -> list[Tensor]:
    """Classes with as many images stacked: (classes, images of each), so that each kind is one batched product."""
    sizes = sorted({len(rows) for rows in members if len(rows) > 1})
    return [torch.stack([rows for rows in members if len(rows) == size]) for size in sizes]


def _differences(images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return (
        images[..., :, :-1] - images[..., :, 1:],
        images[..., :-1, :] - images[..., 1:, :],
        images[..., 1:, :-1] - images[..., :-1, 1:],
        images[..., :-1, :-1] - images[..., 1:, 1:],
    )


def _norm(values: Tensor) -> Tensor:
    """Length over the last dimension; its gradient is zero, not NaN, at zero."""
    square = values.square().sum(dim=-1)
    return square.where(square > 0, 1.0).sqrt().where(square > 0, 0.0)


def wide(values: Tensor) -> Tensor:
    """Half precision as float32; anything else as it is."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
