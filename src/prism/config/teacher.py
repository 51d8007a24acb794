"""Section ``teacher``: the classifier whose training data is gone."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from prism.config.base import Architecture, Section, problems


class TeacherConfig(Section):
    """A trained classifier and what it expects of its input."""

    architecture: Architecture = Field(
        description="Name of a network of this project, or timm:<name> or torchvision:<name>."
    )
    weights: Path = Field(description="The checkpoint: a .safetensors file, or a torch file of tensors alone.")
    classes: Path | None = Field(
        default=None,
        description="Class list that the teacher was trained with; refused if its order is not that of `classes`.",
    )
    mean: tuple[float, float, float] = Field(
        default=(0.485, 0.456, 0.406), description="Mean per channel that is subtracted, of images in [0, 1]."
    )
    std: tuple[float, float, float] = Field(
        default=(0.229, 0.224, 0.225),
        description="Standard deviation per channel, of images in [0, 1]; above 0.",
    )
    size_px: int = Field(default=224, ge=8, le=2048, description="Side of the square input, in pixels.")

    @model_validator(mode="after")
    def _spread_is_positive(self) -> TeacherConfig:
        if min(self.std) <= 0:
            raise problems(("std", f"{list(self.std)} has a value that is not above 0"))
        if max(self.mean) > 1:
            raise problems(("mean", f"{list(self.mean)} is not of images in [0, 1]; divide it and std by 255"))
        return self
