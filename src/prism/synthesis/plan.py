"""In which batches a shard is drawn: it follows from the configuration alone, never from where a run was killed."""

from __future__ import annotations

from collections.abc import Sequence

Place = tuple[int, int]  # class index, image index


def batches_of(places: Sequence[Place], size: int) -> list[list[Place]]:
    """Batches of ``size`` places in their order, the last one smaller: for images that do not depend on theirs."""
    return [list(places[start : start + size]) for start in range(0, len(places), size)]


def even_batches(places: Sequence[Place], size: int) -> list[list[Place]]:
    """As few batches of at most ``size`` as can be, their sizes equal but for one: no small one at the end."""
    count = -(-len(places) // size)
    edges = [index * len(places) // count for index in range(count + 1)]
    return [list(places[start:stop]) for start, stop in zip(edges, edges[1:], strict=False)]


def class_batches(places: Sequence[Place], size: int) -> list[list[Place]]:
    """Batches of at most ``size`` in which images of a class have each other: classes one after another, each cut
    into even parts, as many parts in a batch as fit.
    """
    by_class: dict[int, list[Place]] = {}
    for place in places:
        by_class.setdefault(place[0], []).append(place)
    found: list[list[Place]] = [[]]
    for label in sorted(by_class):
        for part in even_batches(by_class[label], size):
            if len(found[-1]) + len(part) > size:
                found.append([])
            found[-1] += part
    return found


def rounds_of(places: Sequence[Place], every: int | None) -> list[list[Place]]:
    """The places in rounds of ``every`` images of each class, by their image index; one round for None."""
    if every is None:
        return [list(places)]
    first = min(index for _, index in places)
    found: dict[int, list[Place]] = {}
    for place in places:
        found.setdefault((place[1] - first) // every, []).append(place)
    return [found[number] for number in sorted(found)]
