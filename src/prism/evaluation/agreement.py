"""What the teacher makes of the images: does it see the class that was asked for, and is it on familiar
ground?

The free energy of an image is ``-T logsumexp(f(x) / T)`` of the teacher's logits (Liu et al. 2020, eq. 4):
low where the teacher's training data was dense. Where synthetic and real energies part, the teacher is asked
about a foreign world.
"""

from __future__ import annotations

import numpy as np

from prism.evaluation.features import Features, as_features, as_pair

_ROWS = 1 << 16
Histogram = dict[str, list[float]]


def teacher_agreement(*, logits: Features, labels: np.ndarray) -> float:
    """Share of images whose largest teacher logit (n, classes) is the class they were made for (n,).

    Raises:
        ValueError: the lengths differ, or a label is not a class.
    """
    rows = as_features("logits", logits)
    labels = np.asarray(labels)
    if labels.shape != (len(rows),):
        raise ValueError(f"labels has shape {labels.shape}; {len(rows)} logits need ({len(rows)},)")
    if labels.min() < 0 or labels.max() >= rows.shape[1]:
        raise ValueError(f"labels must be from 0 to {rows.shape[1] - 1}, the teacher's classes")
    return float((rows.argmax(1).cpu().numpy() == labels).mean())


def free_energy(logits: Features, *, temperature: float = 1.0) -> np.ndarray:
    """Free energy (n,) of logits (n, classes), in the unit of the logits.

    Raises:
        ValueError: ``temperature`` is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature={temperature} must be positive")
    blocks = as_features("logits", logits).split(_ROWS)  # of all, copies in double precision are large
    return np.concatenate(
        [(-temperature * (rows.double() / temperature).logsumexp(1)).cpu().numpy() for rows in blocks]
    )


def free_energy_gap(*, real: Features, synthetic: Features, temperature: float = 1.0) -> float:
    """Mean free energy of synthetic minus that of real images, from teacher logits; above 0 the synthetic are
    foreign.
    """
    as_pair(real=real, synthetic=synthetic)
    return float(
        free_energy(synthetic, temperature=temperature).mean() - free_energy(real, temperature=temperature).mean()
    )


def shared_histogram(*, real: np.ndarray, synthetic: np.ndarray, bins: int = 40) -> Histogram:
    """Both sets of values, as shares of their set, over common edges from the least to the largest value.

    Returns:
        ``edges`` (bins + 1), ``real`` and ``synthetic`` (bins), as lists.

    Raises:
        ValueError: a set is empty.
    """
    if len(real) == 0 or len(synthetic) == 0:
        raise ValueError("real and synthetic each need at least one value for a histogram")
    edges = np.histogram_bin_edges(np.concatenate([real, synthetic]), bins=bins)
    shares = {
        name: np.histogram(values, edges)[0] / len(values)
        for name, values in (("real", real), ("synthetic", synthetic))
    }
    return {"edges": edges.tolist(), **{name: share.tolist() for name, share in shares.items()}}
