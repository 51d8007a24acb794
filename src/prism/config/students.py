"""Section ``students``: the small networks that learn from the synthetic images."""

from __future__ import annotations

from pydantic import Field

from prism.config.base import Architecture, Section


class StudentConfig(Section):
    """One student; the key of the section is its name in paths and tables."""

    architecture: Architecture = Field(
        description="Untrained network: one of this project's, or timm:<name> or torchvision:<name>."
    )
    label: str | None = Field(default=None, description="Its name in tables; null for the key.")
