"""Section ``evaluation``: how the synthetic images are measured."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from prism.config.base import ExtractorKind, ImageSpec, Section


class ExtractorConfig(Section):
    """The feature network of the image metrics."""

    kind: ExtractorKind = Field(
        default="inception", description="miniature, inception (for FID), timm:<name> or torchvision:<name>."
    )
    weights: Path | None = Field(
        default=None, description="Its weights; null for those that the kind comes with."
    )


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
