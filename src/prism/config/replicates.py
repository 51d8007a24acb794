"""Replicates: finished experiments of another seed, whose images stand beside this one's in table ``claims``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prism.config.base import Problem
from prism.config.layout import Layout

if TYPE_CHECKING:
    from prism.config.model import Config


def replicate_files(config: Config, name: str) -> list[str]:
    """The files of the experiment ``name`` that are read: evaluations, and manifests that tell how images were made.

    Those are the files that this experiment has too; of a method's shards the first one's manifest tells for all.
    """
    methods = [method for method in config.run if config.evaluated(method)]
    generated = [method for method in methods if config.methods[method].engine != "real"]
    strategies = sorted({config.methods[method].prompts for method in generated} - {None})
    files = Layout(config, f"results/{name}")
    return [
        *(files.prompts(strategy, "json") for strategy in strategies),
        *(files.tokens(strategy, "json") for strategy in strategies if config.strategies[strategy].token),
        *(files.shards(method, "json")[0] for method in generated),
        *(files.evaluation(method) for method in methods),
    ]


def replicate_problems(config: Config) -> list[Problem]:
    """Names in ``tables.replicates`` that are no further seed."""
    names, found = config.tables.replicates, []
    for place, name in enumerate(names):
        if name == config.experiment:
            found.append((f"tables.replicates[{place}]", f"{name} is this experiment itself; name others"))
        elif name in names[:place]:
            found.append((f"tables.replicates[{place}]", f"{name} is given twice"))
    return found


def missing_replicates(config: Config, root: Path) -> list[Problem]:
    """Replicates that are not finished: the key, and the first file that is not there."""
    found = []
    for place, name in enumerate(config.tables.replicates):
        gone = next((file for file in replicate_files(config, name) if not (root / file).exists()), None)
        if gone is not None:
            what = f"there is no {gone}; run the target evaluation with experiment={name} and another seed first"
            found.append((f"tables.replicates[{place}]", what))
    return found
