"""Ground truth of the miniature: an oracle names the concept, style, context and colour of any image.

The oracle is a classifier whose logits are four heads behind each other, in the order of the lexicon:
:data:`HEADS`. With it, what other metrics only suggest can be counted: images of the wrong sense, contexts
that are never drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def normalised_entropy(*, seen: np.ndarray, labels: np.ndarray, choices: int) -> float:
    """Entropy of what the oracle sees within a class, over its maximum, averaged over classes: 1 is even, 0
    one choice.

    Args:
        seen: answers of one head (n,).
        labels: class of each image (n,).
        choices: how many answers the head has; a class with fewer images than that is measured against its
            image count.

    Raises:
        ValueError: the lengths differ, or there is no choice.
    """
    seen, labels = _checked(seen, labels, choices)
    entropies = []
    for label in np.unique(labels):
        counts = np.bincount(seen[labels == label], minlength=choices)
        most = min(choices, counts.sum())
        shares = counts[counts > 0] / counts.sum()
        entropies.append(-(shares * np.log(shares)).sum() / np.log(most) if most > 1 else 0.0)
    return float(np.mean(entropies)) + 0.0  # no negative zero


def cell_coverage(
    *, contexts: np.ndarray, colours: np.ndarray, labels: np.ndarray, n_contexts: int, n_colours: int
) -> float:
    """Share of the (context, colour) cells that a class hits, averaged over classes.

    A class with fewer images than cells is measured against the cells it could hit.

    Raises:
        ValueError: the lengths differ.
    """
    contexts, labels = _checked(contexts, labels, n_contexts)
    colours, _ = _checked(colours, labels, n_colours)
    cells = contexts * n_colours + colours
    shares = []
    for label in np.unique(labels):
        members = cells[labels == label]
        shares.append(len(np.unique(members)) / min(len(members), n_contexts * n_colours))
    return float(np.mean(shares))


def _checked(seen: np.ndarray, labels: np.ndarray, choices: int) -> tuple[np.ndarray, np.ndarray]:
    seen, labels = np.asarray(seen), np.asarray(labels)
    if seen.shape != labels.shape or seen.ndim != 1 or not len(seen):
        raise ValueError(
            f"answers have shape {seen.shape} and labels {labels.shape}; both are (n,), n at least 1"
        )
    if choices < 2 or seen.min() < 0 or seen.max() >= choices:
        raise ValueError(f"answers must be from 0 to {choices - 1}, and there must be a choice")
    return seen, labels
