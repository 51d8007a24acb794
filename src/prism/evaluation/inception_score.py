"""Inception score: how sure a classifier is of each image, and how many classes it sees (Salimans et al.
2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from prism.evaluation.features import Features, as_features


@dataclass(frozen=True)
class InceptionScore:
    """Mean and standard deviation over splits; the mean is between 1 and the number of classes."""

    mean: float
    std: float


def inception_score(*, probabilities: Features, splits: int = 10, seed: int | None = 0) -> InceptionScore:
    """``exp E_x KL(p(y|x) || p(y))`` over equal splits of ``probabilities`` (n, classes).

    Args:
        probabilities: rows that sum to one.
        splits: number of parts.
        seed: seed of the shuffle before splitting; None keeps the order, which is wrong for images sorted by
            class: a split of one class scores 1.

    Raises:
        ValueError: fewer rows than splits, or rows that are not probabilities.
    """
    if splits < 1:
        raise ValueError(f"splits={splits} must be at least 1")
    rows = as_features("probabilities", probabilities, minimum=splits).double().cpu()
    if bool((rows < 0).any()) or bool(((rows.sum(1) - 1).abs() > 1e-3).any()):
        raise ValueError("probabilities must be at least 0 and sum to one in every row; logits need a softmax first")
    if seed is not None:
        rows = rows[torch.from_numpy(np.random.default_rng(seed).permutation(len(rows)))]
    scores = []
    for part in torch.tensor_split(rows, splits):
        marginal = part.mean(0)
        # xlogy takes 0 log 0 as 0
        divergence = torch.special.xlogy(part, part).sum(1) - torch.special.xlogy(part, marginal).sum(1)
        scores.append(divergence.mean().exp().item())
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))
