"""Section ``synthesis``: how many images, and in how many files."""

from __future__ import annotations

from pydantic import Field, model_validator

from prism.config.base import ImageSpec, Section, problems


class SynthesisConfig(Section):
    """The size of a surrogate training set; equal for all methods, so that they are compared fairly."""

    images_per_class: int = Field(ge=1, description="Images of each class.")
    # Three files of a shard lie in one folder, its log, record and events: never more than 10,000 together.
    shards: int = Field(default=1, ge=1, le=3_000, description="Files (and jobs) per method; divides images_per_class.")
    real: ImageSpec | None = Field(
        default=None,
        description="Real training images for the upper bound, engine real, and for methods labelled as not data-free.",
    )

    @model_validator(mode="after")
    def _shards_are_equal(self) -> SynthesisConfig:
        images, shards = self.images_per_class, self.shards
        if images % shards:
            below, above = images // shards * shards, (images // shards + 1) * shards
            right = f"{below} or {above}" if below else str(above)
            raise problems(("shards", f"{shards} does not divide images_per_class={images}; {right} images would do"))
        return self
