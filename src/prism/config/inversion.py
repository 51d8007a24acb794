"""Section ``methods.<name>.inversion``: images made by optimising pixels against frozen classifiers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from prism.config.base import Architecture, Problem, Section, Slug, problems
from prism.config.names import hint

if TYPE_CHECKING:
    from prism.config.model import Config

SMALLEST_BATCH = 8  # images below which mean and variance of a batch say little of a data set: ours


class AdaptiveConfig(Section):
    """Adaptive DeepInversion: images on which the teacher and a student disagree."""

    weight: float = Field(default=0.2, ge=0, description="Weight of 1 - JS(student, teacher); 0.2 is the paper's.")
    js: Literal["jensen-shannon", "released"] = Field(
        default="jensen-shannon",
        description="The divergence of the paper, or the released code's: reversed, probabilities cut to [0.01, 0.99].",
    )
    temperature: float = Field(default=3.0, gt=0, description="Temperature of both softmaxes.")
    images: Slug = Field(description="Method on whose images the student is trained beforehand; it must be run too.")
    student: Architecture = Field(description="Architecture of that student.")
    steps: int = Field(default=600, ge=1, description="Steps of the student's training, with Adam.")
    batch: int = Field(default=64, ge=2, description="Images in a step of the student's training.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Largest learning rate of the student's training.")


class GrowthConfig(Section):
    """Plug-In Inversion: images that grow, and what each is shown as."""

    steps: int = Field(
        default=8, ge=2, description="The side grows by 1/steps of the whole, from 2/steps to all of it."
    )
    border: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a growth that is a fresh random border (centring); the rest enlarges (zoom).",
    )
    repeat: int = Field(default=8, ge=1, description="Copies of each image in a pass, each with a colour shift.")
    colour_shift: float = Field(
        default=1.0, ge=0, description="A copy is x exp(u1) + u2; both uniform in -colour_shift to colour_shift."
    )


class InversionConfig(Section):
    """Objective, teachers and optimiser of an inversion; see docs/methods/inversion.md."""

    batch: int = Field(default=64, ge=1, description="Images optimised together, at most; results depend on it.")
    classes_per_batch: int | None = Field(
        default=None, ge=1, description="Classes in a batch, at most; null mixes all that a batch has room for."
    )
    iterations: int = Field(default=2000, ge=1, description="Steps at full resolution (of each stage of a growth).")
    coarse_iterations: int = Field(
        default=0, ge=0, description="Steps before them in which teachers see the image at half resolution."
    )
    learning_rate: float = Field(default=0.1, gt=0, description="Largest learning rate of Adam, in pixels' units.")
    betas: tuple[float, float] = Field(default=(0.5, 0.9), description="Decay rates of Adam's moments, in [0, 1).")
    schedule: Literal["cosine", "constant"] = Field(default="cosine", description="Learning rate over the steps.")
    warmup: int = Field(default=0, ge=0, description="Steps in which the learning rate rises linearly.")
    early_late: int = Field(
        default=1,
        ge=1,
        description="Levels n: one batch after another takes 1, (n-1)/n, ... 1/n of the steps; 1 for all of them.",
    )
    pixels: Literal["normalised", "unit"] = Field(
        default="normalised", description="Optimise pixels as the teacher normalises them, or in [0, 1]."
    )
    init: Literal["noise", "real"] = Field(
        default="noise", description="Start from noise, or from real training images (then not data-free)."
    )
    clip: bool = Field(default=True, description="Cut pixels to the valid range of colours after each step.")
    jitter_px: int = Field(default=0, ge=0, description="Roll by up to so many pixels both ways, at full resolution.")
    flip: bool = Field(default=False, description="Mirror the whole batch in half of the steps.")
    crop_scale: tuple[float, float] | None = Field(
        default=None, description="Share of the area that a random resized crop keeps, [least, most]; null for none."
    )
    cross_entropy: float = Field(default=1.0, ge=0, description="Weight of the teacher's cross-entropy.")
    batch_norm: float = Field(default=0.0, ge=0, description="Weight of the distance of BatchNorm statistics.")
    first_layer: float = Field(default=10.0, ge=0, description="Weight of the first layer within that distance.")
    tv_l1: float = Field(default=0.0, ge=0, description="Weight of the total variation, mean of magnitudes.")
    tv_l2: float = Field(default=0.0, ge=0, description="Weight of the total variation, norm over the batch.")
    l2: float = Field(default=0.0, ge=0, description="Weight of the mean norm of an image.")
    statistics: Literal["running", "real"] = Field(
        default="running",
        description="Compare with BatchNorm's running statistics, or also those of convolutions' inputs on real images"
        " (then not data-free).",
    )
    patch_px: int | None = Field(
        default=None,
        ge=2,
        description="With statistics real: compare mean and variance of each square of so many places of convolutions'"
        " inputs too; G-VBSM's code has 16 at 224 px, 4 at 32 px. null for none.",
    )
    average: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the past in the statistics that are compared; 0 for none."
    )
    densification: float = Field(default=0.0, ge=0, description="Weight of data densification within a class.")
    densification_temperature: float = Field(default=4.0, gt=0, description="Temperature of its target.")
    teachers: Literal["primary", "rotate", "subset"] = Field(
        default="primary",
        description="`teacher` alone; one after another of it and `teachers`; or its logits with the statistics of"
        " a random subset.",
    )
    teachers_drawn: Literal["once", "anew"] = Field(
        default="once", description="The subset is drawn once for a batch, or anew in each step."
    )
    adaptive: AdaptiveConfig | None = Field(default=None, description="Competition with a student; null for none.")
    growth: GrowthConfig | None = Field(default=None, description="Images that grow; null for none.")

    @model_validator(mode="after")
    def _is_consistent(self) -> InversionConfig:
        found: list[Problem] = []
        if not all(0 <= beta < 1 for beta in self.betas):
            found.append(("betas", f"{list(self.betas)} should be two numbers in [0, 1)"))
        if self.crop_scale is not None and not 0 < self.crop_scale[0] <= self.crop_scale[1] <= 1:
            found.append(("crop_scale", f"{list(self.crop_scale)} should be [least, most] with both in (0, 1]"))
        if self.warmup >= self.iterations // self.early_late:
            shortest = self.iterations // self.early_late
            found.append(("warmup", f"{self.warmup} should be smaller than the {shortest} steps of the shortest batch"))
        if self.statistics == "real" and not self.batch_norm:
            found.append(("statistics", "real, but batch_norm is 0, so that nothing is compared; give it a weight"))
        if self.patch_px is not None and self.statistics != "real":
            found.append(("patch_px", f"{self.patch_px}, but only statistics: real compares patches; leave it out"))
        if self.patch_px is not None and self.coarse_iterations:
            found.append(
                ("coarse_iterations", "images at half resolution have fewer patches than the real ones; use 0")
            )
        if self.needs_batch_statistics and self.batch < SMALLEST_BATCH:
            found.append(
                ("batch", f"{self.batch} images are too few for batch statistics; {SMALLEST_BATCH} are needed")
            )
        if self.growth is not None and self.coarse_iterations:
            found.append(("coarse_iterations", "not used by images that grow; leave it out"))
        if self.growth is not None and self.init == "real":
            found.append(("init", "real, but images that grow start from noise; use init: noise"))
        if found:
            raise problems(*found)
        return self

    @property
    def needs_batch_statistics(self) -> bool:
        """Whether mean and variance over a batch are compared with those of the training data."""
        return self.batch_norm > 0

    @property
    def data_free(self) -> bool:
        """Whether no real image has a part in it."""
        return self.init != "real" and self.statistics != "real"


def smallest_batch(images: int, batch: int, groups: int = 1) -> int:
    """Size of the smallest batch when ``images`` are cut evenly into batches of at most ``batch``.

    ``groups`` > 1 are parts of ``images`` that share no batch, as equal as can be.
    """
    part = max(1, images // groups)
    return part // -(-part // batch)


def inversion_problems(config: Config) -> list[Problem]:
    """What is wrong between the methods of engine inversion that are run and the rest of the configuration."""
    found: list[Problem] = []
    for name in config.run:
        method = config.methods.get(name)
        if method is None or method.inversion is None:
            continue
        key, settings = f"methods.{name}.inversion", method.inversion
        if settings.teachers != "primary" and not config.teachers:
            found.append((f"{key}.teachers", f"{settings.teachers}, but `teachers` names no further teacher"))
        if settings.adaptive is None:
            continue
        source = settings.adaptive.images
        other = config.methods.get(source)
        if other is None:
            found.append((f"{key}.adaptive.images", f"{source} is not a method; {hint(source, config.methods)}"))
        elif source not in config.run:
            found.append((f"{key}.adaptive.images", f"{source} is not in run; add it, as its images are needed"))
        elif not other.data_free:
            found.append((f"{key}.adaptive.images", f"{source} is not data-free; the student needs synthetic images"))
        elif other.inversion is not None and other.inversion.adaptive is not None:
            found.append((f"{key}.adaptive.images", f"{source} needs a student itself; name a method without one"))
    return found


def batch_problems(config: Config, classes: int, methods: Iterable[str] | None = None) -> list[Problem]:
    """Methods whose shards are too small for the batch statistics that they compare, with the number needed."""
    found: list[Problem] = []
    for name in methods or config.run:
        method = config.methods.get(name)
        if method is None or method.inversion is None or not method.inversion.needs_batch_statistics:
            continue
        settings, shards, of_class = method.inversion, config.shards(name), config.images_per_class(name)
        groups = 1 if settings.classes_per_batch is None else -(-classes // settings.classes_per_batch)

        def least(of_shard: int, batch: int = settings.batch, groups: int = groups) -> int:
            return smallest_batch(classes * of_shard, batch, groups)

        if least(of_class // shards) >= SMALLEST_BATCH:
            continue
        fewer = [n for n in range(1, shards) if of_class % n == 0 and least(of_class // n) >= SMALLEST_BATCH]
        more = [n for n in range(1, SMALLEST_BATCH * groups + 1) if least(n) >= SMALLEST_BATCH]
        place = "synthesis" if method.images_per_class is None else f"methods.{name}"
        remedy = f"synthesis.shards={max(fewer)}" if fewer else f"{place}.images_per_class={shards * more[0]}"
        found.append(
            (
                f"methods.{name}.inversion.batch",
                f"a batch has only {least(of_class // shards)} images, but batch statistics need {SMALLEST_BATCH}; "
                f"{remedy} would do",
            )
        )
    return found
