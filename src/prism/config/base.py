"""What all sections share: unknown keys are refused, values do not change; the types of names and paths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from prism.config.names import (
    ARCHITECTURE_LIBRARIES,
    ARCHITECTURES,
    CORRUPTIONS,
    EXTRACTORS,
    SEVERITIES,
    WORLD_DOMAINS,
    hint,
)

Problem = tuple[str, str]  # key below the place where it is raised ("" for the place itself), what is wrong


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


def problems(*found: Problem) -> PydanticCustomError:
    """The error that tells all of ``found``; ``prism.config.messages`` makes a line of each."""
    text = "; ".join(f"{key}: {message}" if key else message for key, message in found)
    return PydanticCustomError("prism", "{text}", {"text": text, "problems": list(found)})


def is_hub_id(value: str) -> bool:
    """Whether a model is named by a hub id, ``owner/name``; a folder that is there, and ``./owner/name``, is none."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", value) is not None and not Path(value).is_dir()


def split_archive(spec: str) -> tuple[str, str]:
    """The file and the prefix inside it of ``path.zip!inner/prefix``; the prefix is empty without ``!``."""
    path, _, inner = spec.partition("!")
    return path, inner


def _image_spec(value: str) -> str:
    kind, colon, domain = value.partition(":")
    if kind == "world" and colon and domain not in WORLD_DOMAINS:
        raise problems(("", f"world:{domain} is not a domain of the miniature; {hint(domain, WORLD_DOMAINS)}"))
    if kind == "corruption" and colon:
        _check_corruption(value)
    path, inner = split_archive(value)
    if inner and not path.endswith((".zip", ".tar", ".tar.gz", ".tgz")):
        raise problems(("", f"{path} is before a '!', so it should be a .zip or .tar archive"))
    return value


def _check_corruption(value: str) -> None:
    kind, _, severity = value.removeprefix("corruption:").partition(":")
    if kind not in CORRUPTIONS:
        raise problems(("", f"{value} is not a corruption; {hint(kind, CORRUPTIONS)}"))
    if severity and severity not in SEVERITIES:
        raise problems(("", f"{value} has no severity from 1 to 5, as in corruption:{kind}:3"))


def _named(known: tuple[str, ...], libraries: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        library, colon, name = value.partition(":")
        if value in known or (colon and library in libraries and name):
            return value
        other = f"; others are written {' or '.join(f'{library}:<name>' for library in libraries)}"
        raise problems(("", f"{value} is not known; {hint(value, known)}{other}"))

    return AfterValidator(check)


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+._-]*$", max_length=64)]
Architecture = Annotated[str, _named(ARCHITECTURES, ARCHITECTURE_LIBRARIES)]
ExtractorKind = Annotated[str, _named(EXTRACTORS, ARCHITECTURE_LIBRARIES)]
ImageSpec = Annotated[str, StringConstraints(min_length=1), AfterValidator(_image_spec)]
