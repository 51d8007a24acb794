"""The stage ``tables``: from the results of the other stages to one table in four formats, or one figure."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from prism.artifacts import write_bytes, write_json, write_text
from prism.config import Config
from prism.config.asked import parts_of
from prism.data.classes import load_classes
from prism.errors import ConfigError
from prism.tables import plotting
from prism.tables.context import Context
from prism.tables.frame import collect
from prism.tables.published import Setting, load_published
from prism.tables.registry import FIGURES, TABLES
from prism.tables.render import FORMATS
from prism.tables.replicates import with_replicates
from prism.tables.summary import summary

log = logging.getLogger(__name__)

Maker = TypeVar("Maker")


def write_table(
    config: Config, name: str, inputs: Sequence[Path], output: Path, *, replicates: Sequence[Path] = ()
) -> None:
    """Write one table as ``.csv``, ``.md``, ``.tex`` and ``.html``.

    Args:
        config: the resolved configuration: names, labels and order; no result is read from it.
        name: one of ``TABLES``.
        inputs: JSON results of earlier stages: evaluations, students' and pruned networks' metrics, generalization
            results and manifests, in any order; other files among them are skipped.
        output: any of the four files, or their path without the ending.
        replicates: evaluations and manifests of experiments that differ in their seed alone; what they are made of
            is compared with ``inputs``, and their evaluations stand beside those.

    Raises:
        ConfigError: there is no such table. DataError: an input is missing, malformed or contradicts another, or a
            replicate is of another recipe.
    """
    build = _pick(TABLES, "table", name)
    table = build(with_replicates(collect(inputs), inputs, replicates), context_of(config))
    stem = Path(output)
    stem = stem.with_suffix("") if stem.suffix.removeprefix(".") in FORMATS else stem
    for ending, render in FORMATS.items():
        write_text(stem.with_name(f"{stem.name}.{ending}"), render(table))
    log.info("table %s: %d rows from %d files", name, len(table.rows), len(inputs))


def write_summary(config: Config, inputs: Sequence[Path], output: Path) -> None:
    """Write the means of an experiment's numbers by method as JSON; see :func:`prism.tables.summary.summary`.

    Raises:
        DataError: as for ``write_table``.
    """
    write_json(Path(output), summary(collect(inputs), context_of(config)))


def write_figure(config: Config, name: str, inputs: Sequence[Path], output: Path) -> None:
    """Write one figure as PNG, the same bytes for the same inputs.

    Args:
        config: as for ``write_table``.
        name: one of ``FIGURES``.
        inputs: evaluations (``precision-recall``, ``energy-histograms``), students' ``history.csv`` or
            ``metrics.json`` (``learning-curves``), pruned networks' metrics (``pruning-curve``), shards or their
            manifests (``images``).
        output: the PNG file.

    Raises:
        ConfigError: there is no such figure. DataError: as for ``write_table``.
    """
    make = _pick(FIGURES, "figure", name)
    with plotting.look():
        data = plotting.png_bytes(make(inputs, context_of(config)))
    write_bytes(Path(output), data)
    log.info("figure %s from %d files", name, len(inputs))


def context_of(config: Config) -> Context:
    """What tables and figures need to know of the configuration."""
    methods = {name: config.methods[name] for name in config.run}
    setting = config.tables.setting
    return Context(
        methods={name: config.label(name) for name in methods},
        students={name: student.label or name for name, student in config.students.items()},
        domains=tuple(config.generalization.domains),
        other_domains=tuple(
            name for name, images in config.generalization.domains.items() if images != config.evaluation.reference
        ),
        claims=config.claims,
        strategies={name: method.prompts for name, method in methods.items() if method.prompts is not None},
        parts=parts_of(config),
        class_names=load_classes(config.classes).names,
        images_per_class={name: config.images_per_class(name) for name in methods if methods[name].is_budgeted},
        families={name: config.family(name) for name in methods if methods[name].is_budgeted},
        published=load_published(config.tables.published) if config.tables.published is not None else (),
        setting=Setting(setting.dataset, setting.teacher, setting.student),
    )


def _pick(registry: Mapping[str, Maker], kind: str, name: str) -> Maker:
    if name not in registry:
        raise ConfigError(f"tables.{kind}s: there is no {kind} {name!r}; it may be one of {', '.join(registry)}")
    return registry[name]
