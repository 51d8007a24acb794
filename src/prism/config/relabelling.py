"""Key ``relabel`` of a method: soft labels stored for every view of every epoch, and how a student learns from them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Architecture, Section, problems


class LabelTeacher(Section):
    """A further teacher of an ensemble; what it does not say is as for the experiment's teacher."""

    architecture: Architecture = Field(description="Name of a network of this project, or timm: or torchvision:<name>.")
    weights: Path = Field(description="The checkpoint: a .safetensors file, or a torch file of tensors alone.")
    classes: Path | None = Field(
        default=None, description="Class list in the order of its outputs; null if it is that of `classes`."
    )
    mean: tuple[float, float, float] | None = Field(
        default=None, description="Mean per channel that is subtracted, of images in [0, 1]; null: the teacher's."
    )
    std: tuple[float, float, float] | None = Field(
        default=None, description="Standard deviation per channel, above 0; null: the teacher's."
    )
    size_px: int | None = Field(
        default=None, ge=8, le=2048, description="Side of its square input, in pixels; null: the teacher's."
    )

    @model_validator(mode="after")
    def _spread_is_positive(self) -> LabelTeacher:
        if self.std is not None and min(self.std) <= 0:
            raise problems(("std", f"{list(self.std)} has a value that is not above 0"))
        return self


class LabelTraining(Section):
    """How a student learns from stored labels; null takes what the section ``distillation`` says."""

    loss: Literal["kl", "mse"] = Field(
        default="kl", description="Divergence of the softened answers (SRe2L), or squared error of the logits (G-VBSM)."
    )
    temperature: float = Field(default=20.0, gt=0, description="Temperature of the divergence, with kl.")
    temperature_squared: bool = Field(
        default=True, description="Multiply the divergence by T squared; SRe2L's released code leaves it out."
    )
    hard_weight: float = Field(
        default=0.0, ge=0, description="Weight of the cross-entropy with the classes, beside the soft labels."
    )
    epochs: int | None = Field(default=None, ge=1, description="Passes over the images.")
    batch: int | None = Field(default=None, ge=2, description="Images in a step; results depend on it.")
    optimizer: Literal["sgd", "adamw"] | None = Field(default=None, description="The optimizer.")
    learning_rate: float | None = Field(default=None, gt=0, description="Largest learning rate of the schedule.")
    weight_decay: float | None = Field(default=None, ge=0, description="Weight decay.")
    momentum: float | None = Field(default=None, ge=0, lt=1, description="Momentum, with sgd.")
    schedule: Literal["cosine", "step"] | None = Field(default=None, description="Schedule of the learning rate.")
    warmup_epochs: int | None = Field(default=None, ge=0, description="Epochs in which the learning rate rises.")


class RelabelConfig(Section):
    """Soft labels as FKD stores them: one for each view, a random part of an image with a patch of another."""

    teachers: list[LabelTeacher] = Field(
        default=[], description="Teachers beside the experiment's own; all logits at equal norm are averaged."
    )
    further_teachers: bool = Field(
        default=False, description="Also the further teachers of the section `teachers`, before those named here."
    )
    epochs: int | None = Field(
        default=None, ge=1, description="Epochs with labels of their own; fewer come round again; null: one for each."
    )
    crop_scale: tuple[float, float] = Field(
        default=(0.08, 1.0), description="Smallest and largest share of the area that a view shows, in (0, 1]."
    )
    flip: bool = Field(default=True, description="Mirror half of the views left to right.")
    cutmix: float = Field(default=1.0, ge=0, description="Parameter of CutMix's Beta distribution; 0 for none.")
    batch: int = Field(default=256, ge=1, description="Views labelled at once; labels depend on it by rounding alone.")
    training: LabelTraining = Field(
        default_factory=LabelTraining, description="How a student learns from the labels; no label depends on it."
    )

    @model_validator(mode="after")
    def _scale_is_ordered(self) -> RelabelConfig:
        low, high = self.crop_scale
        if not 0 < low <= high <= 1:
            message = f"[{low:g}, {high:g}] should be [smallest, largest] with both in (0, 1]"
            raise problems(("crop_scale", message))
        return self
