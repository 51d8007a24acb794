"""The work of an experiment, counted: which stage handles how many of what for a method, and how much is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prism.config import Config

# What a stage's work is counted in; its throughput is a number of these per second of one job.
UNITS = {
    "prompts": "prompts",
    "tokens": "classes",
    "synthesis": "images",
    "evaluation": "images",
    "relabelling": "views",
    "distillation": "images x epochs",
    "pruning": "images x epochs",
}


@dataclass(frozen=True)
class Job:
    """One job of the workflow that counts.

    ``of`` is what its throughput depends on beside the stage: a method, an architecture or a strategy's engine.
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


def jobs_of(config: Config, method: str, classes: int, root: Path) -> Iterator[Job]:
    """All jobs that a method alone needs.

    Args:
        config: the configuration.
        method: a name of ``config.methods``.
        classes: number of classes.
        root: the folder of results, as results/<experiment>.
    """
    chosen = config.methods[method]
    images = classes * config.images_per_class(method)
    teacher_px = config.teacher.size_px
    if chosen.engine != "real":
        shards = config.shards(method)
        size_px = config.diffusion.size_px if chosen.engine == "diffusion" else teacher_px
        for shard in range(shards):
            file = root / "synthesis" / method / f"shard-{shard:04d}.json"
            yield Job("synthesis", method, method, size_px, images // shards, file)
    if config.evaluated(method):
        of = config.evaluation.extractor.kind
        yield Job("evaluation", method, of, teacher_px, images, root / "evaluation" / f"{method}.json")
    if chosen.relabel is not None:
        views = images * config.label_epochs(method)
        of = f"{len(config.label_teachers(method))} teachers"
        yield Job("relabelling", method, of, teacher_px, views, root / "relabelling" / f"{method}.json")
    epochs = config.training(method).epochs
    for name, student in config.students.items():
        for seed in config.distillation.seeds:
            file = root / "distillation" / method / name / f"seed-{seed}" / "manifest.json"
            yield Job("distillation", method, student.architecture, teacher_px, images * epochs, file)
    if config.pruning and method in (config.pruning.methods or config.run):
        for sparsity in config.pruning.sparsities:
            for seed in config.pruning.seeds or config.distillation.seeds:
                file = root / "pruning" / method / f"sparsity-{sparsity:g}" / f"seed-{seed}" / "manifest.json"
                units = images * config.pruning.epochs
                yield Job("pruning", method, config.teacher.architecture, teacher_px, units, file)


def shared_jobs(config: Config, classes: int, root: Path) -> Iterator[Job]:
    """Jobs that several methods share: prompts and tokens, one of each strategy that is used."""
    used = {config.methods[name].prompts for name in config.run} - {None}
    for strategy in (name for name in config.strategies if name in used):
        kind = config.strategies[strategy]
        prompts = classes * config.prompts_per_class(strategy)
        engine = config.prompts.engine if kind.contents else "templates"
        yield Job("prompts", strategy, engine, 0, prompts, root / "prompts" / f"{strategy}.json")
        if kind.token:
            size_px = config.diffusion.size_px
            yield Job("tokens", strategy, "tokens", size_px, classes, root / "tokens" / f"{strategy}.json")


def label_bytes(config: Config, method: str, classes: int) -> int:
    """Bytes of the soft labels that a method stores (docs/methods/dataset-distillation.md); 0 if it stores none."""
    views = classes * config.images_per_class(method) * config.label_epochs(method)
    return views * (2 * classes + 21)
