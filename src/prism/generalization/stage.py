"""The stage ``generalization``: a student's accuracy on every test domain."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import torch

from prism.artifacts import write_json
from prism.config import Config
from prism.data.classes import ClassList, load_classes
from prism.data.images import EvaluationData
from prism.devices import pick_device
from prism.errors import ModelError
from prism.generalization.domains import load_domain, parse_damage
from prism.models.checkpoints import Classifier, load_classifier
from prism.models.scoring import accuracy, predict

log = logging.getLogger(__name__)


def generalize(config: Config, student_path: Path, output: Path) -> None:
    """Score a student on the domains of the configuration and write one JSON file.

    The file holds ``{"domains": {name: {"accuracy": share, "n": images}}}`` beside the student's method, name
    and seed.

    Args:
        config: the configuration.
        student_path: a file written by the stage ``distillation``.
        output: the JSON file.

    Raises:
        ModelError: the student cannot be loaded or has other classes.
        DataError: a domain's images are missing or broken.
    """
    started = time.monotonic()
    for spec in config.generalization.domains.values():
        parse_damage(spec)  # before anything is drawn or read
    device = pick_device(config.device)
    torch.set_num_threads(config.threads_per_job)
    classes = load_classes(config.classes)
    student = load_classifier(student_path)
    if student.num_classes != len(classes):
        raise ModelError(
            f"{student_path}: has {student.num_classes} outputs, the class list has {len(classes)} classes"
        )
    student.to(device, memory_format=torch.channels_last)
    domains = {
        name: _score(config, spec, student, classes, device) for name, spec in config.generalization.domains.items()
    }
    known = {key: student.metadata[key] for key in ("method", "student", "seed") if key in student.metadata}
    write_json(Path(output), {**known, "domains": domains})
    log.info("%s: %d domains in %.1f s", student_path, len(domains), time.monotonic() - started)


def _score(config: Config, spec: str, student: Classifier, classes: ClassList, device: torch.device) -> dict[str, Any]:
    images = load_domain(
        spec,
        clean=config.evaluation.reference,
        size_px=student.size_px,
        classes=classes,
        count=config.generalization.per_class,
        run_seed=config.seed,
    )
    images = EvaluationData(images).open_for("generalization")
    logits = predict(student, images.images, batch=config.generalization.batch, device=device)
    return {"accuracy": accuracy(logits, images.labels), "n": len(images)}
