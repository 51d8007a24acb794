"""The synthesis stage by inversion: one shard of optimised images and its manifest, resumed where it was killed.

It writes what ``prism.synthesis.stage`` writes; the stage's word in its manifests is synthesis.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from prism.artifacts import Manifest, WorkClock, hash_of, progress_dir, sha256_file
from prism.config import Config, MethodConfig, check_batches
from prism.data.classes import ClassList, load_classes
from prism.data.images import ImageSet
from prism.data.kept import keep_batch, kept_batch
from prism.data.method_images import real_training_images
from prism.data.shards import Sample, sample_key, shard_plan, write_shard
from prism.devices import arithmetic, pick_device, pick_precision, reset_peak_memory, run_facts, set_threads
from prism.errors import EngineError, ModelError, ShardError
from prism.guidance import free
from prism.inversion import REVISION
from prism.inversion.objective import Objective
from prism.inversion.optimise import Batch, Inversion
from prism.inversion.real import convolution_moments, starts
from prism.inversion.schedule import Place, batches, level_of, phases
from prism.memory import as_a_whole
from prism.models.architectures import check_batchnorm
from prism.models.checkpoints import Classifier, load_classifier
from prism.models.hashes import hash_weights
from prism.models.scoring import predict
from prism.models.teacher import load_teacher
from prism.progress import ProgressBar
from prism.seeds import derive, image_seed

log = logging.getLogger(__name__)

SMALLEST_SPREAD = 2.0  # of 255: standard deviation below which an image counts as constant


@dataclass(frozen=True)
class Finished:
    """Images (b, h, w, 3) uint8 with the primary teacher's view of each: energies, confidences, agreements (b,)."""

    images: np.ndarray
    energies: np.ndarray
    confidences: np.ndarray
    agreed: np.ndarray

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Finished:
        """As they were kept."""
        return cls(*(arrays[name] for name in cls.__dataclass_fields__))


def invert(config: Config, method: str, shard: int, student: Path | None, output: Path) -> Manifest:
    """Write shard number ``shard`` of ``method``'s images to ``output`` (a tar) and its manifest beside it.

    Finished batches, and the state of the one that is worked on, lie in the progress folder until the shard is
    whole, so that a killed job loses some seconds; they are used again only for the same recipe.

    Args:
        config: the configuration.
        method: a method of engine inversion.
        shard: number of the shard, from 0.
        student: the competitor, for methods with ``inversion.adaptive``.
        output: the tar file.

    Raises:
        PrismError: an input is missing, damaged or does not fit; the message is one line.
    """
    started = time.monotonic()
    chosen = config.methods[method]
    settings = chosen.inversion
    check_batchnorm(config, [method])
    classes = load_classes(config.classes)
    check_batches(config, len(classes), [method])
    per_class, shards = config.images_per_class(method), config.shards(method)
    if not 0 <= shard < shards:
        raise ShardError(f"synthesis: there is no shard {shard}; synthesis.shards={shards}, so 0 to {shards - 1}")
    if (settings.adaptive is None) != (student is None):
        needed = "needs the student that it competes with" if student is None else "competes with no student"
        raise EngineError(f"method {method}: {needed}; it is made from the images of inversion.adaptive.images")
    plan = shard_plan(len(classes), per_class, shards)[shard]
    device = pick_device(config.device)
    set_threads(config.threads("synthesis"))
    reset_peak_memory()
    identity = {
        "stage": "synthesis",
        "recipe": config.recipe("synthesis", method=method),
        "revision": REVISION,
        "inputs": {"student": sha256_file(student)} if student is not None else {},
        "models": _model_hashes(config, chosen),
    }
    dtype = pick_precision(config.precision, device)
    work = progress_dir(output) / hash_of({**identity, "shard": shard, "arithmetic": arithmetic(device, dtype)})
    work.mkdir(parents=True, exist_ok=True)
    clock = WorkClock(work / "seconds", started)
    parts = batches(plan, settings.batch, settings.classes_per_batch)
    objective = build_objective(config, method, classes, student, device)
    real = _real_images(config, classes, per_class) if settings.init == "real" else None
    finished = []
    with ProgressBar(
        total=_steps(config, method, parts), desc=f"{method} shard {shard + 1} of {shards}", unit="step", mininterval=1
    ) as bar:
        for index, places in enumerate(parts):
            saved, unfinished = work / f"batch-{index:05d}.npz", work / f"batch-{index:05d}.pt"
            done = kept_batch(saved, places, Finished.from_arrays, again="optimised")
            if done is None:
                batch = _batch(config, method, places, starts(real, places) if real is not None else None)
                with as_a_whole(f"methods.{method}.inversion.batch", settings.batch):
                    run = Inversion(objective, batch, device=device)
                    images = run.run(checkpoint=unfinished, clock=clock, advance=bar.update)
                done = _scored(method, objective.primary, images, places, settings.learning_rate)
                keep_batch(saved, places, vars(done))
                clock.save()
                unfinished.unlink(missing_ok=True)
            else:
                bar.skip(_steps(config, method, [places]))
            finished.append(done)
    samples = [one for places, done in zip(parts, finished, strict=True) for one in _samples(config, places, done)]
    iterations = sum(_steps(config, method, [places]) * len(places) for places in parts)
    agreed = float(np.concatenate([done.agreed for done in finished]).mean())
    manifest = write_shard(
        output,
        samples,
        {
            **identity,
            "details": {
                "method": method,
                "shard": shard,
                "data_free": chosen.data_free,
                "teacher_agreement": round(agreed, 4),
                "iterations_per_image": iterations / len(samples),
            },
            "run": run_facts(clock.seconds, len(samples), device, dtype),
        },
    )
    shutil.rmtree(progress_dir(output), ignore_errors=True)
    log.info("%s, shard %d: the teacher agrees with %.1f %% of the images", method, shard, 100 * agreed)
    return manifest


def build_objective(
    config: Config, method: str, classes: ClassList, student: Path | None, device: torch.device
) -> Objective:
    """The objective of a method of the configuration, its networks loaded."""
    chosen = config.methods[method]
    sections = [config.teacher, *(config.teachers.values() if chosen.uses_teachers else ())]
    teachers = [load_teacher(one, len(classes)).to(device, memory_format=torch.channels_last) for one in sections]
    competitor = None
    if student is not None:
        competitor = load_classifier(student).requires_grad_(False).to(device, memory_format=torch.channels_last)
    convolutions = None
    if chosen.inversion.statistics == "real":
        images, patch_px = _real_images(config, classes, None), chosen.inversion.patch_px
        convolutions = [convolution_moments(teacher, images, device, patch_px) for teacher in teachers]
    dtype = pick_precision(config.precision, device)
    return Objective(chosen.inversion, teachers, student=competitor, convolutions=convolutions, dtype=dtype)


def _real_images(config: Config, classes: ClassList, count: int | None) -> ImageSet:
    return real_training_images(config, classes, size_px=config.teacher.size_px, count=count)


def _batch(config: Config, method: str, places: Sequence[Place], start: torch.Tensor | None) -> Batch:
    return Batch(
        labels=torch.tensor([c for c, _ in places]),
        seeds=[image_seed(config.seed, c, j) for c, j in places],
        seed=derive(config.seed, "inversion", *places[0]),
        level=level_of(places, config.methods[method].inversion.early_late),
        start=start,
    )


def _steps(config: Config, method: str, parts: Sequence[Sequence[Place]]) -> int:
    settings = config.methods[method].inversion
    every = [phases(settings, config.teacher.size_px, level_of(places, settings.early_late)) for places in parts]
    return sum(phase.iterations for of_batch in every for phase in of_batch)


def _scored(method: str, teacher: Classifier, images: torch.Tensor, places: Sequence[Place], rate: float) -> Finished:
    """Images (b, 3, h, w) in [0, 1] as they will be saved, and what the teacher says of those.

    Raises:
        ModelError: an image is not finite or constant.
    """
    finite = torch.isfinite(images).flatten(1).all(dim=1).cpu().numpy()
    pixels = torch.nan_to_num(images).mul(255).round().permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()
    broken = np.flatnonzero(~finite | (pixels.reshape(len(pixels), -1).std(axis=1) < SMALLEST_SPREAD))
    if len(broken):
        c, j = places[broken[0]]
        raise ModelError(
            f"methods.{method}: image {j} of class {c} is not finite or constant; "
            f"lower inversion.learning_rate, which is {rate:g}, or the weights"
        )
    logits = predict(teacher, pixels, batch=len(pixels), device=images.device)
    labels = torch.tensor([c for c, _ in places])
    return Finished(
        pixels,
        energies=free(logits, labels).numpy(),
        confidences=logits.softmax(dim=1).gather(1, labels[:, None]).squeeze(1).numpy(),
        agreed=(logits.argmax(dim=1) == labels).numpy(),
    )


def _samples(config: Config, places: Sequence[Place], done: Finished) -> list[Sample]:
    return [
        Sample(
            sample_key(c, j),
            done.images[row],
            {
                "class_index": c,
                "image_index": j,
                "prompt": "",
                "sense": "",
                "style": "",
                "seed": image_seed(config.seed, c, j),
                "energy": round(float(done.energies[row]), 5),
                "teacher_confidence": round(float(done.confidences[row]), 5),
            },
        )
        for row, (c, j) in enumerate(places)
    ]


def _model_hashes(config: Config, chosen: MethodConfig) -> dict[str, str]:
    further = config.teachers if chosen.uses_teachers else {}
    hashes = {"teacher": hash_weights(Path(config.teacher.weights))}
    return hashes | {f"teachers.{name}": hash_weights(Path(one.weights)) for name, one in further.items()}
