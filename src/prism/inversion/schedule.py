"""How many steps, at which sizes, with which learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from prism.config import InversionConfig

Place = tuple[int, int]  # class index, image index


@dataclass(frozen=True)
class Phase:
    """Steps of one optimiser: pixels of ``side_px``, which teachers see averaged over ``pool`` x ``pool``."""

    side_px: int
    pool: int
    iterations: int


def phases(settings: InversionConfig, size_px: int, level: int = 0) -> list[Phase]:
    """What a batch goes through, the last at the full side ``size_px``.

    Half resolution first is DeepInversion's setting 0 (Yin et al. 2020); growing by eighths from a quarter is Plug-In
    Inversion's (Ghiasi et al. 2022); fewer steps for later levels are PRISM-DD's early/late schedule.
    """
    share = 1 - level / settings.early_late
    full = max(1, round(settings.iterations * share))
    if settings.growth is not None:
        steps = settings.growth.steps
        return [Phase(max(1, size_px * part // steps), 1, full) for part in range(2, steps + 1)]
    coarse = round(settings.coarse_iterations * share)
    return [*([Phase(size_px, 2, coarse)] if coarse else []), Phase(size_px, 1, full)]


def learning_rate(iteration: int, *, iterations: int, peak: float, warmup: int = 0, schedule: str = "cosine") -> float:
    """The rate of a step (0-based): linear to ``peak`` over ``warmup`` steps, then half a cosine or constant."""
    if iteration < warmup:
        return peak * (iteration + 1) / warmup
    if schedule == "constant":
        return peak
    return peak * (1 + math.cos(math.pi * (iteration - warmup) / (iterations - warmup))) / 2


def batches(plan: Sequence[Place], batch: int, classes_per_batch: int | None = None) -> list[list[Place]]:
    """The places of a shard in batches of at most ``batch``, as equal as can be; they follow from the plan alone.

    Args:
        plan: places of a shard, the class changing fastest.
        batch: most images in a batch.
        classes_per_batch: most classes in a batch; None mixes them as the plan does.
    """
    groups = [list(plan)]
    if classes_per_batch is not None:
        classes = sorted({c for c, _ in plan})
        count = -(-len(classes) // classes_per_batch)
        parts = [set(classes[k * len(classes) // count : (k + 1) * len(classes) // count]) for k in range(count)]
        groups = [[place for place in plan if place[0] in part] for part in parts]
    found = []
    for group in groups:
        count = -(-len(group) // batch)
        edges = [k * len(group) // count for k in range(count + 1)]
        found += [group[start:stop] for start, stop in zip(edges, edges[1:], strict=False)]
    return found


def level_of(places: Sequence[Place], levels: int) -> int:
    """The level of a batch: its rank among the batches that its class is in, as its image indices tell, modulo."""
    if levels == 1:
        return 0
    of_first = sum(1 for c, _ in places if c == places[0][0])  # images of a class in a batch
    return places[0][1] // of_first % levels
