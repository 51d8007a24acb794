"""Classifiers made for the teacher's classes: what a file of weights says of one, and a student that is untrained."""

from __future__ import annotations

from typing import Any

from prism.data.classes import ClassList
from prism.models.checkpoints import Classifier
from prism.models.classifiers import build
from prism.models.teacher import TeacherSettings


def description(teacher: TeacherSettings, architecture: str, classes: ClassList) -> dict[str, Any]:
    """What :func:`prism.models.checkpoints.save_model` writes of a classifier that takes the teacher's input.

    Args:
        teacher: whose size, mean and standard deviation it has.
        architecture: its own.
        classes: in the order of the logits.
    """
    return {
        "architecture": architecture,
        "num_classes": len(classes),
        "size_px": teacher.size_px,
        "mean": list(teacher.mean),
        "std": list(teacher.std),
        "class_names": list(classes.names),
    }


def new_student(teacher: TeacherSettings, architecture: str, classes: ClassList, *, seed: int) -> Classifier:
    """An untrained student that takes the teacher's input; its first weights depend on architecture and seed alone.

    Raises:
        ModelError: the architecture is unknown.
    """
    about = description(teacher, architecture, classes)
    network = build(architecture, len(classes), teacher.size_px, seed=seed)
    return Classifier(network, **about, metadata=about)
