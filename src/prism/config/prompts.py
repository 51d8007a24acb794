"""Sections ``prompts`` and ``strategies``: who writes the prompts, and what is varied in them."""

from __future__ import annotations

import unicodedata
from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Section, problems

_PUNCTUATION = frozenset(" ,.'-&/()’")
CLEAN = "Latin letters, digits and plain punctuation"  # what a prompt may hold


def is_clean(text: str) -> bool:
    """Whether every character is a Latin letter, a digit or plain punctuation."""
    return all(
        char in _PUNCTUATION or char.isdigit() or (char.isalpha() and unicodedata.name(char, "").startswith("LATIN"))
        for char in text
    )


class PromptsConfig(Section):
    """The language model that writes contents, and the styles."""

    engine: Literal["transformers", "openai", "templates"] = Field(
        default="templates",
        description="A local or hub model, an OpenAI-compatible server, or fixed templates.",
    )
    model: str | None = Field(
        default=None,
        description="Model folder, hub id owner/name (then `revision` is needed) or the server's model name.",
    )
    revision: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{40}$",
        description="Commit of the hub id, 40 hex digits; null for a folder.",
    )
    base_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Address of the server, with engine openai."
    )
    temperature: float = Field(default=0.8, ge=0, le=2, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(default=0.9, gt=0, le=1, description="Nucleus sampling: share of the probability kept.")
    max_new_tokens: int = Field(default=256, ge=1, le=4096, description="Tokens of an answer, at most.")
    batch: int = Field(default=16, ge=1, description="Requests made at once; results do not depend on it.")
    retries: int = Field(default=3, ge=0, le=20, description="Times that a refused answer is asked for again.")
    per_class: int = Field(
        default=20,
        ge=1,
        description="Different contents written for a class; images beyond that reuse them in turn.",
    )
    styles: list[str] = Field(
        default=["sketch", "cartoon", "painting"],
        min_length=1,
        description="Styles other than photo, equally often.",
    )
    photo_share: float = Field(
        default=0.7, ge=0, le=1, description="Share of the prompts that stay photos when styles are varied."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the choices and of the language model.")

    @model_validator(mode="after")
    def _engine_has_its_keys(self) -> PromptsConfig:
        found = []
        if self.engine != "templates" and not self.model:
            found.append(("model", f"missing; engine {self.engine} needs the model to ask"))
        if self.engine == "openai" and not self.base_url:
            found.append(("base_url", "missing; engine openai needs the server's address, as http://localhost:8000/v1"))
        repeated = sorted({style for style in self.styles if self.styles.count(style) > 1})
        if repeated:
            found.append(("styles", f"{repeated[0]} is given twice"))
        odd = [style for style in self.styles if not (style.strip() and is_clean(style))]
        if odd:
            found.append(("styles", f"{odd[0]!r} should be words of {CLEAN}"))
        if "photo" in self.styles:
            found.append(("styles", "photo is not listed here; photo_share says how many prompts stay photos"))
        if found:
            raise problems(*found)
        return self


class StrategyConfig(Section):
    """What prompts of one kind vary; with all switches off a prompt is the bare class name."""

    named: bool = Field(
        default=True, description="Name the class; if not, every prompt is `a realistic photo` and nothing is varied."
    )
    senses: bool = Field(default=False, description="Add the gloss that tells which sense of the name is meant.")
    contents: bool = Field(default=False, description="Add a scene written by the engine.")
    styles: bool = Field(default=False, description="Render a part of the prompts in a style other than photo.")
    token: bool = Field(
        default=False, description="Put the class's learned token before its name (section `tokens`: DDIS's CAT)."
    )

    @property
    def diversified(self) -> bool:
        """Whether any part of a prompt is varied, so that the engine's settings matter."""
        return self.senses or self.contents or self.styles

    @model_validator(mode="after")
    def _nothing_is_said_of_no_name(self) -> StrategyConfig:
        used = [key for key in ("senses", "contents", "styles") if getattr(self, key)]
        if used and not self.named:
            raise problems(*((key, "not used by prompts without a name; leave it out") for key in used))
        return self
