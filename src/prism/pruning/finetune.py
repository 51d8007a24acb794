"""Fine-tune a pruned network on a method's images: it learns to answer as the whole one does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from prism.config import PruningConfig
from prism.models.checkpoints import Classifier
from prism.models.scoring import as_float
from prism.models.teacher import Teacher
from prism.models.training.augment import random_flip, random_shift
from prism.models.training.loop import Line, RunOptions, Training
from prism.models.training.losses import soft_label_loss
from prism.models.training.schedule import Schedule
from prism.seeds import derive, generator


class FineTuning(Training):
    """SGD on T^2 KL(softmax(teacher / T) || softmax(pruned / T)) (Hinton et al. 2015), the rate falling by a cosine.

    Args:
        pruned: the classifier that learns, masked by ``prism.pruning.masks``.
        teacher: the whole one; it is never changed.
        images: uint8 (n, height, width, 3).
        settings: the section ``pruning``.
        options: where it runs, and from which seed.
    """

    stage = "pruning"

    def __init__(
        self,
        pruned: Classifier,
        teacher: Teacher,
        images: Tensor,
        settings: PruningConfig,
        options: RunOptions,
    ) -> None:
        self.settings = settings
        super().__init__(
            pruned,
            teacher,
            images,
            Schedule(settings.epochs, settings.batch, settings.learning_rate),
            options,
            optimizer=partial(
                torch.optim.SGD,
                lr=settings.learning_rate,
                momentum=settings.momentum,
                weight_decay=settings.weight_decay,
            ),
            identity=settings.model_dump(mode="json", exclude={"sparsities", "methods", "seeds"}),
        )
        self.padding_px = round(settings.crop_padding * images.shape[1])

    def loss(self, epoch: int, step: int, indices: Tensor) -> Tensor:
        """The soft-label loss () of the shifted and mirrored images ``indices`` (batch,)."""
        draws = generator(derive(self.seed, "augmentation", epoch, step))
        images = as_float(self.images[indices])
        if self.padding_px:
            images = random_shift(images, self.padding_px, draws)
        if self.settings.flip:
            images = random_flip(images, draws)
        with self.autocast():
            with torch.no_grad():
                wanted = self.teacher(images)
            logits = self.student(images)
        loss = soft_label_loss(logits, wanted, temperature=self.settings.temperature)
        self.sums[0] += loss.detach()
        return loss

    def line(self, epoch: int, sums: Sequence[float], seconds: float) -> Line:
        """``loss``, the mean over the steps."""
        return {"loss": sums[0] / self.steps_per_epoch}
