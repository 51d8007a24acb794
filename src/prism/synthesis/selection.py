"""Selection: more candidates are drawn than images are kept, and the best of each class stay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from prism.data.shards import Sample, sample_key
from prism.synthesis.plan import Place

T = TypeVar("T")


@dataclass(frozen=True)
class Candidates:
    """Which images are drawn for the shards' places.

    The first candidates are the places themselves, with their seeds. Further ones have image indices beyond all
    places, a range for each shard, so that no two shards draw the same; they take the prompts of their shard in
    turn.

    Args:
        images_per_class: places of a class in all shards.
        shards: number of shards; divides ``images_per_class``.
        draw: candidates for each place, at least 1; a shard's number is rounded up.
    """

    images_per_class: int
    shards: int
    draw: float

    @property
    def kept(self) -> int:
        """Places of a class in a shard."""
        return self.images_per_class // self.shards

    @property
    def further(self) -> int:
        """Candidates of a class in a shard beyond its places."""
        # Rounded first: 1.1 times 10 is a little more than 11 in binary.
        return math.ceil(round(self.draw * self.kept, 9)) - self.kept

    def of(self, places: Sequence[Place], shard: int) -> list[Place]:
        """The candidates for a shard's ``places``, these first; the class changes fastest."""
        start = self.images_per_class + shard * self.further
        classes = sorted({label for label, _ in places})
        return [*places, *((label, index) for index in range(start, start + self.further) for label in classes)]

    def with_candidates(self, items: Sequence[T]) -> list[T]:
        """A class's ``items``, one for each place, lengthened to one for each candidate of all shards."""
        more = [
            items[shard * self.kept + index % self.kept]
            for shard in range(self.shards)
            for index in range(self.further)
        ]
        return [*items, *more]


def selected(samples: Sequence[Sample], right: Sequence[bool], places: Sequence[Place], *, by: str) -> list[Sample]:
    """The best candidates of each class, in their order, at the shard's ``places``.

    A candidate that the teacher takes for its class comes before one that it does not; then the lower energy
    (``by`` energy) or the higher confidence, as its record has them; then the earlier one.

    Args:
        samples: the candidates.
        right: of each, whether the teacher's prediction is its class.
        places: (class index, image index) of what is kept, as many for each class.
        by: ``energy`` or ``confidence``.

    Returns:
        As many samples as places; each record has the place's ``image_index``, and its own as ``candidate_index``.
    """
    slots: dict[int, list[int]] = {}
    for label, index in places:
        slots.setdefault(label, []).append(index)
    ranks: dict[int, list[tuple[bool, float, int, int]]] = {label: [] for label in slots}
    for row, (sample, fits) in enumerate(zip(samples, right, strict=True)):
        record = sample.record
        badness = record["energy"] if by == "energy" else -record["teacher_confidence"]
        ranks[record["class_index"]].append((not fits, badness, record["image_index"], row))
    found = []
    for label, indices in slots.items():
        rows = [row for *_, row in sorted(ranks[label])[: len(indices)]]
        rows.sort(key=lambda row: samples[row].record["image_index"])
        for index, row in zip(sorted(indices), rows, strict=True):
            record = samples[row].record
            record = {**record, "image_index": index, "candidate_index": record["image_index"]}
            found.append(replace(samples[row], key=sample_key(label, index), record=record))
    return found
