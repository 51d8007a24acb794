"""Class lists: each class has a name, the sense of it that is meant, and a gloss that tells it from others.

A list is a YAML file, one entry a class, in the order of the teacher's outputs:

    - {name: crane, sense: bird, gloss: a wading bird}
    - {name: automobile, sense: vehicle, gloss: a small passenger vehicle, synonyms: [car], folder: n02958343}

``name`` and ``gloss`` are required. ``sense`` is needed where two classes share a name. ``synonyms`` also
count as a mention of the class in a prompt. ``folder`` is the class's folder in real data, where its name is
another.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prism.documents import check_aliases
from prism.errors import DataError

_REQUIRED = ("name", "gloss")
_KEYS = ("name", "sense", "gloss", "synonyms", "folder")
_LONGEST_TEXT = 300  # characters; a gloss goes into a prompt of 77 tokens


@dataclass(frozen=True)
class ClassSpec:
    """One class. ``slug`` is made of a-z, 0-9 and hyphens, unique in its list, and safe in a file name."""

    index: int
    name: str
    sense: str
    gloss: str
    slug: str
    synonyms: tuple[str, ...] = ()
    folder: str = ""


@dataclass(frozen=True)
class ClassList:
    """The classes in the order of the teacher's outputs."""

    classes: tuple[ClassSpec, ...]
    source: str = ""

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[ClassSpec]:
        return iter(self.classes)

    def __getitem__(self, index: int) -> ClassSpec:
        return self.classes[index]

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names; two classes may share one and differ in sense."""
        return tuple(spec.name for spec in self.classes)

    @property
    def glosses(self) -> tuple[str, ...]:
        """The classes' glosses."""
        return tuple(spec.gloss for spec in self.classes)


def load_classes(path: Path) -> ClassList:
    """Read and check a class list.

    Raises:
        DataError: the file is missing or no such list, a key is unknown, a name or gloss is missing, or two
            entries have the same name and sense. The message names the file, the line and the entry.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        entries = yaml.safe_load(text)
        check_aliases(entries)
    except OSError as error:
        raise DataError(f"{path}: the class list cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: the class list is not text in UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else "it"
        raise DataError(f"{path}: {line} is not YAML ({getattr(error, 'problem', None) or error})") from error
    except (RecursionError, ValueError) as error:
        reason = "its brackets are nested too deeply" if isinstance(error, RecursionError) else error
        raise DataError(f"{path}: is no class list: {reason}") from None
    if not isinstance(entries, list) or len(entries) < 2:
        raise DataError(f"{path}: must be a YAML list of at least two entries such as {{name: crane, gloss: a bird}}")
    lines = [node.start_mark.line + 1 for node in root.value]
    for node, line in zip(root.value, lines, strict=True):
        keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise DataError(f"{path}: line {line}: key {twice[0]!r} is given twice in one entry; remove one")
    classes: list[ClassSpec] = []
    first_line: dict[tuple[str, str], int] = {}
    taken: set[str] = set()
    for index, (entry, line) in enumerate(zip(entries, lines, strict=True)):
        spec = _parse(entry, index, f"{path}: line {line}, entry {index + 1}", taken)
        key = (spec.name.casefold(), spec.sense.casefold())
        if key in first_line:
            meaning = f"{spec.name!r}" + (f" ({spec.sense})" if spec.sense else "")
            raise DataError(
                f"{path}: line {line}, entry {index + 1}: {meaning} is on line {first_line[key]} already; "
                "give each of the two its own sense, or remove one"
            )
        first_line[key] = line
        taken.add(spec.slug)
        classes.append(spec)
    return ClassList(tuple(classes), source=str(path))


def slugify(text: str) -> str:
    """``text`` in a-z, 0-9 and hyphens; empty if nothing of it can be written so."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.casefold()).strip("-")


def _parse(entry: Any, index: int, where: str, taken: set[str]) -> ClassSpec:
    """One entry of the list as a ClassSpec whose slug is not among ``taken``."""
    if not isinstance(entry, dict):
        raise DataError(
            f"{where}: {entry!r} must be a mapping such as {{name: crane, sense: bird, gloss: a wading bird}}"
        )
    for key in entry:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(_KEYS)}"
            raise DataError(f"{where}: unknown key {key!r}; {hint}")
    who = f"{where} ({entry['name']!r})" if entry.get("name") else where
    for key in _REQUIRED:
        if entry.get(key) in (None, ""):
            raise DataError(f"{who}: {key} is missing; every class needs a name and a gloss, a short noun phrase")
    name, sense, gloss, folder = (_text(entry, key, who) for key in ("name", "sense", "gloss", "folder"))
    synonyms = entry.get("synonyms") or []
    if not isinstance(synonyms, list):
        raise DataError(f"{who}: synonyms must be a list such as [car, motorcar]")
    synonyms = tuple(_text({"synonyms": synonym}, "synonyms", who) for synonym in synonyms)
    slug = slugify(f"{name} {sense}") or "class"
    if slug in taken:
        slug = f"{slug}-{index:04d}"
    return ClassSpec(index, name, sense, gloss, slug, synonyms, folder)


def _text(entry: dict[str, Any], key: str, where: str) -> str:
    """The text under ``key``, empty if absent; numbers and YAML's booleans (a bare ``no``) are refused."""
    value = entry.get(key, "")
    value = "" if value is None else value
    if not isinstance(value, str):
        raise DataError(f"{where}: {key}: {value!r} is not text; put it between quotes")
    value = value.strip()
    if len(value) > _LONGEST_TEXT or any(unicodedata.category(character).startswith("C") for character in value):
        raise DataError(f"{where}: {key} must be one line of at most {_LONGEST_TEXT} printable characters")
    return value
