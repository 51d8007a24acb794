"""The learning rate and the order of images: functions of step and seed, so that a run can go on anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from prism.seeds import derive, generator

STEP_MILESTONES = (
    0.3,
    0.6,
    0.9,
)  # shares of the training after which the rate falls to a tenth (DM-KD's 30/60/90)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a classifier is trained.

    Args:
        epochs: passes over the images.
        batch: images in a step.
        learning_rate: the largest rate.
        schedule: see :func:`learning_rate`.
        warmup_epochs: first epochs, in which the rate rises linearly to the schedule's.
    """

    epochs: int
    batch: int
    learning_rate: float
    schedule: str = "cosine"
    warmup_epochs: int = 0

    def rate(self, epoch: int, step: int, steps: int) -> float:
        """The learning rate of a step (0-based) of an epoch (0-based) of ``steps`` steps."""
        return learning_rate(
            epoch * steps + step,
            total_steps=self.epochs * steps,
            warmup_steps=self.warmup_epochs * steps,
            peak=self.learning_rate,
            schedule=self.schedule,
        )


def learning_rate(step: int, *, total_steps: int, warmup_steps: int, peak: float, schedule: str = "cosine") -> float:
    """The learning rate of one step.

    Args:
        step: from 0.
        total_steps: steps of the whole training.
        warmup_steps: first steps, in which the rate rises linearly to the schedule's.
        peak: the schedule's largest rate.
        schedule: ``cosine`` falls to zero behind the warm-up, ``step`` to a tenth at each milestone.

    Raises:
        ValueError: the schedule is unknown.
    """
    if schedule == "cosine":
        share = max(0, step - warmup_steps) / max(1, total_steps - warmup_steps)
        rate = peak * 0.5 * (1 + math.cos(math.pi * share))
    elif schedule == "step":
        rate = peak * 0.1 ** sum(step >= round(share * total_steps) for share in STEP_MILESTONES)
    else:
        raise ValueError(f"schedule={schedule!r} is unknown; it may be cosine or step")
    return rate * min(1.0, (step + 1) / warmup_steps) if warmup_steps else rate


def steps_per_epoch(images: int, batch: int) -> int:
    """Full batches in an epoch; the few images left over have their turn in other epochs. At least one."""
    return max(1, images // batch)


def epoch_order(seed: int, epoch: int, images: int) -> Tensor:
    """The order of the images in an epoch, int64 (images,): a permutation that seed and epoch decide."""
    return torch.randperm(images, generator=generator(derive(seed, "order", epoch)))
