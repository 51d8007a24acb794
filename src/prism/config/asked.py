"""Tables and figures that an experiment has something for: of what it does not run, none is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prism.config.model import Config

PRISM = "prism"  # whose guidance the name EDA stands for; the paper's own form is not public
PARTS = ("energy", "senses", "contents", "styles")  # of PRISM, which the table of the ablation adds and leaves out


def tables_asked(config: Config) -> dict[str, list[str]]:
    """The tables of ``config.tables`` that are made, each with the kinds of results that it reads."""
    return _asked(config.tables.tables, config)


def figures_asked(config: Config) -> dict[str, list[str]]:
    """The same of figures."""
    return _asked(config.tables.figures, config)


def parts_of(config: Config) -> dict[str, frozenset[str]]:
    """The parts of each method that is made of ``PARTS`` alone: its guidance is none, or EDA, which is prism's."""
    found: dict[str, frozenset[str]] = {}
    eda = config.methods[PRISM].guidance if PRISM in config.methods else []
    for name in config.run:
        method = config.methods[name]
        if method.engine != "diffusion" or method.prompts is None or method.is_budgeted:
            continue
        if method.guidance not in ([], eda):
            continue
        strategy = config.strategies[method.prompts]
        if strategy.token:
            continue
        has = {"energy": bool(method.guidance), **strategy.model_dump(include=set(PARTS))}
        found[name] = frozenset(part for part, present in has.items() if present)
    return found


def _asked(named: Mapping[str, list[str]], config: Config) -> dict[str, list[str]]:
    without = set() if config.pruning else {"pruning", "pruning-curve"}
    if not config.claims:
        without.add("claims")
    if all(config.methods[method].engine == "real" for method in config.run):  # nothing is synthesized
        without |= {"cost", "images"}
    if not any(config.methods[method].is_budgeted for method in config.run):
        without.add("dataset-distillation")
    if not parts_of(config):
        without.add("ablation")
    if not any(config.evaluated(method) for method in config.run):
        without |= {"quality", "precision-recall", "energy-histograms"}
    return {name: list(kinds) for name, kinds in named.items() if name not in without}
