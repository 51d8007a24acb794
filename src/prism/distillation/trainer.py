"""The training loop: a student, a teacher, images in memory.

What a step does follows from (seed, epoch, step) and the state before it, so that a run that was killed goes
on from its checkpoint and ends, on a CPU, in the same bytes as one that was not.
"""

from __future__ import annotations

import hashlib
import logging
import math
import pickle
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from prism.artifacts import atomic_path, hash_of
from prism.data.soft_labels import SoftLabels
from prism.distillation.augment import Augmentation, augment
from prism.distillation.losses import FeatureMatch, hard_label_loss, logit_error, soft_label_loss
from prism.distillation.schedule import epoch_order, learning_rate, steps_per_epoch
from prism.distillation.stored import StoredLabels
from prism.errors import ModelError
from prism.models.checkpoints import Classifier
from prism.models.scoring import accuracy, as_float, predict
from prism.models.teacher import Teacher
from prism.seeds import derive, generator

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Loss, optimizer and schedule; ``alpha`` weighs the hard labels, 1 - alpha the soft ones.

    ``hard_weight`` adds hard labels to the soft ones, which keep their weight, as G-VBSM does.
    """

    epochs: int
    batch: int
    learning_rate: float
    optimizer: str = "sgd"
    weight_decay: float = 0.0
    momentum: float = 0.9
    schedule: str = "cosine"
    warmup_epochs: int = 0
    temperature: float = 10.0
    alpha: float = 0.0
    feature_weight: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: Literal["kl", "mse"] = "kl"
    temperature_squared: bool = True
    hard_weight: float = 0.0


@dataclass(frozen=True)
class Labelled:
    """Images uint8 (n, height, width, 3) with labels int64 (n,), as tensors."""

    images: Tensor
    labels: Tensor


@dataclass
class Epoch:
    """One line of the history. ``agreement`` is that of student and teacher on the training batches."""

    epoch: int
    loss: float
    agreement: float
    test_accuracy: float
    learning_rate: float
    seconds: float


class Trainer:
    """Trains ``student`` in place; see :meth:`run`.

    Args:
        student: the classifier that learns.
        teacher: the classifier that answers; it is never changed.
        train: the training images.
        test: images for the history's test accuracy, which decides nothing.
        recipe: loss, optimizer and schedule.
        seed: seed of order, augmentation and dropout.
        device: where it runs.
        dtype: torch.bfloat16 for autocast, torch.float32 for none.
        labels: stored soft labels of ``train``; the student then sees their views, the teacher is not asked, and
            the recipe augments nothing and matches no features.
        checkpoint: file for the unfinished state; None keeps none.
        checkpoint_seconds: least time between two checkpoints.
    """

    def __init__(
        self,
        student: Classifier,
        teacher: Teacher,
        train: Labelled,
        test: Labelled,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        labels: SoftLabels | None = None,
        checkpoint: Path | None = None,
        checkpoint_seconds: float = 60.0,
    ) -> None:
        self.student = student.to(device, memory_format=torch.channels_last)
        self.teacher = teacher.to(device, memory_format=torch.channels_last)
        self.train_images, self.train_labels = train.images.to(device), train.labels.to(device)
        self.test = test
        self.recipe, self.seed, self.device, self.dtype = recipe, seed, device, dtype
        self.labels = None if labels is None else StoredLabels(labels, self.train_images, self.train_labels)
        self.checkpoint, self.checkpoint_seconds = checkpoint, checkpoint_seconds
        self.steps_per_epoch = steps_per_epoch(len(train.labels), recipe.batch)
        self.match = self._feature_match() if recipe.feature_weight else None
        self.optimizer = _optimizer(recipe, self._modules())
        self.fingerprint = self._fingerprint() if checkpoint else ""  # of the start, before anything is learned
        self.history: list[Epoch] = []
        self.sums = torch.zeros(3, dtype=torch.float64, device=device)  # of loss, agreements, images in this epoch
        self.fixed_logits: Tensor | None = None  # (n, classes) where no image ever changes

    def run(self) -> list[Epoch]:
        """Train to the last epoch and return the history; goes on from the checkpoint if there is one.

        Raises:
            ModelError: the loss is no longer a number.
        """
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            first_epoch, first_step = self._restore()
            self.student.train()
            saved = time.monotonic()
            for epoch in tqdm(range(first_epoch, self.recipe.epochs), "distillation", unit="epoch", mininterval=5):
                started = time.monotonic()
                order = epoch_order(self.seed, epoch, len(self.train_labels)).to(self.device)
                for step in range(first_step, self.steps_per_epoch):
                    if self.checkpoint and time.monotonic() - saved >= self.checkpoint_seconds:
                        self._save(epoch, step)
                        saved = time.monotonic()
                    self.step(epoch, step, order[step * self.recipe.batch : (step + 1) * self.recipe.batch])
                first_step = 0
                self._end_epoch(epoch, time.monotonic() - started)
        return self.history

    def step(self, epoch: int, step: int, indices: Tensor) -> None:
        """One update on the images of ``indices`` (batch,)."""
        torch.manual_seed(derive(self.seed, "dropout", epoch, step))
        rate = self._rate(epoch, step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        images, targets, teacher_logits, teacher_features = self._lesson(epoch, step, indices)
        with self._autocast():
            logits, features = self.student.logits_and_features(images)
        recipe = self.recipe
        loss = (1 - recipe.alpha) * self._soft_loss(logits, teacher_logits)
        if hard_weight := recipe.alpha + recipe.hard_weight:
            loss = loss + hard_weight * hard_label_loss(logits, targets)
        if self.match is not None:
            loss = loss + recipe.feature_weight * self.match(features, teacher_features)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():  # summed on the device: no step waits for a number
            agreed = (logits.argmax(dim=1) == teacher_logits.argmax(dim=1)).sum()
            self.sums += torch.stack([loss.detach() * len(indices), agreed, torch.full_like(loss, len(indices))])

    def _lesson(self, epoch: int, step: int, indices: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Images, target probabilities, and the teacher's logits on these very images, with features where matched."""
        if self.labels is not None:
            return *self.labels.lesson(epoch, indices), None
        images, targets = self._batch(epoch, step, indices)
        return images, targets, *self._ask_teacher(images, indices)

    def _soft_loss(self, logits: Tensor, teacher_logits: Tensor) -> Tensor:
        recipe = self.recipe
        if recipe.loss == "mse":
            return logit_error(logits, teacher_logits)
        return soft_label_loss(
            logits, teacher_logits, temperature=recipe.temperature, squared=recipe.temperature_squared
        )

    def _batch(self, epoch: int, step: int, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Augmented images (batch, 3, height, width) in [0, 1] and target probabilities (batch, classes)."""
        targets = functional.one_hot(self.train_labels[indices], self.student.num_classes).float()
        images = as_float(self.train_images[indices])
        draws = generator(derive(self.seed, "augmentation", epoch, step))
        return augment(images, targets, self.recipe.augmentation, draws, size_px=self.student.size_px)

    @torch.no_grad()
    def _ask_teacher(self, images: Tensor, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """The teacher's logits (from memory if no image ever changes) and, where matched, its features."""
        if self.match is None and self.recipe.augmentation.is_identity:
            if self.fixed_logits is None:
                answers = predict(self.teacher, self.train_images, batch=self.recipe.batch, device=self.device)
                self.fixed_logits = answers.to(self.device)
            return self.fixed_logits[indices], None
        with self._autocast():
            return self.teacher.logits_and_features(images)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def _rate(self, epoch: int, step: int) -> float:
        return learning_rate(
            epoch * self.steps_per_epoch + step,
            total_steps=self.recipe.epochs * self.steps_per_epoch,
            warmup_steps=self.recipe.warmup_epochs * self.steps_per_epoch,
            peak=self.recipe.learning_rate,
            schedule=self.recipe.schedule,
        )

    def _end_epoch(self, epoch: int, seconds: float) -> None:
        loss, agreed, images = self.sums.tolist()
        self.sums.zero_()
        if not math.isfinite(loss):
            raise ModelError(
                f"distillation: the loss is {loss} in epoch {epoch + 1}; lower distillation.learning_rate, "
                f"which is {self.recipe.learning_rate:g}, or give it a warm-up"
            )
        logits = predict(self.student, self.test.images, batch=self.recipe.batch, device=self.device)
        rate = self._rate(epoch, self.steps_per_epoch - 1)
        score = accuracy(logits, self.test.labels)
        self.history.append(Epoch(epoch + 1, loss / images, agreed / images, score, rate, seconds))
        log.debug("epoch %d: loss %.4f, test accuracy %.4f", epoch + 1, loss / images, score)

    def _modules(self) -> nn.ModuleList:
        """All that learns: the student, and the adapter of its features."""
        return nn.ModuleList([self.student.network, *([self.match] if self.match is not None else [])])

    def _feature_match(self) -> FeatureMatch:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(self.seed, "adapter"))
            match = FeatureMatch(self.student.network.feature_dim, self.teacher.network.feature_dim)
        return match.to(self.device)

    def _fingerprint(self) -> str:
        """What must be the same for a checkpoint to be gone on from."""
        state = [*self.teacher.network.state_dict().values(), *self.student.network.state_dict().values()]
        tensors = [self.train_images, self.train_labels, *state]
        stored = [] if self.labels is None else [self.labels.file.fingerprint]
        data = stored + [hashlib.sha256(tensor.cpu().contiguous().numpy().tobytes()).hexdigest() for tensor in tensors]
        return hash_of([asdict(self.recipe), self.seed, str(self.dtype), data])

    def _save(self, epoch: int, step: int) -> None:
        state = {
            "fingerprint": self.fingerprint,
            "epoch": epoch,
            "step": step,
            "modules": [module.state_dict() for module in self._modules()],
            "optimizer": self.optimizer.state_dict(),
            "history": [asdict(line) for line in self.history],
            "sums": self.sums,
        }
        with atomic_path(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _restore(self) -> tuple[int, int]:
        """Take up the checkpoint, if there is one of this very training, and return its epoch and step."""
        if self.checkpoint is None or not self.checkpoint.is_file():
            return 0, 0
        try:
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            if state["fingerprint"] != self.fingerprint:
                raise ValueError("it belongs to another recipe")
        except (OSError, RuntimeError, ValueError, LookupError, EOFError, pickle.UnpicklingError) as error:
            log.warning("%s: is left aside (%s); starting anew", self.checkpoint, error)
            return 0, 0
        for module, weights in zip(self._modules(), state["modules"], strict=True):
            module.load_state_dict(weights)
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = [Epoch(**line) for line in state["history"]]
        self.sums = state["sums"].to(self.device)
        log.info("going on from epoch %d, step %d", state["epoch"] + 1, state["step"])
        return state["epoch"], state["step"]


def _optimizer(recipe: Recipe, modules: nn.Module) -> torch.optim.Optimizer:
    parameters = list(modules.parameters())
    if recipe.optimizer == "sgd":
        options = {"momentum": recipe.momentum, "weight_decay": recipe.weight_decay}
        return torch.optim.SGD(parameters, lr=recipe.learning_rate, **options)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    raise ValueError(f"optimizer={recipe.optimizer!r} is unknown; it may be sgd or adamw")
