"""The student that Adaptive DeepInversion competes with: trained beforehand, on images of another inversion.

Yin et al. 2020, section 3.3, need a student that already imitates the teacher. Data-free, it can only have learned from
inverted images; they do so too in their second round.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from prism.artifacts import Manifest, WorkClock, hash_of, progress_dir, sha256_file, write_manifest
from prism.config import Config
from prism.data.classes import load_classes
from prism.data.placed import Placed
from prism.data.shards import read_shards
from prism.data.sources import resized
from prism.devices import arithmetic, pick_device, run_facts, set_threads
from prism.inversion import REVISION
from prism.inversion.imitation import Imitation
from prism.models.checkpoints import save_model
from prism.models.hashes import hash_weights
from prism.models.scoring import accuracy, predict
from prism.models.students import new_student
from prism.models.teacher import load_teacher
from prism.seeds import derive


def train_student(config: Config, method: str, shards: Sequence[Path], output: Path) -> Manifest:
    """Train the student of a method with ``inversion.adaptive`` and write it, a safetensors file and its manifest.

    The unfinished state lies in the progress folder until then, so that a killed job loses some seconds; it is used
    again only for the same recipe and the same images.

    Args:
        config: the configuration.
        method: the method that will compete with it.
        shards: images of ``adaptive.images``.
        output: the file of weights; the manifest goes beside it.

    Raises:
        PrismError: an input is missing, damaged or does not fit.
    """
    started, output = time.monotonic(), Path(output)
    settings = config.methods[method].inversion.adaptive
    device = pick_device(config.device)
    set_threads(config.threads("inversion"))
    classes = load_classes(config.classes)
    teacher = load_teacher(config.teacher, len(classes)).to(device, memory_format=torch.channels_last)
    images = read_shards(shards, partial(resized, size_px=teacher.size_px))
    pixels = torch.from_numpy(images.images)
    answers = predict(teacher, pixels, batch=settings.batch, device=device)
    identity = {
        "stage": "inversion",
        "recipe": config.recipe("inversion", method=method),
        "revision": REVISION,
        "inputs": {Path(shard).name: sha256_file(shard) for shard in shards},
        "models": {"teacher": hash_weights(Path(config.teacher.weights))},
    }
    seed = derive(config.seed, "inversion", "student")
    student = new_student(config.teacher, settings.student, classes, seed=seed)
    student.to(device, memory_format=torch.channels_last)
    fingerprint = hash_of({**identity, "arithmetic": arithmetic(device, torch.float32)})
    imitation = Imitation(
        student, Placed(pixels, device), answers.to(device), settings, seed=seed, fingerprint=fingerprint
    )
    work = progress_dir(output) / fingerprint
    work.mkdir(parents=True, exist_ok=True)
    clock = WorkClock(work / "seconds", started)
    imitation.run(checkpoint=work / "checkpoint.pt", clock=clock)
    agreed = accuracy(predict(student, pixels, batch=settings.batch, device=device), answers.argmax(dim=1))
    save_model(output, student, student.metadata)
    manifest = write_manifest(
        output.with_suffix(".json"),
        **identity,
        outputs=[output],
        count=len(images),
        details={"method": method, "agreement": round(agreed, 4)},
        run=run_facts(clock.seconds, settings.steps * settings.batch, device),
    )
    shutil.rmtree(progress_dir(output), ignore_errors=True)
    return manifest
