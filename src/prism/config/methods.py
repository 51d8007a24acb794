"""Section ``methods``: every method is a recipe of the same parts."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Architecture, Problem, Section, Slug, problems
from prism.config.energies import EnergyFacts, EnergyName, energy_facts
from prism.config.inversion import InversionConfig
from prism.config.relabelling import RelabelConfig

# A variance of n independent samples is known to sqrt(2 / (n - 1)) of itself: 37 % at 16, more than half below 8.
# Positions of one image depend on each other, so images are what counts.
FEWEST_FOR_BATCH_STATISTICS = 16


class GuidanceTerm(Section):
    """One energy whose gradient bends the sampling."""

    energy: EnergyName = Field(
        description="The energy that is lowered, by name, or one of your own as <file>.py:<name> (docs/extend.md)."
    )
    scale: float = Field(
        default=0.2,
        ge=0,
        description="Length of the push, relative to the norm of the classifier-free update; with step absolute the "
        "factor of the gradient.",
    )
    interval: tuple[float, float] = Field(
        default=(0.3, 0.7),
        description="Guided part of the sampling, 0 <= start < stop <= 1; 0 is pure noise.",
    )
    every: int = Field(default=1, ge=1, description="Guide each so many steps, counted from the first of the sampling.")
    last_step: bool = Field(
        default=True, description="Whether the last step of the sampling is guided too, where the interval has it."
    )
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

    step: Literal["relative", "absolute"] = Field(
        default="relative",
        description="A push of that length whatever the gradient's, or scale times the gradient, as published.",
    )
    moves: Literal["clean", "noisy"] = Field(
        default="clean",
        description="What is pushed: the predicted clean latent, or the noisy one before the U-Net sees it.",
    )
    statistics: Literal["image", "batch"] = Field(
        default="image",
        description="With energy batch-norm: statistics of each image over space, or of the batch; images then depend "
        "on diffusion.batch, of at least 16.",
    )
    first_weight: float = Field(
        default=1.0, ge=0, description="With energy batch-norm: weight of the teacher's first BatchNorm layer."
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> GuidanceTerm:
        found: list[Problem] = []
        start, stop = self.interval
        if not 0 <= start < stop <= 1:
            found.append(("interval", f"[{start:g}, {stop:g}] should be [start, stop] with 0 <= start < stop <= 1"))
        if not self.facts.statistics:
            for key in ("statistics", "first_weight"):
                if getattr(self, key) != type(self).model_fields[key].default:
                    found.append((key, f"not used by energy {self.energy}; leave it out"))
        if found:
            raise problems(*found)
        return self

    @cached_property
    def facts(self) -> EnergyFacts:
        """What the energy reads, and the hash of a file of the user's own as it was when the configuration was read."""
        return energy_facts(self.energy)


class CutMixConfig(Section):
    """Latent CutMix: boxes exchanged between the latents of a batch; images then depend on `diffusion.batch`."""

    every: int = Field(ge=1, description="Mix after each so many steps, never before the first or the last.")
    alpha: float = Field(default=1.0, gt=0, description="Parameter of the Beta distribution of the area.")
    partners: Literal["same-class", "any"] = Field(
        default="same-class",
        description="Exchange within a class, so that labels stay true, or within any pair of the batch, labels mixed "
        "by area.",
    )


class SelectConfig(Section):
    """Draw more images than are kept."""

    draw: float = Field(ge=1, le=100, description="Images drawn for each that is kept.")
    by: Literal["energy", "confidence"] = Field(
        default="energy",
        description="Keep those of lowest free energy or highest teacher confidence, rightly predicted ones first.",
    )


class InterleavedStudentConfig(Section):
    """The student that the adversarial energy asks, trained on the images so far between the rounds of a shard."""

    architecture: Architecture = Field(description="Untrained network, as in section students.")
    every: int = Field(default=10, ge=1, description="Train it after each so many images per class of a shard.")
    start: int = Field(default=20, ge=1, description="Images per class of a shard before the adversarial energy acts.")
    epochs: int = Field(default=20, ge=1, description="Passes over the images so far, each time.")
    batch: int = Field(default=128, ge=2, description="Images in a step of its optimizer.")
    learning_rate: float = Field(default=0.1, gt=0, description="Largest learning rate; falls to 0.0002 by a cosine.")
    warmup_epochs: int = Field(default=5, ge=0, description="Epochs in which the learning rate rises linearly.")
    weight_decay: float = Field(default=0.0005, ge=0, description="Weight decay of its optimizer.")
    temperature: float = Field(default=30.0, gt=0, description="Temperature of the teacher's soft labels.")

    @model_validator(mode="after")
    def _warmup_ends(self) -> InterleavedStudentConfig:
        if self.warmup_epochs >= self.epochs:
            raise problems(("warmup_epochs", f"{self.warmup_epochs} should be smaller than epochs={self.epochs}"))
        return self


class MethodConfig(Section):
    """One way to make a surrogate training set."""

    engine: Literal["diffusion", "inversion", "real"] = Field(
        default="diffusion",
        description="Sample images, optimise pixels, or take real images (the upper bound, not data-free).",
    )
    prompts: Slug | None = Field(default=None, description="Name of a strategy; needed by engine diffusion alone.")
    guidance: list[GuidanceTerm] = Field(default=[], description="Terms that are added up; empty for none.")
    cutmix: CutMixConfig | None = Field(default=None, description="Latent CutMix while sampling; null for none.")
    select: SelectConfig | None = Field(default=None, description="Draw more, keep the best; null to keep all.")
    student: InterleavedStudentConfig | None = Field(
        default=None, description="Interleaved student; needed by energy adversarial alone."
    )
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
            keys = ("prompts", "guidance", "cutmix", "select", "student")
            unused += [key for key in keys if getattr(self, key)]
        if self.engine != "inversion" and self.inversion is not None:
            unused.append("inversion")
        if self.engine == "real" and self.relabel is not None:
            unused.append("relabel")
        if unused:
            raise problems(*((key, f"not used by engine {self.engine}; leave it out") for key in unused))
        return self

    @model_validator(mode="after")
    def _student_has_its_use(self) -> MethodConfig:
        asked = next((term.energy for term in self.guidance if term.facts.student), None)
        if asked and self.student is None:
            raise problems(("student", f"missing; energy {asked} needs an interleaved student"))
        if self.student is not None and not asked:
            raise problems(("student", "not used without energy adversarial; leave it out"))
        if self.student is not None and self.select is not None:
            raise problems(("select", "cannot be combined with an interleaved student; leave one of them out"))
        return self

    @model_validator(mode="after")
    def _stored_labels_know_both_classes(self) -> MethodConfig:
        mixed = self.cutmix is not None and self.cutmix.partners == "any"
        if mixed and self.relabel is not None and self.relabel.training.hard_weight > 0:
            what = "needs images of one class, which cutmix.partners: any does not leave; set it to 0"
            raise problems(("relabel.training.hard_weight", f"{self.relabel.training.hard_weight:g} {what}"))
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
        return any(term.facts.statistics for term in self.guidance)

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

    @property
    def needs_batches(self) -> bool:
        """Whether its images depend on which others are in their batch, so that `diffusion.batch` counts."""
        of_batch = any(term.facts.statistics and term.statistics == "batch" for term in self.guidance)
        return of_batch or self.cutmix is not None or self.student is not None
