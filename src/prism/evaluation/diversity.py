"""Diversity without a reference: the Vendi score, and how alike the images of one class are."""

from __future__ import annotations

import numpy as np
import torch

from prism.evaluation.features import Features, as_features


def vendi_score(*, synthetic: Features) -> float:
    """Effective number of different samples in ``synthetic`` (n, d), between 1 and n (Friedman and Dieng
    2023, eq. 2).

    The exponential of the entropy (order q = 1) of the eigenvalues of the cosine-similarity matrix over n.
    They are those of the d x d Gram matrix too, which is taken when it is the smaller one.

    Raises:
        ValueError: not features, or a row of zeros, which has no direction.
    """
    rows = _unit_rows(synthetic)
    gram = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    values = torch.linalg.eigvalsh(gram / len(rows)).clamp(min=0)
    return torch.exp(-torch.special.xlogy(values, values).sum()).item()


def intra_class_similarity(*, synthetic: Features, labels: np.ndarray) -> float:
    """Mean cosine similarity of two different images of one class, averaged over classes; lower is more
    diverse.

    Args:
        synthetic: features (n, d).
        labels: class of each row (n,); classes with a single image are left out.

    Raises:
        ValueError: the lengths differ, no class has two images, or a row is all zeros.
    """
    rows = as_features("synthetic", synthetic)
    labels = np.asarray(labels)
    if labels.shape != (len(rows),):
        raise ValueError(f"labels has shape {labels.shape}; {len(rows)} features need ({len(rows)},)")
    means = []
    for label in np.unique(labels):  # a copy in double precision of all would be large
        members = _unit_rows(rows[torch.from_numpy(np.flatnonzero(labels == label)).to(rows.device)])
        count = len(members)
        if count > 1:  # the sum of all pairs is the squared norm of the sum; each row is alike itself by 1
            means.append((members.sum(0).square().sum().item() - count) / (count * (count - 1)))
    if not means:
        raise ValueError("labels gives every class a single image; a class needs two")
    return float(np.mean(means))


def _unit_rows(features: Features) -> torch.Tensor:
    rows = as_features("synthetic", features).double()
    norms = rows.norm(dim=1, keepdim=True)
    if bool((norms == 0).any()):
        raise ValueError("synthetic has a row of zeros, which has no direction and so no cosine similarity")
    return rows / norms
