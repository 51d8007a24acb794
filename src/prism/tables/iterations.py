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

    What its details state under these names comes first, else its recipe tells: the sampler's steps, the optimizer's
    (mean over the levels of an early/late schedule; each size of a growing image by itself), or for learned tokens
    the sampler's steps of all images that were drawn to learn them.
    """
    details, recipe = content.get("details") or {}, content.get("recipe") or {}
    stated = {name: details[name] for name in (PER_IMAGE, TOGETHER) if details.get(name) is not None}
    if stated:
        return stated
    diffusion, inversion = recipe.get("diffusion"), recipe.get("inversion")
    if content["stage"] == "synthesis" and isinstance(inversion, dict) and "iterations" in inversion:
        return {PER_IMAGE: _optimized(inversion)}
    if not isinstance(diffusion, dict) or "steps" not in diffusion:
        return {}
    if content["stage"] == "synthesis":
        return {PER_IMAGE: diffusion["steps"]}
    tokens = recipe.get("tokens")
    if content["stage"] == "tokens" and isinstance(tokens, dict) and "images" in tokens and "classes" in details:
        return {TOGETHER: sum(one["epochs"] for one in details["classes"]) * tokens["images"] * diffusion["steps"]}
    return {}


def _optimized(inversion: Mapping[str, Any]) -> float:
    levels = inversion.get("early_late") or 1
    share = (levels + 1) / (2 * levels)  # mean of 1, (n - 1) / n, ... 1 / n
    growth = inversion.get("growth")
    if growth:
        return (growth["steps"] - 1) * inversion["iterations"] * share
    return (inversion.get("coarse_iterations", 0) + inversion["iterations"]) * share
