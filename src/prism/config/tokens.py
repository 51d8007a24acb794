"""Section ``tokens``: how the pseudo-words of strategies with ``token`` are learned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Section, problems


class TokensConfig(Section):
    """Class alignment tokens; the defaults are those of DDIS's released code."""

    optimizer: Literal["adamw", "adam"] = Field(
        default="adamw", description="adamw in the released code, adam in the paper, then with learning_rate 0.005."
    )
    learning_rate: float = Field(default=1e-4, gt=0, description="Step size; constant.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay, of adamw alone.")
    epochs: int = Field(default=15, ge=1, le=10_000, description="Epochs of a class, at most; 30 in the paper.")
    images: int = Field(default=10, ge=1, description="Images of each class in an epoch, the same noises in each.")
    accumulate: int = Field(
        default=10, ge=1, description="Images whose gradients make one update; divides images. 20 in the paper."
    )
    clamp: float | None = Field(
        default=0.1, gt=0, description="Largest absolute value of an embedding's entry, after an update; null for any."
    )
    stop_above: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="A class is finished when the teacher agrees with more than this share of an epoch's images.",
    )
    initial: str = Field(default="a", min_length=1, description="The word that all start from; one token.")
    decoder: Literal["full", "tiny"] = Field(default="full", description="Decoder on the gradient's way.")
    batch: int = Field(
        default=8, ge=1, description="Images drawn at once, of several classes; results do not depend on it."
    )

    @model_validator(mode="after")
    def _updates_are_whole(self) -> TokensConfig:
        if self.images % self.accumulate:
            raise problems(("accumulate", f"{self.accumulate} does not divide images={self.images}"))
        return self
