"""Section ``methods``: every method is a recipe of the same parts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Section, Slug, problems
from prism.config.inversion import InversionConfig
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

    engine: Literal["diffusion", "inversion", "real"] = Field(
        default="diffusion",
        description="Sample images, optimise pixels, or take real images (the upper bound, not data-free).",
    )
    prompts: Slug | None = Field(default=None, description="Name of a strategy; needed by engine diffusion alone.")
    guidance: list[GuidanceTerm] = Field(default=[], description="Terms that are added up; empty for none.")
    images_per_class: int | None = Field(
        default=None, ge=1, description="Images of each class; null for that of synthesis, which is equal for all."
    )
    relabel: RelabelConfig | None = Field(
        default=None, description="Store soft labels for every view and train on them; null asks the teacher anew."
    )
    inversion: InversionConfig | None = Field(
        default=None, description="Objective and optimiser; needed by engine inversion alone."
    )
    label: str | None = Field(default=None, description="Its name in tables; null for the key.")

    @model_validator(mode="after")
    def _engine_has_its_keys(self) -> MethodConfig:
        if self.engine == "diffusion" and self.prompts is None:
            raise problems(("prompts", "missing; engine diffusion needs the name of a strategy, as class-name"))
        if self.engine == "inversion" and self.inversion is None:
            raise problems(("inversion", "missing; engine inversion needs the section of objective and optimiser"))
        unused = []
        if self.engine != "diffusion":
            unused += [key for key, value in (("prompts", self.prompts), ("guidance", self.guidance)) if value]
        if self.engine != "inversion" and self.inversion is not None:
            unused.append("inversion")
        if self.engine == "real" and self.relabel is not None:
            unused.append("relabel")
        if unused:
            raise problems(*((key, f"not used by engine {self.engine}; leave it out") for key in unused))
        return self

    @property
    def is_budgeted(self) -> bool:
        """Whether it is a distilled data set: of a size of its own, or with stored labels."""
        return self.images_per_class is not None or self.relabel is not None

    @property
    def needs_batchnorm(self) -> bool:
        """Whether it reads the running statistics of the teacher's BatchNorm layers."""
        if self.inversion is not None and self.inversion.needs_batch_statistics:
            return True
        return any(term.energy in BATCHNORM_ENERGIES for term in self.guidance)

    @property
    def uses_teachers(self) -> bool:
        """Whether it uses the further teachers of the section ``teachers``."""
        return self.inversion is not None and self.inversion.teachers != "primary"

    @property
    def data_free(self) -> bool:
        """Whether no real image has a part in its images."""
        return self.engine != "real" and (self.inversion is None or self.inversion.data_free)

    @property
    def needs_tiny_decoder(self) -> bool:
        """Whether one of its terms decodes with the small decoder."""
        return any(term.decoder == "tiny" for term in self.guidance)
