"""Collect the numbers of earlier stages into one tidy frame, each with the file that it came from.

One row is one number. What a file holds is told by its content, never by its path, so that a file may be
moved or renamed without changing a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from prism.artifacts import read_json
from prism.errors import DataError
from prism.tables.iterations import iterations_of

# full_name: a metric's name with its protocol, where its file states one
COLUMNS = ["stage", "method", "student", "seed", "domain", "metric", "full_name", "value", "source"]

# details of a manifest that are numbers of a table: bytes on the disk
DETAILS = {"synthesis": ("bytes",), "relabelling": ("label_bytes",)}

# run facts of a manifest that the cost table uses
RUN_FACTS = ("seconds", "peak_memory_mb")

Row = dict[str, Any]


def read_object(path: Path) -> dict[str, Any]:
    """Read one JSON object; DataError, in one line, if the file is missing or holds something else."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a JSON {type(content).__name__}, expected an object")
    return content


def collect(paths: Iterable[Path]) -> pd.DataFrame:
    """Read every JSON file among ``paths`` (others are skipped) into a frame with the columns ``COLUMNS``.

    The manifest beside a student's ``metrics.json`` is read with it: it holds the times.
    Rows follow the sorted paths, so that the order of the arguments changes nothing.

    Raises:
        DataError: a file is malformed, holds a number that is not finite, or says what another file already
            said (same method, student, seed, domain and metric).
    """
    rows: list[Row] = []
    for path in sorted(_with_manifests(Path(path) for path in paths), key=str):
        if path.suffix == ".json":
            rows.extend(_rows(path, read_object(path)))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    _refuse_repeats(frame)
    return frame


def _with_manifests(paths: Iterable[Path]) -> set[Path]:
    given = set(paths)
    beside = {path.with_name("manifest.json") for path in given if path.name == "metrics.json"}
    return given | {path for path in beside if path.is_file()}


def kind_of(content: dict[str, Any]) -> str | None:
    """The stage that wrote ``content``: one of the keys of ``READERS``, or None if nothing here reads it."""
    if "domains" in content:
        return "generalization"
    if "metrics" in content and "method" in content:
        return "evaluation"
    if "accuracy" in content and "sparsity" in content:
        return "pruning"
    if "accuracy" in content and "student" in content:
        return "distillation"
    if "recipe_hash" in content and "stage" in content:
        return "manifest"
    return None


def _rows(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    kind = kind_of(content)
    if kind is None:
        raise DataError(
            f"{path}: neither an evaluation, a student's metrics, a generalization or pruning result nor a manifest; "
            f"it has the keys {', '.join(sorted(content)) or '(none)'}"
        )
    for row in READERS[kind](path, content):
        filled = {"student": "", "seed": -1, "domain": "", "full_name": row["metric"], **row}
        yield {**filled, "source": str(path)}


def _distillation(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    where = {"stage": "distillation", **_identity(path, content)}
    for metric in ("accuracy", "teacher_accuracy"):
        if content.get(metric) is not None:
            yield {**where, "metric": metric, "value": _share(path, metric, content[metric])}
    yield from _tested(path, content, where)
    yield from _run_facts(path, content, where)


def _pruning(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    """A pruned network's scores; ``domain`` holds its sparsity, as it is written in paths."""
    sparsity = f"{_share(path, 'sparsity', content['sparsity']):g}"
    where: Row = {"stage": "pruning", "method": _text(path, content, "method"), "seed": _seed(path, content)}
    for metric in ("accuracy", "untuned_accuracy", "teacher_accuracy"):
        if content.get(metric) is not None:
            value = _share(path, metric, content[metric])
            yield {**where, "domain": sparsity, "metric": metric, "value": value}
    yield from _tested(path, content, {**where, "domain": sparsity})


def _tested(path: Path, content: dict[str, Any], where: Row) -> Iterator[Row]:
    """How many images a score is of."""
    if content.get("n_test") is not None:
        yield {**where, "metric": "n_test", "value": _number(path, "n_test", content["n_test"])}


def _generalization(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    where = {"stage": "generalization", **_identity(path, content)}
    domains = _mapping(path, "domains", content["domains"])
    for name, result in domains.items():
        accuracy = _mapping(path, f"domains.{name}", result).get("accuracy")
        yield {
            **where,
            "domain": name,
            "metric": "accuracy",
            "value": _share(path, f"accuracy of {name}", accuracy),
        }


def _evaluation(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    where = {"stage": "evaluation", "method": _text(path, content, "method")}
    recipe = content.get("recipe") or {}
    if "seed" in recipe:  # the images' own
        where["seed"] = _seed(path, recipe)
    full_names = (content.get("protocol") or {}).get("names", {})
    for name, value in _mapping(path, "metrics", content["metrics"]).items():
        if value is not None:  # a metric that does not apply to this experiment
            full_name = str(full_names.get(name, name))
            yield {**where, "metric": name, "full_name": full_name, "value": _number(path, name, value)}
    yield from _run_facts(path, content, where)


def manifest_owner(path: Path, content: dict[str, Any]) -> str:
    """The method, or for prompts the strategy, that a manifest belongs to; DataError if it names neither."""
    recipe = {**_mapping(path, "recipe", content.get("recipe")), **(content.get("details") or {})}
    owner = _name(recipe.get("method")) or _name(recipe.get("strategy"))
    if owner is None:
        raise DataError(f"{path}: its recipe names neither a method nor a strategy; write it again")
    return owner


def _name(entry: Any) -> str | None:
    """A name, given as it is or as the entry ``name`` of a section."""
    name = entry.get("name") if isinstance(entry, dict) else entry
    return name if isinstance(name, str) and name else None


def _manifest(path: Path, content: dict[str, Any]) -> Iterator[Row]:
    """Run facts of one manifest; ``domain`` holds its name, which tells the shards of a method apart."""
    stage = _text(path, content, "stage")
    where: Row = {"stage": stage, "method": manifest_owner(path, content), "domain": path.stem}
    if stage in ("distillation", "pruning"):
        recipe = {**content.get("recipe", {}), **content.get("details", {})}
        where |= {"student": str(_name(recipe.get("student")) or ""), "domain": str(path.parent)}
    if content.get("count") is not None:
        yield {**where, "metric": "count", "value": _number(path, "count", content["count"])}
    for metric, value in iterations_of(content).items():
        yield {**where, "metric": metric, "value": _number(path, metric, value)}
    details = _mapping(path, "details", content.get("details") or {})
    for name in DETAILS.get(stage, ()):
        if details.get(name) is not None:
            yield {**where, "metric": name, "value": _number(path, f"details.{name}", details[name])}
    yield from _run_facts(path, content, where)


READERS: dict[str, Callable[[Path, dict[str, Any]], Iterator[Row]]] = {
    "distillation": _distillation,
    "generalization": _generalization,
    "pruning": _pruning,
    "evaluation": _evaluation,
    "manifest": _manifest,
}


def _run_facts(path: Path, content: dict[str, Any], where: Row) -> Iterator[Row]:
    run = content.get("run") or {}
    for name in RUN_FACTS:
        if run.get(name) is not None:
            yield {**where, "metric": name, "value": _number(path, f"run.{name}", run[name])}


def _identity(path: Path, content: dict[str, Any]) -> Row:
    return {
        "method": _text(path, content, "method"),
        "student": _text(path, content, "student"),
        "seed": _seed(path, content),
    }


def _seed(path: Path, content: dict[str, Any]) -> int:
    seed = content.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise DataError(f"{path}: seed is {seed!r}, expected a whole number from 0")
    return seed


def _text(path: Path, content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise DataError(f"{path}: {key} is {value!r}, expected a name")
    return value


def _mapping(path: Path, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{path}: {key} holds a {type(value).__name__}, expected an object")
    return value


def _number(path: Path, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{path}: {key} is {value!r}, expected a finite number")
    return float(value)


def _share(path: Path, key: str, value: Any) -> float:
    number = _number(path, key, value)
    if not 0 <= number <= 1:
        raise DataError(f"{path}: {key} is {number:g}, expected a share between 0 and 1 (not a percentage)")
    return number


def _refuse_repeats(frame: pd.DataFrame) -> None:
    keys = [column for column in COLUMNS if column not in ("full_name", "value", "source")]
    # Images of two seeds are those of two experiments, which are put together by ``replicates`` alone.
    frame = frame.assign(seed=frame["seed"].where(frame["stage"] != "evaluation", -1))
    repeated = frame[frame.duplicated(keys, keep=False)]
    if len(repeated):
        first = repeated.iloc[0]
        twin = repeated[(repeated[keys] == first[keys]).all(axis=1)].iloc[1]
        raise DataError(
            f"{first['source']} and {twin['source']}: both hold {first['metric']} of {first['method']}"
            f"{' ' + first['student'] if first['student'] else ''}; remove the stale one"
        )
