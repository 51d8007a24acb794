"""Frechet distance between two Gaussians fitted to features (Heusel et al. 2017, eq. 6), without a matrix
square root.

``|mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)`` with unbiased covariances. The last trace is the sum of
the square roots of the eigenvalues of ``L' S2 L`` for any ``S1 = L L'``. With fewer samples than features it
is, exactly and much sooner, the nuclear norm of the centred cross-Gram matrix over ``sqrt((n - 1) (m - 1))``.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from prism.evaluation.features import Features, as_pair

_FORMS = ("auto", "eigenvalues", "nuclear")


def frechet_distance(*, real: Features, synthetic: Features, form: str = "auto") -> float:
    """Frechet distance between features (n, d) and (m, d); biased upwards, the more so the smaller n and m.

    Args:
        real, synthetic: features of one network. Only values of the same n and m may be compared.
        form: ``eigenvalues``, ``nuclear``, or ``auto``: nuclear when n and m are below d.

    Raises:
        ValueError: shapes do not fit, a set has fewer than two rows, or ``form`` is unknown.
    """
    if form not in _FORMS:
        raise ValueError(f"form={form!r} must be one of {', '.join(_FORMS)}")
    first, second = (each.double() for each in as_pair(real=real, synthetic=synthetic, minimum=2))
    few = max(len(first), len(second)) < first.shape[1]
    if form == "eigenvalues" or (form == "auto" and not few):
        return frechet_distance_of_statistics(
            real_mean=first.mean(0),
            real_cov=_covariance(first),
            synthetic_mean=second.mean(0),
            synthetic_cov=_covariance(second),
        )
    shift = (first.mean(0) - second.mean(0)).square().sum()
    first, second = first - first.mean(0), second - second.mean(0)
    spread = first.square().sum() / (len(first) - 1) + second.square().sum() / (len(second) - 1)
    overlap = torch.linalg.svdvals(first @ second.T).sum() / ((len(first) - 1) * (len(second) - 1)) ** 0.5
    return _not_negative(shift + spread - 2 * overlap)


def frechet_distance_of_statistics(
    *, real_mean: Features, real_cov: Features, synthetic_mean: Features, synthetic_cov: Features
) -> float:
    """Frechet distance between Gaussians given by means (d,) and covariances (d, d).

    Raises:
        ValueError: shapes do not fit, or a number is not finite.
    """
    mean_1, cov_1, mean_2, cov_2 = (
        _finite(name, each)
        for name, each in (
            ("real_mean", real_mean),
            ("real_cov", real_cov),
            ("synthetic_mean", synthetic_mean),
            ("synthetic_cov", synthetic_cov),
        )
    )
    width = len(mean_1)
    if mean_2.shape != (width,) or cov_1.shape != (width, width) or cov_2.shape != (width, width):
        raise ValueError(f"means of {width} features need shapes ({width},) and covariances ({width}, {width})")
    values, vectors = torch.linalg.eigh(cov_1)
    # Directions without variance are left out: the root would turn their rounding error of 1e-16 into 1e-8.
    present = values > width * torch.finfo(torch.float64).eps * values.amax()
    root = vectors[:, present] * values[present].sqrt()  # (d, rank), root @ root.T = cov_1
    overlap = torch.linalg.eigvalsh(root.T @ cov_2 @ root).clamp(min=0).sqrt().sum()
    return _not_negative((mean_1 - mean_2).square().sum() + cov_1.trace() + cov_2.trace() - 2 * overlap)


def _covariance(features: Tensor) -> Tensor:
    centred = features - features.mean(0)
    return centred.T @ centred / (len(features) - 1)


def _finite(name: str, values: Features) -> Tensor:
    tensor = torch.as_tensor(np.asarray(values) if not isinstance(values, Tensor) else values).double()
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name} holds numbers that are not finite")
    return tensor


def _not_negative(distance: Tensor) -> float:
    return max(distance.item(), 0.0)  # below zero it is rounding error
