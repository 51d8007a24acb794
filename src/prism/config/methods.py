"""Section ``methods``: every method is a recipe of the same parts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Section, Slug, problems
from prism.config.names import BATCHNORM_ENERGIES, Energy
from prism.config.relabelling import RelabelConfig


class GuidanceTerm(Section):
    """One energy whose gradient bends the sampling."""

    energy: Energy = Field(description="The energy that is lowered; the teacher's outputs define it.")
    scale: float = Field(
        default=0.2,
        ge=0,
        description="Length of the push, relative to the norm of the classifier-free update.",
    )
    interval: tuple[float, float] = Field(
        default=(0.3, 0.7),
        description="Guided part of the sampling, 0 <= start < stop <= 1; 0 is pure noise.",
    )
    every: int = Field(default=1, ge=1, description="Guide each so many steps of the interval.")
    hinge: float | None = Field(
        default=None, description="Energy below which an image is no longer pushed; null to push always."
    )
    temperature: float = Field(default=1.0, gt=0, description="Temperature of the energy's softmax.")
    through: Literal["clean", "noisy", "raw"] = Field(
        default="clean",
        description="Gradient by the predicted clean latent, through the U-Net, or by the noisy latent.",
    )
    decoder: Literal["full", "tiny"] = Field(
        default="tiny", description="Decoder on the gradient's way; the final image is always the full one's."
    )

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> GuidanceTerm:
        start, stop = self.interval
        if not 0 <= start < stop <= 1:
            raise problems(("interval", f"[{start:g}, {stop:g}] should be [start, stop] with 0 <= start < stop <= 1"))
        return self


class MethodConfig(Section):
    """One way to make a surrogate training set."""

    engine: Literal["diffusion", "real"] = Field(
        default="diffusion", description="Sample images, or take real ones (the upper bound, not data-free)."
    )
    prompts: Slug | None = Field(default=None, description="Name of a strategy; needed by engine diffusion alone.")
    guidance: list[GuidanceTerm] = Field(default=[], description="Terms that are added up; empty for none.")
    images_per_class: int | None = Field(
        default=None, ge=1, description="Images of each class; null for that of synthesis, which is equal for all."
    )
    relabel: RelabelConfig | None = Field(
        default=None, description="Store soft labels for every view and train on them; null asks the teacher anew."
    )
    label: str | None = Field(default=None, description="Its name in tables; null for the key.")

    @model_validator(mode="after")
    def _engine_has_its_keys(self) -> MethodConfig:
        if self.engine == "diffusion" and self.prompts is None:
            raise problems(("prompts", "missing; engine diffusion needs the name of a strategy, as class-name"))
        if self.engine == "real":
            given = (("prompts", self.prompts), ("guidance", self.guidance), ("relabel", self.relabel))
            unused = [key for key, value in given if value]
            if unused:
                raise problems(*((key, "not used by engine real; leave it out") for key in unused))
        return self

    @property
    def is_budgeted(self) -> bool:
        """Whether it is a distilled data set: of a size of its own, or with stored labels."""
        return self.images_per_class is not None or self.relabel is not None

    @property
    def needs_batchnorm(self) -> bool:
        """Whether one of its energies reads the running statistics of the teacher's BatchNorm layers."""
        return any(term.energy in BATCHNORM_ENERGIES for term in self.guidance)

    @property
    def needs_tiny_decoder(self) -> bool:
        """Whether one of its terms decodes with the small decoder."""
        return any(term.decoder == "tiny" for term in self.guidance)
