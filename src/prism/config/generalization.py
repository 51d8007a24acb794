"""Section ``generalization``: the domains on which students are tested."""

from __future__ import annotations

from pydantic import Field

from prism.config.base import ImageSpec, Section, Slug


class GeneralizationConfig(Section):
    """Test images by domain, read at the end of everything."""

    domains: dict[Slug, ImageSpec] = Field(
        min_length=1,
        description="Images: world:<domain>, a folder, path.zip!inner/prefix, corruption:<kind>:<severity>.",
    )
    per_class: int | None = Field(
        default=None, ge=1, description="Test images of each class and domain; null for all (world: 100)."
    )
    batch: int = Field(default=256, ge=1, description="Images in a pass; results do not depend on it.")
