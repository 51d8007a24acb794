"""Section ``diffusion``: the text-to-image model and how it is sampled."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from prism.config.base import Section


class DiffusionConfig(Section):
    """A Stable Diffusion pipeline, its sampler and its classifier-free guidance."""

    pipeline: str = Field(
        min_length=1, description="Pipeline folder, or hub id owner/name (then `revision` is needed)."
    )
    revision: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{40}$",
        description="Commit of the hub id, 40 hex digits; null for a folder.",
    )
    tiny_decoder: Path | None = Field(
        default=None,
        description="Folder of the small decoder (AutoencoderTiny) that guidance may decode with.",
    )
    scheduler: Literal["ddim", "dpm-solver++", "pipeline"] = Field(
        default="ddim", description="The sampler; `pipeline` keeps the one that the pipeline comes with."
    )
    steps: int = Field(default=50, ge=1, le=1000, description="Sampling steps per image.")
    guidance_scale: float = Field(
        default=3.0, ge=0, le=50, description="Weight of classifier-free guidance; 1 is the model without it."
    )
    size_px: int = Field(default=512, ge=8, le=2048, multiple_of=8, description="Side of the images, in pixels.")
    batch: int = Field(
        default=8,
        ge=1,
        description="Images sampled at once; results depend on it where a method mixes or trains on batches alone.",
    )
