"""From measured images to named numbers: which metrics there are, what they are computed on, and what they
are called.

Tables use the short name (``fid``); the full name (``fid_miniature_n400``) says the feature network, k and n,
without which two values may not be compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from prism.evaluation.agreement import (
    Histogram,
    free_energy,
    free_energy_gap,
    shared_histogram,
    teacher_agreement,
)
from prism.evaluation.diversity import intra_class_similarity, vendi_score
from prism.evaluation.frechet import frechet_distance
from prism.evaluation.inception_score import inception_score
from prism.evaluation.kernel import kernel_distance
from prism.evaluation.manifold import manifold_metrics
from prism.evaluation.measures import Measured
from prism.evaluation.oracle import Answers
from prism.evaluation.sampling import even_subset
from prism.evaluation.truth import (
    HEADS,
    cell_coverage,
    cells_of,
    normalised_entropy,
    real_coverage,
    share_right,
)
from prism.seeds import derive

_MOST_SPLITS = 10  # of the inception score
_IMAGES_A_SPLIT = 20  # fewer would make a split's score a matter of chance


@dataclass(frozen=True)
class Protocol:
    """What the values depend on beside the images."""

    extractor: str
    k: int
    kid_subsets: int
    kid_subset_size: int
    seed: int


@dataclass(frozen=True)
class Results:
    """Values and full names by short name; ``n`` is the equalised count."""

    metrics: dict[str, float]
    names: dict[str, str]
    histograms: dict[str, Histogram]
    n: int


def image_metrics(*, real: Measured, synthetic: Measured, protocol: Protocol) -> Results:
    """All metrics that need no oracle.

    Metrics that depend on the count take the same number of both sets, a seeded subset with even classes;
    those that do not (teacher agreement, free energy, intra-class similarity) take every image. The inception
    score needs a feature network that classifies, intra-class similarity a class with two images; else they
    are left out.

    Raises:
        ValueError: there are not more images than ``protocol.k``.
    """
    n = min(len(real), len(synthetic))
    if n <= protocol.k:
        raise ValueError(f"k={protocol.k} needs more than {protocol.k} images in both sets; the smaller one has {n}")
    first = real.take(even_subset(real.labels, n, seed=derive(protocol.seed, "evaluation", "real")))
    second = synthetic.take(even_subset(synthetic.labels, n, seed=derive(protocol.seed, "evaluation", "synthetic")))
    features = {"real": first.features, "synthetic": second.features}
    kid = kernel_distance(
        **features,
        subsets=protocol.kid_subsets,
        subset_size=protocol.kid_subset_size,
        seed=derive(protocol.seed, "evaluation", "kid"),
    )
    shares = manifold_metrics(**features, k_precision=protocol.k, k_density=protocol.k)
    metrics = {
        "fid": frechet_distance(**features),
        "kid": kid.mean,
        "kid_std": kid.std,
        **vars(shares),
        "vendi": vendi_score(synthetic=second.features),
        "teacher_agreement": teacher_agreement(logits=synthetic.teacher_logits, labels=synthetic.labels),
        "free_energy_gap": free_energy_gap(real=real.teacher_logits, synthetic=synthetic.teacher_logits),
    }
    if np.bincount(synthetic.labels).max() > 1:
        metrics["intra_class_similarity"] = intra_class_similarity(
            synthetic=synthetic.features, labels=synthetic.labels
        )
    if second.probabilities is not None:
        splits = max(1, min(_MOST_SPLITS, n // _IMAGES_A_SPLIT))
        score = inception_score(
            probabilities=second.probabilities,
            splits=splits,
            seed=derive(protocol.seed, "evaluation", "splits"),
        )
        metrics |= {"inception_score": score.mean, "inception_score_std": score.std}
    energies = {name: free_energy(each.teacher_logits) for name, each in (("real", real), ("synthetic", synthetic))}
    names = {short: _full_name(short, protocol, n, len(synthetic)) for short in metrics}
    return Results(metrics, names, {"energy": shared_histogram(**energies)}, n)


def oracle_metrics(*, synthetic: Answers, real: Answers, sizes: dict[str, int]) -> dict[str, float]:
    """What the oracle can tell of the miniature's images, beside real ones.

    Args:
        synthetic: its answers to the method's images.
        real: its answers to real test images.
        sizes: how many answers each of ``truth.HEADS`` has.
    """
    seen = synthetic.seen
    metrics = {"oracle_sense": share_right(seen=seen["concept"], wanted=synthetic.concepts)}
    if (synthetic.styles >= 0).any():
        metrics["oracle_style"] = share_right(seen=seen["style"], wanted=synthetic.styles)
    counted = {"labels": synthetic.labels, "right": seen["concept"] == synthetic.concepts}
    for head in HEADS[1:]:
        metrics[f"oracle_{head}s"] = normalised_entropy(seen=seen[head], choices=sizes[head], **counted)
    everything = cells_of(seen, sizes, HEADS[1:])
    metrics["oracle_cells"] = cell_coverage(
        cells=everything, choices=math.prod(sizes[head] for head in HEADS[1:]), **counted
    )
    where = ("context", "colour")  # real images have one style
    metrics["oracle_coverage"] = real_coverage(
        cells=cells_of(seen, sizes, where),
        **counted,
        real=cells_of(real.seen, sizes, where),
        real_labels=real.labels,
    )
    return metrics


_ON_FEATURES = ("fid", "kid", "kid_std", "inception_score", "inception_score_std", "vendi")
_ON_NEIGHBOURS = ("precision", "recall", "density", "coverage")


def _full_name(short: str, protocol: Protocol, n: int, n_all: int) -> str:
    if short in _ON_FEATURES:
        return f"{short}_{protocol.extractor}_n{n}"
    if short in _ON_NEIGHBOURS:
        return f"{short}_{protocol.extractor}_k{protocol.k}_n{n}"
    if short == "intra_class_similarity":
        return f"{short}_{protocol.extractor}_n{n_all}"
    return f"{short}_n{n_all}"
