"""Section ``distillation``: how a student learns from the teacher on synthetic images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Section, problems


class AugmentConfig(Section):
    """Changes drawn anew for every image and epoch; without any, the teacher labels each image once."""

    flip: bool = Field(default=False, description="Mirror half of the images left to right.")
    crop: Literal["none", "pad", "resized"] = Field(
        default="none", description="No crop, a shifted crop of the padded image, or a random part resized."
    )
    crop_padding: float = Field(
        default=0.125,
        ge=0,
        le=0.5,
        description="With crop pad: padding on each side, as a share of the side.",
    )
    crop_scale: tuple[float, float] = Field(
        default=(0.35, 1.0),
        description="With crop resized: smallest and largest share of the area, in (0, 1].",
    )
    mixup: float = Field(default=0.0, ge=0, description="Parameter of mixup's Beta distribution; 0 for none.")
    cutmix: float = Field(default=0.0, ge=0, description="Parameter of CutMix's Beta distribution; 0 for none.")

    @model_validator(mode="after")
    def _scale_is_ordered(self) -> AugmentConfig:
        low, high = self.crop_scale
        if not 0 < low <= high <= 1:
            message = f"[{low:g}, {high:g}] should be [smallest, largest] with both in (0, 1]"
            raise problems(("crop_scale", message))
        return self


class DistillationConfig(Section):
    """Loss, optimizer and schedule; a student is scored after the last epoch."""

    epochs: int = Field(default=100, ge=1, description="Passes over the synthetic images.")
    batch: int = Field(default=256, ge=2, description="Images in a step of the optimizer; results depend on it.")
    optimizer: Literal["sgd", "adamw"] = Field(default="sgd", description="The optimizer.")
    learning_rate: float = Field(default=0.1, gt=0, description="Largest learning rate of the schedule.")
    weight_decay: float = Field(default=1e-4, ge=0, description="Weight decay.")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Momentum, with sgd.")
    schedule: Literal["cosine", "step"] = Field(
        default="cosine", description="Falling to 0, or to a tenth after 30, 60 and 90 % of the epochs."
    )
    warmup_epochs: int = Field(default=0, ge=0, description="Epochs in which the learning rate rises linearly.")
    temperature: float = Field(default=10.0, gt=0, description="Temperature of the soft labels.")
    alpha: float = Field(
        default=0.0, ge=0, le=1, description="Weight of the hard labels; the soft labels have 1 - alpha."
    )
    feature_weight: float = Field(default=0.0, ge=0, description="Weight of matching the penultimate features.")
    augment: AugmentConfig = Field(default_factory=AugmentConfig, description="Changes drawn for every image.")
    test_every: int = Field(
        default=1, ge=1, description="Epochs between two tests on the way, for the learning curves; the last is tested."
    )
    seeds: list[int] = Field(default=[0], min_length=1, description="One student is trained for each; all different.")

    @model_validator(mode="after")
    def _is_consistent(self) -> DistillationConfig:
        found = []
        if self.warmup_epochs >= self.epochs:
            found.append(("warmup_epochs", f"{self.warmup_epochs} should be smaller than epochs={self.epochs}"))
        repeated = sorted({seed for seed in self.seeds if self.seeds.count(seed) > 1})
        if repeated:
            found.append(("seeds", f"{repeated[0]} is given twice; each seed trains one student"))
        if min(self.seeds) < 0:
            found.append(("seeds", f"{min(self.seeds)} is negative; seeds are 0 or more"))
        if found:
            raise problems(*found)
        return self
