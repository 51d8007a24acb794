"""The teacher: a frozen classifier that owns its preprocessing.

Guidance, metrics and distillation hand it images in [0, 1] of any size; resize, mean and standard deviation
are the teacher's own affair (as in timm's distillation task), so that no caller can forget them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from prism.data.classes import load_classes
from prism.errors import ModelError
from prism.models.checkpoints import Classifier, fit_weights, load_weights, read_metadata
from prism.models.classifiers import Network, build, check_architecture

log = logging.getLogger(__name__)


class TeacherSettings(Protocol):
    """The teacher's section of the configuration, as far as it is read here."""

    architecture: str
    weights: Path | str
    classes: Path | str | None
    size_px: int
    mean: Sequence[float]
    std: Sequence[float]


class Teacher(Classifier):
    """A classifier that never changes: no gradient to its weights, always in evaluation mode.

    Gradients with respect to the images flow through it, which is what guidance needs.
    """

    def __init__(
        self,
        network: Network,
        *,
        architecture: str,
        num_classes: int,
        size_px: int,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__(
            network, architecture=architecture, num_classes=num_classes, size_px=size_px, mean=mean, std=std
        )
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Teacher:
        """Stay in evaluation mode whatever ``mode`` says: batch statistics of surrogates must not leak in."""
        super().train(False)
        return self


def load_teacher(settings: TeacherSettings, num_classes: int) -> Teacher:
    """The teacher of the configuration's ``teacher`` section, on the CPU.

    Args:
        settings: architecture, weights, size_px, mean and std.
        num_classes: the length of the class list; the teacher's outputs must be as many, in that order.

    Raises:
        ModelError: the architecture is unknown, the file is missing or damaged, its weights belong to another
            architecture or to another number of classes.
    """
    check_architecture(settings.architecture)
    path = Path(settings.weights)
    if settings.classes is not None and (listed := len(load_classes(Path(settings.classes)))) != num_classes:
        raise ModelError(
            f"{settings.classes}: teacher.classes lists {listed} classes, the experiment's list {num_classes}"
        )
    said = read_metadata(path)
    if said.get("architecture", settings.architecture) != settings.architecture:
        raise ModelError(f"{path}: is a {said['architecture']}, teacher.architecture says {settings.architecture}")
    if said.get("num_classes", num_classes) != num_classes:
        raise ModelError(f"{path}: has {said['num_classes']} outputs, the class list has {num_classes} classes")
    for key in ("size_px", "mean", "std"):
        wanted, found = getattr(settings, key), said.get(key)
        if found is not None and not _same(wanted, found):
            log.warning("%s was trained with %s=%s; teacher.%s=%s rules", path, key, found, key, wanted)
    network = build(settings.architecture, num_classes, settings.size_px, seed=0)
    fit_weights(network, load_weights(path), num_classes=num_classes, path=path)
    return Teacher(
        network,
        architecture=settings.architecture,
        num_classes=num_classes,
        size_px=settings.size_px,
        mean=settings.mean,
        std=settings.std,
    )


def _same(one: float | Sequence[float], other: float | Sequence[float]) -> bool:
    first = [one] if isinstance(one, int | float) else list(one)
    second = [other] if isinstance(other, int | float) else list(other)
    return len(first) == len(second) and all(abs(a - b) < 1e-6 for a, b in zip(first, second, strict=True))
