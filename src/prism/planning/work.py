"""The work of an experiment, counted: which stage handles how many of what for a method, and how much is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prism.config import Config
from prism.config.layout import Layout

# What a stage's work is counted in; its throughput is a number of these per second of one job.
UNITS = {
    "prompts": "prompts",
    "tokens": "classes",
    "inversion": "images x steps",
    "synthesis": "images",
    "evaluation": "images",
    "relabelling": "views",
    "distillation": "images x epochs",
    "pruning": "images x epochs",
}


@dataclass(frozen=True)
class Job:
    """One job of the workflow that counts.

    ``of`` is what its throughput depends on beside the stage: a method, an architecture or who writes the prompts.
    ``facts`` is the file that the finished job leaves, with its seconds.
    """

    stage: str
    method: str
    of: str
    size_px: int
    units: int
    facts: Path

    @property
    def done(self) -> bool:
        """Whether its results are there; whether they are up to date is Snakemake's to say."""
        return self.facts.is_file()


def jobs_of(config: Config, method: str, classes: int, root: str | None = None) -> Iterator[Job]:
    """All jobs that a method alone needs.

    Args:
        config: the configuration.
        method: a name of ``config.methods``.
        classes: number of classes.
        root: the folder of results; results/<experiment> if None.
    """
    files = Layout(config, root)
    chosen = config.methods[method]
    images = classes * config.images_per_class(method)
    teacher_px = config.teacher.size_px
    size_px = config.diffusion.size_px if chosen.engine == "diffusion" else teacher_px
    adaptive = chosen.inversion.adaptive if chosen.inversion else None
    if adaptive is not None:
        facts = Path(files.competitor(method, "json"))
        yield Job("inversion", method, adaptive.student, teacher_px, adaptive.steps * adaptive.batch, facts)
    shards = files.shards(method, "json")
    for file in shards:
        yield Job("synthesis", method, method, size_px, images // len(shards), Path(file))
    if config.evaluated(method):
        of = config.evaluation.extractor.kind
        yield Job("evaluation", method, of, teacher_px, images, Path(files.evaluation(method)))
    if chosen.relabel is not None:
        views = images * config.label_epochs(method)
        of = f"{len(config.label_teachers(method))} teachers"
        yield Job("relabelling", method, of, teacher_px, views, Path(files.labels(method, "json")))
    views = images * config.training(method).epochs
    for folder in files.students(method):
        student = config.students[Path(folder).parent.name]
        yield Job("distillation", method, student.architecture, teacher_px, views, Path(folder, "manifest.json"))
    for folder in files.pruned(method):
        views = images * config.pruning.epochs
        yield Job("pruning", method, config.teacher.architecture, teacher_px, views, Path(folder, "manifest.json"))


def shared_jobs(config: Config, classes: int, root: str | None = None) -> Iterator[Job]:
    """Jobs that several methods share: prompts and tokens, one of each strategy that is used."""
    files = Layout(config, root)
    for strategy in files.strategies:
        kind = config.strategies[strategy]
        prompts = classes * config.prompts_per_class(strategy)
        writes = kind.contents and config.prompts.engine != "templates"
        engine = Path(str(config.prompts.model)).name if writes else "templates"
        yield Job("prompts", strategy, engine, 0, prompts, Path(files.prompts(strategy, "json")))
        if kind.token:
            size_px = config.diffusion.size_px
            yield Job("tokens", strategy, "tokens", size_px, classes, Path(files.tokens(strategy, "json")))


def label_bytes(config: Config, method: str, classes: int) -> int:
    """Bytes of the soft labels that a method stores (docs/methods/dataset-distillation.md); 0 if it stores none."""
    views = classes * config.images_per_class(method) * config.label_epochs(method)
    return views * (2 * classes + 21)
