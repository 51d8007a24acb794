"""Test domains: a specification becomes labelled images.

``world:<domain>`` is drawn, a folder or archive is read, and ``corruption:<kind>[:severity]`` damages the
in-distribution test images (``world:corrupted`` damages drawn ones, every kind in turn).
"""

from __future__ import annotations

from dataclasses import dataclass

from prism.data.classes import ClassList
from prism.data.images import ImageSet
from prism.data.sources import load_source, split_seed
from prism.errors import DataError
from prism.generalization.corruptions import CORRUPTIONS, DEFAULT_SEVERITY, SEVERITIES, corrupt

CORRUPTION = "corruption:"
_WORLD_CORRUPTED = "world:corrupted"
_WORLD_CLEAN = "world:in-distribution"


@dataclass(frozen=True)
class Damage:
    """A corruption of test images: ``kind`` (``all`` for every kind in turn) and ``severity``, 1 to 5."""

    kind: str
    severity: int = DEFAULT_SEVERITY


def parse_damage(spec: str) -> Damage | None:
    """The damage that a specification asks for, or None if it names images.

    Raises:
        DataError: the kind or the severity is unknown.
    """
    if spec == _WORLD_CORRUPTED:
        return Damage("all")
    if not spec.startswith(CORRUPTION):
        return None
    kind, _, severity = spec.removeprefix(CORRUPTION).partition(":")
    if kind != "all" and kind not in CORRUPTIONS:
        raise DataError(f"{spec}: {kind!r} is not a corruption; it may be all, {', '.join(CORRUPTIONS)}")
    if severity and severity not in map(str, SEVERITIES):
        raise DataError(f"{spec}: severity {severity!r} must be 1, 2, 3, 4 or 5, as in corruption:{kind}:3")
    return Damage(kind, int(severity) if severity else DEFAULT_SEVERITY)


def load_domain(
    spec: str, *, clean: str, size_px: int, classes: ClassList, count: int | None, run_seed: int
) -> ImageSet:
    """The test images of a domain.

    Args:
        spec: the domain's specification.
        clean: specification of the in-distribution test images, which corruptions damage.
        size_px: side of the images; damage is done at this size.
        classes: the class list, whose order the labels follow.
        count: images of each class; None for all (of a drawn world, 100).
        run_seed: the run's seed; test images are the same in every stage.

    Raises:
        DataError: the specification is unknown, nothing is there, or an image is broken.
    """
    damage = parse_damage(spec)
    source = spec if damage is None else _WORLD_CLEAN if spec == _WORLD_CORRUPTED else clean
    seed = split_seed(run_seed, "test")
    images = load_source(source, size_px=size_px, classes=classes, count=count, seed=seed)
    if damage is None:
        return images
    damaged = corrupt(images.images, damage.kind, damage.severity, seed=seed)
    return ImageSet(damaged, images.labels, f"{images.name} with {damage.kind} {damage.severity}")
