"""One clear line for each mistake: the full key path, what is wrong, what would be right."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from prism.config.names import hint, nearest
from prism.errors import ConfigError

Location = tuple[int | str, ...]


def config_error(error: ValidationError, model: type[BaseModel]) -> ConfigError:
    """The error that tells all mistakes that pydantic found in ``model``, one line each."""
    return ConfigError("\n".join(f"config: {line}" for mistake in error.errors() for line in _lines(mistake, model)))


def key_path(location: Location) -> str:
    """``("methods", "prism", "guidance", 0)`` as ``methods.prism.guidance[0]``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _lines(mistake: Any, model: type[BaseModel]) -> Iterator[str]:
    location = tuple(part for part in mistake["loc"] if part != "[key]")
    path, kind, given = key_path(location), mistake["type"], mistake["input"]
    if kind == "prism":
        for key, message in mistake["ctx"]["problems"]:
            yield f"{'.'.join(part for part in (path, key) if part)}: {message}"
    elif kind == "extra_forbidden":
        yield f"{path} is not a key; {_right_key(location, model)}"
    elif kind == "missing":
        yield f"{path} is missing: {_description(location, model)}"
    elif kind == "literal_error":
        field = _annotation_at(location, model)
        choices = [str(choice) for choice in _literals(field)]
        yield f"{path}={_shown(given)} is not one of {', '.join(choices)}{_guess(given, choices)}"
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        section = _section_at(location, model)
        keys = f" with the keys {', '.join(section.model_fields)}" if section else ""
        yield f"{path}={_shown(given)} should be a section{keys}"
    elif kind == "string_pattern_mismatch" and location and mistake["ctx"]["pattern"].startswith("^[a-z0-9][a-z0-9+"):
        yield f"{path}={_shown(given)} should be made of a-z, 0-9, + . _ -, a letter or digit first"
    elif kind == "too_short":
        yield f"{path} is empty; it needs at least {mistake['ctx']['min_length']}"
    elif kind == "path_type":
        yield f"{path}={_shown(given)} should be a path"
    else:
        expected = re.sub(r"^\w+ should", "should", mistake["msg"])  # of "Input should be greater than 0"
        yield f"{path}={_shown(given)} {expected}"


def _right_key(location: Location, model: type[BaseModel]) -> str:
    wrong, section = str(location[-1]), _section_at(location[:-1], model)
    here = list(section.model_fields) if section else []
    near = nearest(wrong, here)
    if near:
        return f"did you mean {near}?"
    elsewhere = [path for path, name in _all_keys(model) if name == wrong]
    if elsewhere:
        return f"did you mean {elsewhere[0]}?"
    return hint(wrong, here)


def _all_keys(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        path = f"{above}.{name}" if above else name
        yield path, name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _all_keys(field.annotation, path)


def _description(location: Location, model: type[BaseModel]) -> str:
    section = _section_at(location[:-1], model)
    field = section.model_fields.get(str(location[-1])) if section else None
    return (field.description or "it is needed") if field else "it is needed"


def _section_at(location: Location, model: type[BaseModel]) -> type[BaseModel] | None:
    found = _annotation_at(location, model)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _annotation_at(location: Location, model: type[BaseModel]) -> Any:
    """The type expected at a place, without ``None`` and ``Annotated``; None if there is no such place."""
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = _bare(field.annotation) if field else None
        elif get_origin(current) in (dict, list):
            current = _bare(get_args(current)[-1])
        else:
            return None
    return current


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        rest = [option for option in get_args(annotation) if option is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _literals(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if annotation is not None else ()


def _guess(given: Any, choices: list[str]) -> str:
    near = nearest(str(given), choices)
    return f"; did you mean {near}?" if near else ""


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and 0 < len(value) <= 60 and "\n" not in value else reprlib.repr(value)
