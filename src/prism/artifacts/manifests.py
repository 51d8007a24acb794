"""Manifests: what a stage wrote and from what, with the hashes that prove it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from prism.artifacts.files import json_text, read_json, write_json
from prism.errors import DataError, ShardError
from prism.events import numbers, tell


def sha256_file(path: Path) -> str:
    """The sha256 of a file's bytes, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(obj: Any) -> str:
    """The first 16 hexadecimal digits of the sha256 of ``obj``'s canonical JSON (sorted keys, no spaces).

    Raises:
        DataError: ``obj`` is no JSON object.
    """
    text = json_text(obj, name="recipe", indent=None).rstrip("\n")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


class Manifest(BaseModel):
    """What a stage wrote and from what.

    The recipe hash covers stage, recipe, revision, inputs and models. ``run`` holds what may differ between
    two equal runs (seconds, images_per_second, peak_memory_mb, versions, machine); no hash covers it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str = Field(min_length=1, description="the stage's word, such as synthesis")
    recipe: dict[str, Any] = Field(description="the slice of the configuration that the outputs depend on")
    revision: int = Field(default=0, ge=0, description="the stage's revision")
    inputs: dict[str, str] = Field(default_factory=dict, description="sha256 of each input, by name")
    models: dict[str, str] = Field(default_factory=dict, description="hash of each model's weights, by name")
    recipe_hash: str = Field(default="", pattern="^([0-9a-f]{16})?$", description="computed if not given")
    outputs: dict[str, str] = Field(description="sha256 of each output, by its path relative to the manifest's folder")
    count: int = Field(ge=0, description="number of items (images, prompts, rows) in the outputs")
    details: dict[str, Any] = Field(default_factory=dict, description="further facts that follow from the recipe")
    run: dict[str, Any] = Field(default_factory=dict, description="seconds, memory, versions, machine")

    @field_validator("outputs")
    @classmethod
    def _stays_in_its_folder(cls, outputs: dict[str, str]) -> dict[str, str]:
        for name in outputs:
            path = PurePosixPath(name)
            if not name or path.is_absolute() or ".." in path.parts or "\\" in name:
                raise ValueError(f"output {name!r} is not a path inside the manifest's folder")
        return outputs

    @model_validator(mode="after")
    def _fill_recipe_hash(self) -> Manifest:
        if not self.recipe_hash:
            covered = self.model_dump(include={"stage", "recipe", "revision", "inputs", "models"})
            object.__setattr__(self, "recipe_hash", hash_of(covered))
        return self


def write_manifest(
    path: Path,
    *,
    stage: str,
    recipe: Mapping[str, Any],
    outputs: Iterable[Path] | Mapping[str, str],
    count: int,
    revision: int = 0,
    inputs: Mapping[str, str] | None = None,
    models: Mapping[str, str] | None = None,
    recipe_hash: str = "",
    details: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write the manifest of finished outputs, the last file of its stage, and return it.

    Args:
        path: the manifest's file.
        stage: the stage's word.
        recipe: the slice of the configuration that the outputs depend on.
        outputs: the written files, hashed here, or a mapping of names relative to the manifest's folder to
            sha256.
        count: number of items in the outputs.
        revision: the stage's revision.
        inputs: sha256 of each input, by name.
        models: hash of each model's weights, by name.
        recipe_hash: 16 hexadecimal digits; computed from the five fields above it covers when empty.
        details: further facts that follow from the recipe.
        run: facts that may differ between equal runs, such as ``prism.devices.run_facts`` gives.

    Raises:
        DataError: a field is wrong; DiskError: the file cannot be written.
    """
    path = Path(path)
    if not isinstance(outputs, Mapping):
        outputs = {
            Path(os.path.relpath(output, path.parent)).as_posix(): sha256_file(output) for output in map(Path, outputs)
        }
    manifest = _validated(
        path,
        {
            "stage": stage,
            "recipe": dict(recipe),
            "revision": revision,
            "inputs": dict(inputs or {}),
            "models": dict(models or {}),
            "recipe_hash": recipe_hash,
            "outputs": dict(outputs),
            "count": count,
            "details": dict(details or {}),
            "run": dict(run or {}),
        },
    )
    write_json(path, manifest.model_dump())
    told = {**numbers(manifest.details), **numbers(manifest.run), "stage": stage, "count": count}
    tell("wrote", file=str(path), **told)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check its form.

    Raises:
        DataError: the file is missing, not JSON or no manifest; the message names the file and the field.
    """
    return _validated(Path(path), read_json(path))


def _validated(path: Path, fields: Any) -> Manifest:
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"{path}: not a valid manifest: {key}: {first['msg']}") from error


def verify(manifest_path: Path) -> Manifest:
    """Read a manifest and check that every output it names is there with the sha256 it states.

    Raises:
        ShardError: the manifest cannot be read, or an output is missing or differs; the message names the
            file.
    """
    try:
        manifest = read_manifest(manifest_path)
    except ShardError:
        raise
    except DataError as error:
        raise ShardError(str(error)) from error
    for name, expected in manifest.outputs.items():
        output = Path(manifest_path).parent / name
        if not output.is_file():
            raise ShardError(
                f"{output}: is missing, though {manifest_path} names it; delete the manifest and run again"
            )
        if sha256_file(output) != expected:
            raise ShardError(f"{output}: its sha256 is not the one in {manifest_path}; delete both and run again")
    return manifest
