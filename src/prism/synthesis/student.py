"""The interleaved student of DiffDFKD: trained on the images so far between the rounds of a shard.

Its first weights, the order of its images and so all its later weights follow from the configuration and from the
finished rounds; a killed training goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from prism.artifacts import WorkClock, hash_of
from prism.config import InterleavedStudentConfig
from prism.data.placed import Placed
from prism.errors import ModelError
from prism.guidance import divergence
from prism.models.checkpoints import Classifier, load_classifier, save_model
from prism.models.classifiers import build
from prism.models.scoring import as_float, predict
from prism.models.teacher import Teacher
from prism.models.training.unfinished import load_unfinished, save_unfinished
from prism.seeds import derive, generator

log = logging.getLogger(__name__)

MOMENTUM = 0.9
LAST_RATE = 2e-4  # the lowest of DiffDFKD's cosine
CHECKPOINT_SECONDS = 20.0


class InterleavedStudent:
    """A student and its trainings, one after each round.

    Args:
        settings: the method's section ``student``.
        teacher: whose answers it learns, on the device that it trains on.
        folder: where the weights of each training lie until the shard is whole.
        seed: of its first weights and of the order of the images.
        device: where it runs.
        clock: saved with each checkpoint.
    """

    def __init__(
        self,
        settings: InterleavedStudentConfig,
        teacher: Teacher,
        folder: Path,
        *,
        seed: int,
        device: torch.device,
        clock: WorkClock | None = None,
    ) -> None:
        self.settings, self.teacher, self.folder = settings, teacher, Path(folder)
        self.seed, self.device, self.clock = seed, device, clock
        self._facts = {
            "architecture": settings.architecture,
            "num_classes": teacher.num_classes,
            "size_px": teacher.size_px,
            "mean": teacher.mean.flatten().tolist(),
            "std": teacher.std.flatten().tolist(),
        }
        network = build(settings.architecture, teacher.num_classes, teacher.size_px, seed=derive(seed, "weights"))
        self.student = Classifier(network, **self._facts).to(device)

    def learn(self, number: int, images: Tensor) -> Classifier | None:
        """Train on all images so far, uint8 (n, height, width, 3), after round ``number`` (from 0).

        Rounds come in their order. A training that is finished already is taken from the folder.

        Returns:
            The student in evaluation mode, ready for guidance; None as long as it has seen too few images.
        """
        saved = self.folder / f"student-{number:05d}.safetensors"
        if not self._read(saved):
            self._train(number, images)
            save_model(saved, self.student, self._facts)
            self._checkpoint(number).unlink(missing_ok=True)
        self.student.requires_grad_(False).eval()
        return self.student if (number + 1) * self.settings.every >= self.settings.start else None

    def _read(self, saved: Path) -> bool:
        if not saved.exists():
            return False
        try:
            self.student.network.load_state_dict(load_classifier(saved).network.state_dict())
        except ModelError as error:
            log.warning("%s: cannot be used (%s); the student is trained again", saved, error)
            return False
        return True

    def _train(self, number: int, images: Tensor) -> None:
        settings, student = self.settings, self.student
        student.requires_grad_(True).train()
        optimizer = torch.optim.SGD(
            student.network.parameters(),
            lr=settings.learning_rate,
            momentum=MOMENTUM,
            weight_decay=settings.weight_decay,
        )
        # No augmentation: the teacher answers once.
        answers = predict(self.teacher, images, batch=settings.batch, device=self.device).to(self.device)
        images = Placed(images, self.device)
        # Of equal size but for one image, and none of a single image, which BatchNorm could not learn from.
        batches = max(1, min(math.ceil(len(images) / settings.batch), len(images) // 2))
        saved = time.monotonic()
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            for epoch in range(self._restore(number, optimizer), settings.epochs):
                if time.monotonic() - saved >= CHECKPOINT_SECONDS:
                    self._save(number, epoch, optimizer)
                    if self.clock is not None:
                        self.clock.save()
                    saved = time.monotonic()
                torch.manual_seed(derive(self.seed, "dropout", number, epoch))
                order = torch.randperm(len(images), generator=generator(derive(self.seed, "order", number, epoch)))
                for step, rows in enumerate(order.to(self.device).tensor_split(batches)):
                    for group in optimizer.param_groups:
                        group["lr"] = rate(settings, epoch + (step + 1) / batches)
                    logits = student(as_float(images[rows]))
                    loss = settings.temperature**2 * divergence(answers[rows], logits, settings.temperature).mean()
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    optimizer.step()
        if not math.isfinite(last := loss.item()):
            raise ModelError(
                f"synthesis: the interleaved student's loss is {last}; lower the method's "
                f"student.learning_rate, which is {settings.learning_rate:g}"
            )

    def _checkpoint(self, number: int) -> Path:
        return self.folder / f"student-{number:05d}.pt"

    def _save(self, number: int, epoch: int, optimizer: torch.optim.Optimizer) -> None:
        state = {
            "epoch": epoch,
            "network": self.student.network.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        save_unfinished(self._checkpoint(number), state, fingerprint=self._fingerprint(number))

    def _restore(self, number: int, optimizer: torch.optim.Optimizer) -> int:
        """Take up the checkpoint of this training, if there is one, and return its epoch."""
        state = load_unfinished(
            self._checkpoint(number),
            ("epoch", "network", "optimizer"),
            fingerprint=self._fingerprint(number),
            device=self.device,
        )
        if state is None:
            return 0
        self.student.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        return state["epoch"]

    def _fingerprint(self, number: int) -> str:
        """What must be the same for a checkpoint to be gone on from, beside the recipe that names its folder."""
        return hash_of([self.settings.model_dump(mode="json"), self.seed, number])


def rate(settings: InterleavedStudentConfig, epoch: float) -> float:
    """The learning rate at a moment in epochs: a linear rise, then a cosine down to :data:`LAST_RATE`."""
    if epoch < settings.warmup_epochs:
        return settings.learning_rate * epoch / settings.warmup_epochs
    done = (epoch - settings.warmup_epochs) / (settings.epochs - settings.warmup_epochs)
    last = min(LAST_RATE, settings.learning_rate)
    return last + (settings.learning_rate - last) * 0.5 * (1 + math.cos(math.pi * done))
