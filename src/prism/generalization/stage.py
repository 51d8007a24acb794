"""The stage ``generalization``: students' accuracy on every test domain."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from prism.artifacts import write_json
from prism.config import Config
from prism.data.classes import ClassList, load_classes
from prism.data.images import EvaluationData, ImageSet
from prism.devices import pick_device, run_facts
from prism.errors import ConfigError, ModelError
from prism.events import numbers, tell
from prism.generalization.domains import load_domain, parse_damage
from prism.models.checkpoints import Classifier, load_classifier
from prism.models.scoring import accuracy, predict

log = logging.getLogger(__name__)


def generalize(config: Config, student_paths: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Score students on the domains of the configuration and write one JSON file for each; a domain is loaded once.

    A file holds ``{"domains": {name: {"accuracy": share, "n": images}}}`` beside the student's method, name
    and seed.

    Args:
        config: the configuration.
        student_paths: files written by the stage ``distillation``.
        outputs: the JSON files, in the order of the students.

    Raises:
        ConfigError: there are not as many outputs as students.
        ModelError: a student cannot be loaded or has other classes.
        DataError: a domain's images are missing or broken.
    """
    started = time.monotonic()
    if len(student_paths) != len(outputs):
        raise ConfigError(
            f"generalization: {len(student_paths)} students, but {len(outputs)} outputs; name one for each"
        )
    for spec in config.generalization.domains.values():
        parse_damage(spec)  # before anything is drawn or read
    device = pick_device(config.device)
    torch.set_num_threads(config.threads("generalization"))
    classes = load_classes(config.classes)
    students = [_load(path, classes, device) for path in student_paths]
    scores: list[dict[str, Any]] = [{} for _ in students]
    for name, spec in config.generalization.domains.items():
        for size_px in sorted({student.size_px for student in students}):
            images = _images(config, spec, classes, size_px)
            for student, score in zip(students, scores, strict=True):
                if student.size_px == size_px:
                    logits = predict(student, images.images, batch=config.generalization.batch, device=device)
                    score[name] = {"accuracy": accuracy(logits, images.labels), "n": len(images)}
        log.info("%s: %d students after %.1f s", name, len(students), time.monotonic() - started)
    for student, score, output in zip(students, scores, outputs, strict=True):
        known = {key: student.metadata[key] for key in ("method", "student", "seed") if key in student.metadata}
        write_json(Path(output), {**known, "domains": score})
    images = sum(domain["n"] for score in scores for domain in score.values())
    facts = run_facts(time.monotonic() - started, images, device)
    tell("wrote", file=str(outputs[0]), **{**numbers(facts), "stage": "generalization", "count": images})


def _load(path: Path, classes: ClassList, device: torch.device) -> Classifier:
    student = load_classifier(path)
    if student.num_classes != len(classes):
        raise ModelError(f"{path}: has {student.num_classes} outputs, the class list has {len(classes)} classes")
    return student.to(device, memory_format=torch.channels_last)


def _images(config: Config, spec: str, classes: ClassList, size_px: int) -> ImageSet:
    images = load_domain(
        spec,
        clean=config.evaluation.reference,
        size_px=size_px,
        classes=classes,
        count=config.generalization.per_class,
        run_seed=config.seed,
    )
    return EvaluationData(images).open_for("generalization")
