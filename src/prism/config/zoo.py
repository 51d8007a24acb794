"""Section ``zoo``: the pretrained models that the target ``zoo`` trains from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import ImageSpec, Problem, Section, problems

_WORLD_SIZE_PX = 32
_DRAWN = ("world:", "corruption:")


class ZooStepsConfig(Section):
    """Training steps of the parts of the text-to-image model; null for those that the shipped ones were made with."""

    autoencoder: int | None = Field(default=None, ge=1, description="Steps of the autoencoder.")
    decoder: int | None = Field(
        default=None, ge=1, description="Further steps of its decoder alone, the latents being fixed."
    )
    tiny: int | None = Field(default=None, ge=1, description="Steps of the tiny decoder.")
    text_to_image: int | None = Field(default=None, ge=1, description="Steps of text encoder and U-Net.")


class ZooConfig(Section):
    """What the models of the zoo learn from, and for how long; results go to results/zoo/<experiment>."""

    kind: Literal["miniature", "photographs"] = Field(
        default="miniature",
        description="All models of the drawn world, or a text-to-image model of photographs with class names.",
    )
    images: list[ImageSpec] = Field(
        default_factory=list,
        description="Photographs: folders, or archives as path.zip!inner/prefix, one folder a class.",
    )
    classes: Path | None = Field(
        default=None,
        description="JSON list of the photographs' classes: wnid (the folder), clip_name, words, gloss.",
    )
    size_px: int = Field(
        default=_WORLD_SIZE_PX, ge=16, le=128, multiple_of=8, description="Side of the images, in pixels."
    )
    steps: ZooStepsConfig = Field(default_factory=ZooStepsConfig, description="How long each part is trained.")
    batch: int = Field(default=128, ge=1, description="Latents in a training step of the text-to-image model.")
    autoencoder_batch: int = Field(
        default=64, ge=1, description="Images in a training step of the autoencoder and of the tiny decoder."
    )
    latent_channels: int = Field(
        default=4, ge=1, le=32, description="Channels of the latents, whose side is a quarter of the images'."
    )
    seed: int = Field(default=0, ge=0, description="Seed of weights, batches and noise.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> ZooConfig:
        found: list[Problem] = []
        if self.kind == "photographs":
            if not self.images:
                found.append(("images", "missing; kind photographs needs folders or archives of images"))
            if self.classes is None:
                found.append(("classes", "missing; kind photographs needs the names and glosses of the classes"))
            found += [
                (f"images[{place}]", f"{images} is drawn; photographs are a folder or an archive")
                for place, images in enumerate(self.images)
                if images.startswith(_DRAWN)
            ]
        else:
            if self.images:
                found.append(("images", "given, but kind miniature draws its own; use kind: photographs"))
            if self.size_px != _WORLD_SIZE_PX:
                found.append(("size_px", f"{self.size_px}, but the miniature's world is {_WORLD_SIZE_PX} px"))
        if found:
            raise problems(*found)
        return self
