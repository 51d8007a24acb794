"""Distillation of one student: its loss, its lessons, and what is told of each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from prism.data.soft_labels import SoftLabels
from prism.distillation.stored import StoredLabels
from prism.models.checkpoints import Classifier
from prism.models.scoring import accuracy, as_float, predict
from prism.models.teacher import Teacher
from prism.models.training.augment import Augmentation, augment
from prism.models.training.loop import Line, RunOptions, Training
from prism.models.training.losses import FeatureMatch, hard_label_loss, logit_error, soft_label_loss
from prism.models.training.schedule import Schedule
from prism.models.training.unfinished import hash_of_tensor
from prism.seeds import derive, generator


@dataclass(frozen=True)
class Recipe(Schedule):
    """Schedule, optimizer and loss; ``alpha`` weighs the hard labels, 1 - alpha the soft ones.

    ``hard_weight`` adds hard labels to the soft ones, which keep their weight, as G-VBSM does.
    """

    optimizer: str = "sgd"
    weight_decay: float = 0.0
    momentum: float = 0.9
    temperature: float = 10.0
    alpha: float = 0.0
    feature_weight: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: Literal["kl", "mse"] = "kl"
    temperature_squared: bool = True
    hard_weight: float = 0.0


@dataclass(frozen=True)
class Labelled:
    """Images with labels, as tensors.

    Args:
        images: uint8 (n, height, width, 3).
        labels: int64 (n,).
        others: int64 (n,), the class that is mixed into each image; None where nothing is.
        shares: float32 (n,), its share of the label.
    """

    images: Tensor
    labels: Tensor
    others: Tensor | None = None
    shares: Tensor | None = None

    def labels_on(self, device: torch.device) -> Labelled:
        """The same with all but the images on a device."""
        others, shares = (None if one is None else one.to(device) for one in (self.others, self.shares))
        return Labelled(self.images, self.labels.to(device), others, shares)

    def targets(self, indices: Tensor, classes: int) -> Tensor:
        """Probabilities of the classes, float32 (batch, classes), of the images ``indices`` (batch,)."""
        own = functional.one_hot(self.labels[indices], classes).float()
        if self.others is None or self.shares is None:
            return own
        share = self.shares[indices][:, None]  # (batch, 1)
        return (1 - share) * own + share * functional.one_hot(self.others[indices], classes)


class Trainer(Training):
    """Trains ``student`` in place; ``run`` gives the history, whose lines :meth:`line` makes.

    Args:
        student: the classifier that learns.
        teacher: the classifier that answers; it is never changed.
        train: the training images.
        test: images for the history's test accuracy, which decides nothing.
        recipe: schedule, optimizer and loss.
        options: where it runs, and from which seed.
        labels: stored soft labels of ``train``; the student then sees their views, the teacher is not asked, and
            the recipe augments nothing and matches no features.
        test_every: epochs between two tests; the last is always tested.
    """

    stage = "distillation"
    remedy = ", or give it a warm-up"

    def __init__(
        self,
        student: Classifier,
        teacher: Teacher,
        train: Labelled,
        test: Labelled,
        recipe: Recipe,
        options: RunOptions,
        labels: SoftLabels | None = None,
        test_every: int = 1,
    ) -> None:
        train = train.labels_on(options.device)
        self.match = _feature_match(student, teacher, options.seed) if recipe.feature_weight else None
        super().__init__(
            student,
            teacher,
            train.images,
            recipe,
            options,
            optimizer=partial(_optimizer, recipe),
            identity={
                "train": [hash_of_tensor(one) for one in (train.labels, train.others, train.shares) if one is not None],
                "labels": "" if labels is None else labels.fingerprint,
            },
            adapter=self.match,
        )
        self.train, self.test, self.test_every = train, test, test_every
        self.labels = None if labels is None else StoredLabels(labels, self.images, self.train.labels)
        self.fixed_logits: Tensor | None = None  # (n, classes) where no image ever changes

    def loss(self, epoch: int, step: int, indices: Tensor) -> Tensor:
        """The recipe's loss () of the images ``indices`` (batch,)."""
        images, targets, teacher_logits, teacher_features = self._lesson(epoch, step, indices)
        with self.autocast():
            logits, features = self.student.logits_and_features(images)
        recipe = self.recipe
        loss = (1 - recipe.alpha) * self._soft_loss(logits, teacher_logits)
        if hard_weight := recipe.alpha + recipe.hard_weight:
            loss = loss + hard_weight * hard_label_loss(logits, targets)
        if self.match is not None:
            loss = loss + recipe.feature_weight * self.match(features, teacher_features)
        with torch.no_grad():  # summed on the device: no step waits for a number
            agreed = (logits.argmax(dim=1) == teacher_logits.argmax(dim=1)).sum()
            self.sums += torch.stack([loss.detach() * len(indices), agreed, torch.full_like(loss, len(indices))])
        return loss

    def line(self, epoch: int, sums: Sequence[float], seconds: float) -> Line:
        """``epoch`` (from 1), ``loss``, ``agreement`` of student and teacher on the training batches,
        ``test_accuracy`` (None where it is not tested), the last ``learning_rate``, and ``seconds``.
        """
        loss, agreed, images = sums
        score = None
        if (epoch + 1) % self.test_every == 0 or epoch + 1 == self.recipe.epochs:
            logits = predict(self.student, self.test.images, batch=self.recipe.batch, device=self.device)
            score = accuracy(logits, self.test.labels)
        return {
            "epoch": epoch + 1,
            "loss": loss / images,
            "agreement": agreed / images,
            "test_accuracy": score,
            "learning_rate": self.recipe.rate(epoch, self.steps_per_epoch - 1, self.steps_per_epoch),
            "seconds": seconds,
        }

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
        targets = self.train.targets(indices, self.student.num_classes)
        images = as_float(self.images[indices])
        draws = generator(derive(self.seed, "augmentation", epoch, step))
        return augment(images, targets, self.recipe.augmentation, draws, size_px=self.student.size_px)

    @torch.no_grad()
    def _ask_teacher(self, images: Tensor, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """The teacher's logits (from memory if no image ever changes) and, where matched, its features."""
        if self.match is None and self.recipe.augmentation.is_identity:
            if self.fixed_logits is None:
                answers = predict(self.teacher, self.images.tensor, batch=self.recipe.batch, device=self.device)
                self.fixed_logits = answers.to(self.device)
            return self.fixed_logits[indices], None
        with self.autocast():
            return self.teacher.logits_and_features(images)


def _feature_match(student: Classifier, teacher: Teacher, seed: int) -> FeatureMatch:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "adapter"))
        return FeatureMatch(student.network.feature_dim, teacher.network.feature_dim)


def _optimizer(recipe: Recipe, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        options = {"momentum": recipe.momentum, "weight_decay": recipe.weight_decay}
        return torch.optim.SGD(parameters, lr=recipe.learning_rate, **options)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    raise ValueError(f"optimizer={recipe.optimizer!r} is unknown; it may be sgd or adamw")
