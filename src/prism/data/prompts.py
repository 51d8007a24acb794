"""Prompt files: one JSON object a line, exactly as many lines for each class as there are images of it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prism.artifacts import verify, write_text
from prism.data.classes import ClassList
from prism.errors import PromptError

MAX_PROMPT_CHARACTERS = 600


class PromptRecord(BaseModel):
    """One prompt and where it came from; ``sense`` and ``content`` are empty where the prompt is silent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    class_index: int = Field(ge=0)
    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)
    sense: str
    content: str
    style: str
    engine: str = Field(min_length=1)
    seed: int = Field(ge=0)


def write_prompt_file(path: Path, records: Iterable[PromptRecord]) -> None:
    """Write ``records`` in their order; the file appears whole or not at all."""
    write_text(path, "".join(to_line(record) for record in records))


def to_line(record: PromptRecord) -> str:
    """A record as its line of the file: sorted keys, ASCII, a newline."""
    return json.dumps(record.model_dump(), sort_keys=True) + "\n"


def read_prompts(
    path: Path, classes: ClassList | Sequence[str], per_class: int, *, named: bool = True
) -> list[list[PromptRecord]]:
    """Read and check a prompt file: entry ``[c][j]`` is the prompt of image ``j`` of class ``c``.

    Args:
        path: the ``.jsonl`` file.
        classes: the class list, or the classes' names alone; every prompt must mention its own, by name or by
            a synonym of the list.
        per_class: how many prompts each class needs. A longer file is no fault: the first ones are taken.
        named: whether prompts must mention their class; those of a class-agnostic strategy do not.

    Raises:
        PromptError: the file is missing, empty, malformed, or short of a class's prompts; names file and
            line.
        ShardError: the manifest beside the file states another hash.
    """
    path = Path(path)
    manifest = path.with_suffix(".json")
    if manifest.exists():
        verify(manifest)
    names = [(one,) if isinstance(one, str) else (one.name, *one.synonyms) for one in classes]
    by_class: list[list[PromptRecord]] = [[] for _ in names]
    for number, record in _records(path):
        index = record.class_index
        if index >= len(names):
            raise PromptError(f"{path}: line {number}: class_index {index} is not one of the {len(names)} classes")
        prompt = record.prompt.casefold()
        if named and not any(name.casefold() in prompt for name in names[index]):
            raise PromptError(f"{path}: line {number}: the prompt does not mention its class {names[index][0]!r}")
        by_class[index].append(record)
    for (name, *_), records in zip(names, by_class, strict=True):
        if len(records) < per_class:
            raise PromptError(f"{path}: class {name!r} has {len(records)} prompts, {per_class} are needed")
    return [records[:per_class] for records in by_class]


def _records(path: Path) -> Iterator[tuple[int, PromptRecord]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise PromptError(f"{path}: the prompt file cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise PromptError(f"{path}: not UTF-8 at byte {error.start}; prompt files are JSON lines in UTF-8") from None
    if not lines:
        raise PromptError(f"{path}: the prompt file is empty")
    for number, line in enumerate(lines, start=1):
        try:
            record = PromptRecord.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise PromptError(f"{path}: line {number}: {where + ': ' if where else ''}{first['msg']}") from None
        if not record.prompt.isprintable():
            raise PromptError(f"{path}: line {number}: the prompt holds a character that cannot be printed")
        yield number, record
