"""The stage ``distillation``: one student of one method, one seed, scored after the last epoch."""

from __future__ import annotations

import csv
import io
import logging
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prism.artifacts import progress_dir, sha256_file, write_json, write_manifest, write_text
from prism.config import Config, DistillationConfig, RelabelConfig
from prism.data.classes import ClassList, load_classes
from prism.data.images import ImageSet
from prism.data.method_images import method_images, reference_images
from prism.data.mixed_labels import mixed_labels
from prism.data.soft_labels import SoftLabels
from prism.data.sources import resized
from prism.data.views import at_view_size
from prism.devices import pick_device, pick_precision, run_facts
from prism.distillation import REVISION
from prism.distillation.trainer import Labelled, Recipe, Trainer
from prism.errors import DataError
from prism.models.checkpoints import Classifier, save_model
from prism.models.scoring import accuracy, agreement, predict
from prism.models.students import new_student
from prism.models.teacher import Teacher, load_teacher
from prism.models.training.augment import Augmentation
from prism.models.training.loop import Line, RunOptions
from prism.seeds import derive

log = logging.getLogger(__name__)

_CROP_MARGIN = 8 / 7  # a random resized crop takes 224 px out of 256
_HISTORY_DIGITS = 6


@dataclass(frozen=True)
class _Sets:
    """What is learned from, already at the size of the training, and what is scored on."""

    train: ImageSet
    test: ImageSet


def distill(
    config: Config,
    method: str,
    student: str,
    seed: int,
    shards: Sequence[Path],
    output_dir: Path,
    labels: Path | None = None,
) -> None:
    """Train a student on a method's images: ``student.safetensors``, ``metrics.json``, ``history.csv``.

    ``manifest.json`` is written last. A killed run goes on from its checkpoint in the progress folder.

    Args:
        config: the configuration.
        method: a name of ``config.methods``; engine ``real`` takes real training images as the upper bound.
        student: a name of ``config.students``.
        seed: the student's own seed: its first weights, the order of the images and their augmentation.
        shards: the method's shards; none for engine ``real``.
        output_dir: the folder of the outputs.
        labels: the method's stored soft labels; none where it has no key ``relabel``.

    Raises:
        ModelError: the teacher cannot be loaded, or the loss is no longer a number.
        DataError: shards, images or stored labels are missing or broken, or do not belong together.
    """
    started = time.monotonic()
    output_dir = Path(output_dir)
    device = pick_device(config.device)
    dtype = pick_precision(config.precision, device)
    torch.set_num_threads(config.threads("distillation"))
    classes = load_classes(config.classes)
    teacher = load_teacher(config.teacher, len(classes))
    settings = config.training(method)
    stored = _stored_labels(config, method, labels)
    sets = _Sets(
        _training_images(config, method, shards, classes),
        reference_images(config, classes, size_px=config.teacher.size_px),
    )
    # Its first weights depend on the seeds alone, so that methods start from the same student.
    architecture = config.students[student].architecture
    pupil = new_student(config.teacher, architecture, classes, seed=derive(config.seed, "student", seed))
    if stored is not None:
        stored.check(sets.train, len(classes), config.teacher.size_px)
    progress = progress_dir(output_dir)
    recipe = training_recipe(settings, config.teacher.size_px, config.methods[method].relabel)
    trainer = Trainer(
        pupil,
        teacher,
        _labelled(sets.train, mixed_labels(sets.train, len(classes)) if recipe.alpha else None),
        _labelled(sets.test),
        recipe,
        RunOptions(derive(config.seed, "distillation", seed), device, dtype, progress / "checkpoint.pt"),
        labels=stored,
        test_every=settings.test_every,
    )
    history = trainer.run()
    metrics = _metrics(pupil, teacher, sets, settings.batch, device)
    facts = {"method": method, "student": student, "seed": seed, "data_free": config.methods[method].data_free}
    outputs = [output_dir / name for name in ("student.safetensors", "metrics.json", "history.csv")]
    save_model(outputs[0], pupil, {**pupil.metadata, **facts})
    write_json(outputs[1], {**facts, **metrics, "upper_bound": not shards})
    write_text(outputs[2], history_csv(history))
    seconds = trainer.earlier_seconds + time.monotonic() - started
    write_manifest(
        output_dir / "manifest.json",
        stage="distillation",
        recipe={
            **config.recipe("distillation", method=method, student=student),
            "student_seed": seed,
        },
        revision=REVISION,
        inputs={
            **{Path(shard).name: sha256_file(shard) for shard in shards},
            **({} if stored is None else {"labels": stored.fingerprint}),
        },
        models={"teacher": sha256_file(config.teacher.weights)},
        outputs=outputs,
        count=len(sets.train),
        details=facts,
        run={
            **run_facts(seconds, len(sets.train) * settings.epochs, device, dtype),
            "epoch_seconds": [round(line["seconds"], 3) for line in history],
        },
    )
    shutil.rmtree(progress, ignore_errors=True)
    log.info("%s, %s, seed %d: accuracy %.4f", method, student, seed, metrics["accuracy"])


def training_recipe(settings: DistillationConfig, size_px: int, relabel: RelabelConfig | None = None) -> Recipe:
    """The section ``distillation`` as the trainer takes it; padding in pixels of images of ``size_px``.

    With ``relabel`` the labels and the loss are those stored: nothing is augmented anew, and no feature is matched.
    """
    shared = Recipe(
        epochs=settings.epochs,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        optimizer=settings.optimizer,
        weight_decay=settings.weight_decay,
        momentum=settings.momentum,
        schedule=settings.schedule,
        warmup_epochs=settings.warmup_epochs,
    )
    if relabel is not None:
        stored = relabel.training
        return replace(
            shared,
            loss=stored.loss,
            temperature=stored.temperature,
            temperature_squared=stored.temperature_squared,
            hard_weight=stored.hard_weight,
        )
    changes = settings.augment
    augmentation = Augmentation(
        crop_padding_px=round(changes.crop_padding * size_px) if changes.crop == "pad" else 0,
        crop_scale=changes.crop_scale if changes.crop == "resized" else None,
        flip=changes.flip,
        mixup_alpha=changes.mixup,
        cutmix_alpha=changes.cutmix,
    )
    return replace(
        shared,
        temperature=settings.temperature,
        alpha=settings.alpha,
        feature_weight=settings.feature_weight,
        augmentation=augmentation,
    )


def _stored_labels(config: Config, method: str, labels: Path | None) -> SoftLabels | None:
    wanted = config.methods[method].relabel is not None
    if wanted and labels is None:
        raise DataError(f"method {method}: learns from stored soft labels, but no file of them is given; relabel first")
    if not wanted and labels is not None:
        raise DataError(f"method {method}: has no key relabel, but {labels} is given as its soft labels")
    return None if labels is None else SoftLabels(labels)


def history_csv(history: Sequence[Line]) -> str:
    """The history as CSV, a line an epoch; no test accuracy where an epoch was not tested.

    Seconds are in the manifest instead: equal runs give equal bytes.
    """
    columns = ("epoch", "loss", "agreement", "test_accuracy", "learning_rate")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for line in history:
        values = (line[column] for column in columns)
        writer.writerow([f"{value:.{_HISTORY_DIGITS}g}" if isinstance(value, float) else value for value in values])
    return text.getvalue()


def _training_images(config: Config, method: str, shards: Sequence[Path], classes: ClassList) -> ImageSet:
    """The method's images at the size of the training: a little larger where crops are taken out of them."""
    size_px = config.teacher.size_px
    if config.distillation.augment.crop == "resized":
        size_px = math.ceil(size_px * _CROP_MARGIN)
    if config.methods[method].relabel is not None:
        fit = partial(at_view_size, size_px=config.teacher.size_px)
    else:
        fit = partial(resized, size_px=size_px)
    return method_images(config, method, shards, classes, real_px=size_px, fit=fit)


def _metrics(pupil: Classifier, teacher: Teacher, sets: _Sets, batch: int, device: torch.device) -> dict[str, Any]:
    """Accuracies and agreement on the test images, and the counts they rest on."""
    answers = predict(pupil, sets.test.images, batch=batch, device=device)
    right = predict(teacher, sets.test.images, batch=batch, device=device)
    return {
        "accuracy": accuracy(answers, sets.test.labels),
        "teacher_accuracy": accuracy(right, sets.test.labels),
        "agreement": agreement(answers, right),
        "n_train": len(sets.train),
        "n_test": len(sets.test),
        "student_parameters": sum(parameter.numel() for parameter in pupil.parameters()),
    }


def _labelled(images: ImageSet, mixed: tuple[np.ndarray, np.ndarray] | None = None) -> Labelled:
    return Labelled(*map(torch.from_numpy, (images.images, images.labels, *(mixed or ()))))
