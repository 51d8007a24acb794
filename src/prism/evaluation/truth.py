"""Ground truth of the miniature: an oracle names the concept, style, context and colour of any image.

The oracle is a classifier whose logits are four heads behind each other, in the order of the lexicon:
:data:`HEADS`. With it, what other metrics only suggest can be counted: images of the wrong sense, contexts
that are never drawn. What an image of another concept shows is no variety of the class it was made for, so
diversity is counted over images of the right concept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from prism.evaluation.features import Features, as_features

HEADS: tuple[str, ...] = ("concept", "style", "context", "colour")


def split_heads(logits: Features, sizes: Sequence[int]) -> dict[str, np.ndarray]:
    """The oracle's answers: index (n,) of the largest logit in each of the :data:`HEADS`.

    Args:
        logits: (n, sum of sizes).
        sizes: number of concepts, styles, contexts and colours.

    Raises:
        ValueError: the sizes do not add up to the width of the logits.
    """
    rows = as_features("logits", logits)
    if len(sizes) != len(HEADS) or sum(sizes) != rows.shape[1]:
        raise ValueError(
            f"logits has {rows.shape[1]} columns; heads of {tuple(sizes)} for {', '.join(HEADS)} do not fit"
        )
    parts = rows.split(list(sizes), dim=1)
    return {head: part.argmax(1).cpu().numpy() for head, part in zip(HEADS, parts, strict=True)}


def share_right(*, seen: np.ndarray, wanted: np.ndarray) -> float:
    """Share of images in which the oracle sees what was wanted, both (n,); wanted below 0 asks for nothing.

    Raises:
        ValueError: the lengths differ, or nothing at all was wanted.
    """
    seen, wanted = np.asarray(seen), np.asarray(wanted)
    if seen.shape != wanted.shape or seen.ndim != 1:
        raise ValueError(f"seen has shape {seen.shape} and wanted {wanted.shape}; both are (n,)")
    asked = wanted >= 0
    if not asked.any():
        raise ValueError("wanted asks for nothing in any image")
    return float((seen[asked] == wanted[asked]).mean())


def normalised_entropy(*, seen: np.ndarray, labels: np.ndarray, right: np.ndarray, choices: int) -> float:
    """Entropy of what the oracle sees within a class, over its maximum, averaged over classes: 1 is even, 0
    one choice.

    Args:
        seen: answers of one head (n,).
        labels: class of each image (n,).
        right: whether an image shows its class (n,); others do not count, and a class with none has 0.
        choices: how many answers the head has; a class with fewer images than that is measured against its
            image count.

    Raises:
        ValueError: the lengths differ, or there is no choice.
    """
    seen, labels, right = _checked(seen, labels, right, choices)
    entropies = []
    for label in np.unique(labels):
        most = min(choices, (labels == label).sum())
        counts = np.bincount(seen[(labels == label) & right], minlength=choices)
        shares = counts[counts > 0] / max(1, counts.sum())
        entropies.append(-(shares * np.log(shares)).sum() / np.log(most) if most > 1 else 0.0)
    return float(np.mean(entropies)) + 0.0  # no negative zero


def cell_coverage(*, cells: np.ndarray, labels: np.ndarray, right: np.ndarray, choices: int) -> float:
    """Share of the cells (combinations of answers, numbered by :func:`cells_of`) that a class hits, averaged over
    classes.

    A class with fewer images than cells is measured against the cells it could hit. Only images that show their
    class, ``right``, hit.

    Raises:
        ValueError: the lengths differ, or a cell is beyond ``choices``.
    """
    cells, labels, right = _checked(cells, labels, right, choices)
    shares = []
    for label in np.unique(labels):
        members = labels == label
        shares.append(len(np.unique(cells[members & right])) / min(members.sum(), choices))
    return float(np.mean(shares))


def real_coverage(
    *, cells: np.ndarray, labels: np.ndarray, right: np.ndarray, real: np.ndarray, real_labels: np.ndarray
) -> float:
    """Share of real images whose cell some image of their class hits, averaged over classes: Naeem et al.'s coverage
    (2020) with the truth in place of neighbourhoods.

    Args:
        cells, labels, right: of the synthetic images (n,), as in :func:`cell_coverage`.
        real: cells of real images (m,).
        real_labels: their classes (m,).

    Raises:
        ValueError: there are no real images, or their lengths differ.
    """
    real, real_labels = np.asarray(real), np.asarray(real_labels)
    if real.shape != real_labels.shape or real.ndim != 1 or not len(real):
        raise ValueError(f"real cells have shape {real.shape} and labels {real_labels.shape}; both are (m,), not 0")
    hit = {(label, cell) for label, cell in zip(labels[right].tolist(), cells[right].tolist(), strict=True)}
    found = np.array([pair in hit for pair in zip(real_labels.tolist(), real.tolist(), strict=True)])
    return float(np.mean([found[real_labels == label].mean() for label in np.unique(real_labels)]))


def cells_of(seen: Mapping[str, np.ndarray], sizes: Mapping[str, int], heads: Sequence[str]) -> np.ndarray:
    """Number (n,) of the combination of answers of ``heads`` in each image, below the product of their sizes."""
    return np.ravel_multi_index([seen[head] for head in heads], [sizes[head] for head in heads])


def _checked(
    seen: np.ndarray, labels: np.ndarray, right: np.ndarray, choices: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    seen, labels, right = np.asarray(seen), np.asarray(labels), np.asarray(right, bool)
    if seen.shape != labels.shape or seen.shape != right.shape or seen.ndim != 1 or not len(seen):
        raise ValueError(
            f"answers have shape {seen.shape}, labels {labels.shape} and right {right.shape}; "
            "all are (n,), n at least 1"
        )
    if choices < 2 or seen.min() < 0 or seen.max() >= choices:
        raise ValueError(f"answers must be from 0 to {choices - 1}, and there must be a choice")
    return seen, labels, right
