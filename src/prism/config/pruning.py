"""Section ``pruning``: the teacher itself made small, and healed on a method's images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Section, Slug, problems


class PruningConfig(Section):
    """What is removed, and how what is left is fine-tuned by distillation from the whole teacher."""

    sparsities: list[float] = Field(
        default=[0.5, 0.6, 0.7, 0.8, 0.9],
        min_length=1,
        description="Shares that are removed from each layer, in (0, 1), at most two digits; one network for each.",
    )
    kind: Literal["structured", "unstructured"] = Field(
        default="structured", description="Remove whole filters, or single weights; those of least L1 norm."
    )
    methods: list[Slug] | None = Field(
        default=None, description="Methods on whose images networks are fine-tuned; null for all of `run`."
    )
    seeds: list[int] | None = Field(
        default=None, min_length=1, description="Seeds of the fine-tuning; null for those of distillation."
    )
    epochs: int = Field(default=20, ge=1, description="Passes over the images.")
    batch: int = Field(default=64, ge=2, description="Images in a step of the optimizer; results depend on it.")
    learning_rate: float = Field(default=0.01, gt=0, description="First learning rate; it falls to 0 by a cosine.")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Momentum of SGD.")
    weight_decay: float = Field(default=1e-4, ge=0, description="Weight decay.")
    temperature: float = Field(default=4.0, gt=0, description="Temperature of the soft labels.")
    crop_padding: float = Field(
        default=0.125,
        ge=0,
        le=0.5,
        description="Images are shifted by up to this share of their side, borders mirrored; 0 for no shift.",
    )
    flip: bool = Field(default=False, description="Mirror half of the images left to right.")

    @model_validator(mode="after")
    def _shares_and_names_are_sound(self) -> PruningConfig:
        found = []
        wrong = [value for value in self.sparsities if not 0 < value < 1 or round(value, 2) != value]
        if wrong:
            found.append(("sparsities", f"{wrong[0]:g} should be above 0, below 1, and have at most two digits"))
        for key, values in (("sparsities", self.sparsities), ("seeds", self.seeds), ("methods", self.methods)):
            repeated = [value for value in values or [] if (values or []).count(value) > 1]
            if repeated:
                found.append((key, f"{repeated[0]} is given twice"))
        if min(self.seeds or [0]) < 0:
            found.append(("seeds", f"{min(self.seeds or [0])} is negative; seeds are 0 or more"))
        if found:
            raise problems(*found)
        return self
