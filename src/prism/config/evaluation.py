"""Section ``evaluation``: how the synthetic images are measured."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from prism.config.base import Architecture, ExtractorKind, ImageSpec, Section, problems

Channels = tuple[float, float, float]


class ExtractorConfig(Section):
    """The feature network of the image metrics."""

    kind: ExtractorKind = Field(
        default="inception",
        description="miniature, classifier (any, by file), inception (for FID), timm:<name>, torchvision:<name>.",
    )
    weights: Path | None = Field(default=None, description="Its weights; null for those that the kind comes with.")
    architecture: Architecture | None = Field(
        default=None,
        description="Network of kind classifier; null, as for the next three, if the file of weights says it.",
    )
    mean: Channels | None = Field(
        default=None, description="Mean per channel that a classifier is used to, of images in [0, 1]."
    )
    std: Channels | None = Field(default=None, description="Standard deviation per channel; above 0.")
    size_px: int | None = Field(default=None, ge=8, le=2048, description="Side of a classifier's input, in pixels.")

    @model_validator(mode="after")
    def _classifier_is_named(self) -> ExtractorConfig:
        if self.kind == "classifier" and self.weights is None:
            raise problems(("weights", "missing; kind classifier needs the file of a trained one"))
        if self.std is not None and min(self.std) <= 0:
            raise problems(("std", f"{list(self.std)} has a value that is not above 0"))
        return self


class EvaluationConfig(Section):
    """Metrics of synthetic images against real ones; nothing measured here flows back."""

    extractor: ExtractorConfig = Field(default_factory=ExtractorConfig, description="The feature network.")
    reference: ImageSpec = Field(
        description="Real test images: world:<domain>, a folder, or an archive as path.zip!inner/prefix."
    )
    reference_per_class: int | None = Field(
        default=None,
        ge=2,
        description="Real images of each class; null for all (world: as many as synthetic ones).",
    )
    k: int = Field(default=3, ge=1, description="Neighbours in precision, recall, density and coverage.")
    kid_subsets: int = Field(default=100, ge=1, description="Subsets over which KID is averaged.")
    kid_subset_size: int = Field(default=1000, ge=2, description="Images in each subset of KID.")
    oracle: Path | None = Field(
        default=None,
        description="The miniature's network that names sense, style, context and colour; null for none.",
    )
    batch: int = Field(default=64, ge=1, description="Images in a pass; results do not depend on it.")
