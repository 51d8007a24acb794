"""The student that Adaptive DeepInversion competes with: trained beforehand, on images of another inversion.

Yin et al. 2020, section 3.3, need a student that already imitates the teacher. Data-free, it can only have learned from
inverted images; they do so too in their second round.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from prism.artifacts import Manifest, sha256_file, write_manifest
from prism.config import AdaptiveConfig, Config
from prism.data.classes import load_classes
from prism.data.shards import read_shards
from prism.data.sources import resized
from prism.devices import pick_device, run_facts, set_threads
from prism.errors import ModelError
from prism.inversion import REVISION
from prism.inversion.schedule import learning_rate
from prism.models.checkpoints import Classifier, save_model
from prism.models.hashes import hash_weights
from prism.models.scoring import accuracy, as_float, predict
from prism.models.students import new_student
from prism.models.teacher import load_teacher
from prism.models.training.losses import soft_label_loss
from prism.seeds import derive, generator


def train_student(config: Config, method: str, shards: Sequence[Path], output: Path) -> Manifest:
    """Train the student of a method with ``inversion.adaptive`` and write it, a safetensors file and its manifest.

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
    set_threads(config.threads_per_job)
    classes = load_classes(config.classes)
    teacher = load_teacher(config.teacher, len(classes)).to(device, memory_format=torch.channels_last)
    images = resized(read_shards([Path(shard) for shard in shards]), teacher.size_px)
    pixels = torch.from_numpy(images.images)
    answers = predict(teacher, pixels, batch=settings.batch, device=device)
    seed = derive(config.seed, "inversion", "student")
    student = new_student(config.teacher, settings.student, classes, seed=seed)
    student.to(device, memory_format=torch.channels_last)
    imitate(student, pixels.to(device), answers.to(device), settings, seed)
    agreed = accuracy(predict(student, pixels, batch=settings.batch, device=device), answers.argmax(dim=1))
    save_model(output, student, student.metadata)
    return write_manifest(
        output.with_suffix(".json"),
        stage="inversion",
        recipe=config.recipe("inversion", method=method),
        revision=REVISION,
        inputs={Path(shard).name: sha256_file(shard) for shard in shards},
        models={"teacher": hash_weights(Path(config.teacher.weights))},
        outputs=[output],
        count=len(images),
        details={"method": method, "agreement": round(agreed, 4)},
        run=run_facts(time.monotonic() - started, settings.steps * settings.batch, device),
    )


def imitate(student: Classifier, images: Tensor, answers: Tensor, settings: AdaptiveConfig, seed: int) -> None:
    """Train in place: ``T^2 KL(softmax(f_teacher / T) || softmax(f_student / T))``, Adam, half a cosine.

    Args:
        student: takes images in [0, 1].
        images: uint8 (n, height, width, 3) on the student's device.
        answers: the teacher's logits (n, classes).
        settings: steps, batch, learning rate and T.
        seed: of the order.

    Raises:
        ModelError: the loss is no longer a number.
    """
    student.train()
    optimizer = torch.optim.Adam(student.network.parameters(), lr=settings.learning_rate)
    size = min(settings.batch, len(images))
    order = torch.empty(0, dtype=torch.int64)
    loss = torch.zeros(())
    with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
        torch.manual_seed(seed)
        for step in range(settings.steps):
            if len(order) < size:  # what is left of a pass is too few for BatchNorm
                order = torch.randperm(len(images), generator=generator(derive(seed, "order", step)))
            rows, order = order[:size].to(images.device), order[size:]
            rate = learning_rate(step, iterations=settings.steps, peak=settings.learning_rate)
            optimizer.param_groups[0]["lr"] = rate
            logits = student(as_float(images[rows]))
            loss = soft_label_loss(logits, answers[rows], temperature=settings.temperature)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    student.eval()
    if not torch.isfinite(loss):
        raise ModelError(
            f"inversion.adaptive: the student's loss is {float(loss)}; lower adaptive.learning_rate, "
            f"which is {settings.learning_rate:g}"
        )
