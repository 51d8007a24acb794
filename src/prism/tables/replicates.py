"""Evaluations of experiments that differ from this one in their seed alone: their images are further draws of ours.

That they are is proven, not believed: what each file says of how it was made is compared, key by key, with our own file
of the same stage and method. As everywhere in this package a file is known by its content, not by its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd

from prism.errors import DataError
from prism.tables.frame import collect, manifest_owner, read_object

STAGES = ("synthesis", "prompts", "tokens", "evaluation")
COMPARED = ("recipe", "models", "revision", "protocol")

What = tuple[str, str]  # a stage, and the method or, of prompts and tokens, the strategy


@dataclass(frozen=True)
class Record:
    """An evaluation or a manifest: what it is of, its seed, and all that it says."""

    path: Path
    what: What
    seed: int
    content: Mapping[str, Any]

    @property
    def recipe(self) -> dict[str, Any]:
        """Its recipe without the seed."""
        return {key: value for key, value in self.content["recipe"].items() if key != "seed"}


Records = dict[What, Record]


def with_replicates(frame: pd.DataFrame, own: Iterable[Path], others: Iterable[Path]) -> pd.DataFrame:
    """``frame`` and the evaluations of ``others`` below it, told apart by their seeds.

    Args:
        frame: the numbers of ``own``.
        own: this experiment's results and manifests.
        others: evaluations of the replicates, and manifests of the prompts, tokens and images behind them; for each
            seed those of every method that ``own`` evaluates. Further files are left aside.

    Raises:
        DataError: a replicate has another recipe, model or protocol, a seed that is there already, or a file too few;
            the message names the file and the key.
    """
    replicates = _by_seed(others)
    if not replicates:
        return frame
    ours = {record.what: record for record in _records(own)}
    evaluated = [what for what in ours if what[0] == "evaluation"]
    for what in evaluated:
        if ours[what].seed in replicates:
            theirs, mine = next(iter(replicates[ours[what].seed].values())), ours[what]
            raise DataError(f"{theirs.path}: recipe.seed is {mine.seed}, as in {mine.path}; a replicate needs another")
        for seed, records in replicates.items():
            _check_method(ours, records, seed, what[1])
    rows = [collect([records[what].path for what in evaluated]) for _, records in sorted(replicates.items())]
    return pd.concat([frame, *rows], ignore_index=True)


def _by_seed(paths: Iterable[Path]) -> dict[int, Records]:
    """The records by seed; each must be there once, one shard standing for all of a method."""
    found: dict[int, Records] = {}
    for record in _records(paths):
        earlier = found.setdefault(record.seed, {}).setdefault(record.what, record)
        if earlier.path.name == record.path.name and earlier is not record:
            raise DataError(
                f"{earlier.path} and {record.path}: both have recipe.seed={record.seed}; each replicate needs its own"
            )
    return found


def _records(paths: Iterable[Path]) -> Iterable[Record]:
    """What is evaluation or manifest among the files."""
    for path in sorted(map(Path, paths), key=str):
        content = read_object(path) if path.suffix == ".json" else {}
        if content.get("stage") not in STAGES:
            continue
        owner = manifest_owner(path, content)
        seed = content["recipe"].get("seed")
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise DataError(f"{path}: recipe.seed is {seed!r}, expected a whole number; run its experiment again")
        yield Record(path, (content["stage"], owner), seed, content)


def _check_method(ours: Records, theirs: Records, seed: int, method: str) -> None:
    """Refuse a replicate's images of one method unless they are made, and measured, as ours."""
    pairs = [(_of(ours, what, "this experiment"), _of(theirs, what, f"seed {seed}")) for what in _behind(ours, method)]
    for one, other in pairs:
        for key in COMPARED:
            mine, found = ((r.recipe if key == "recipe" else r.content.get(key)) for r in (one, other))
            difference = _difference(mine, found, key)
            if difference is not None:
                raise DataError(f"{other.path}: {difference} in {one.path}; a replicate differs in recipe.seed alone")
    evaluation, images = theirs["evaluation", method], theirs.get(("synthesis", method))
    for name, sha256 in images.content.get("outputs", {}).items() if images is not None else ():
        if evaluation.content.get("inputs", {}).get(name) != sha256:
            raise DataError(f"{evaluation.path}: measured another {name} than that of {images.path}; evaluate it again")


def _behind(ours: Records, method: str) -> list[What]:
    """Whatever a method's images are made from, and their evaluation."""
    evaluation = ("evaluation", method)
    if "real" in ours[evaluation].recipe:  # which real images they are is said there
        return [evaluation]
    images = ("synthesis", method)
    strategy = _of(ours, images, "this experiment").recipe.get("prompts")
    written = [("prompts", strategy)] if strategy is not None else []
    learned = [what for what in (("tokens", strategy),) if what in ours]
    return [images, *written, *learned, evaluation]


def _of(records: Records, what: What, whose: str) -> Record:
    if what not in records:
        raise DataError(f"tables.replicates: among the files of {whose} there is no {what[0]} of {what[1]}")
    return records[what]


def _difference(ours: Any, theirs: Any, key: str) -> str | None:
    """The first key, in the order of names, at which two pieces of JSON differ, with both values; None if equal."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = sorted({*ours, *theirs})
        parts = [_difference(ours.get(name), theirs.get(name), f"{key}.{name}") for name in names]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        parts = [_difference(*pair, f"{key}[{place}]") for place, pair in enumerate(zip(ours, theirs, strict=True))]
    else:
        parts = [None if ours == theirs else f"{key} is {_shown(theirs)}, but {_shown(ours)}"]
    return next((part for part in parts if part is not None), None)


def _shown(value: Any) -> str:
    return shorten(json.dumps(value), 60, placeholder=" ...")
