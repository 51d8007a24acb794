"""How many steps images went through, read from the manifests of what made them.

A step is one of the sampler or one of the optimizer that images are made by. Steps of one method are not as dear as
those of another, but within a method they are what its time goes into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PER_IMAGE, TOGETHER = "iterations_per_image", "iterations"


def iterations_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """``iterations_per_image`` of a synthesis, ``iterations`` of what all images share; as far as a manifest tells.

    An inversion states its own. Of a sampler the steps count, for each image that was drawn, kept or not; of learned
    tokens the sampler's steps of all images that were drawn to learn them.
    """
    details, recipe = content.get("details") or {}, content.get("recipe") or {}
    if details.get(PER_IMAGE) is not None:
        return {PER_IMAGE: details[PER_IMAGE]}
    diffusion, tokens = recipe.get("diffusion"), recipe.get("tokens")
    if not isinstance(diffusion, dict) or "steps" not in diffusion:
        return {}
    if content["stage"] == "synthesis":
        drawn = details["candidates"] / details["kept"] if "candidates" in details and details.get("kept") else 1
        return {PER_IMAGE: diffusion["steps"] * drawn}
    if content["stage"] == "tokens" and isinstance(tokens, dict) and "images" in tokens and "classes" in details:
        return {TOGETHER: sum(one["epochs"] for one in details["classes"]) * tokens["images"] * diffusion["steps"]}
    return {}
