"""Checks across sections, and those that need to know the class list."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prism.config import sampling_checks
from prism.config.base import Problem, is_hub_id, split_archive
from prism.config.budgets import FEWEST_CLASSES
from prism.config.inversion import batch_problems, inversion_problems
from prism.config.names import CLAIMED_METHODS, hint
from prism.config.replicates import replicate_problems
from prism.errors import ConfigError

if TYPE_CHECKING:
    from prism.config.model import Config


def cross_checks(config: Config) -> list[Problem]:
    """Everything that is wrong between sections: (key, what is wrong and what would be right)."""
    found: list[Problem] = []
    for check in (
        *(_run, _strategies, inversion_problems),
        *(
            sampling_checks.batches,
            sampling_checks.terms,
            sampling_checks.cutmix,
            sampling_checks.students,
            sampling_checks.decoders,
        ),
        *(_real, _extractor, _zoo, _sample_sizes, _revisions, _relabelling, _pruning, _claims, replicate_problems),
    ):
        found += check(config)
    return found


def check_batches(config: Config, classes: int, methods: Iterable[str] | None = None) -> None:
    """Refuse methods whose batches are too small for batch statistics, now that the number of classes is known.

    Args:
        config: the configuration.
        classes: the length of the class list.
        methods: names of methods to look at; those of ``run`` if None.

    Raises:
        ConfigError: naming the method and the number of images or shards that would do.
    """
    found = batch_problems(config, classes, methods)
    if found:
        raise ConfigError("\n".join(f"config: {key}: {message}" for key, message in found))


def _run(config: Config) -> list[Problem]:
    found = [
        (f"run[{place}]", f"{name} is not a method; {hint(name, config.methods)}")
        for place, name in enumerate(config.run)
        if name not in config.methods
    ]
    repeated = sorted({name for name in config.run if config.run.count(name) > 1})
    return found + [("run", f"{name} is given twice") for name in repeated]


def _strategies(config: Config) -> list[Problem]:
    return [
        (
            f"methods.{name}.prompts",
            f"{method.prompts} is not a strategy; {hint(method.prompts, config.strategies)}",
        )
        for name, method in config.methods.items()
        if method.prompts is not None and method.prompts not in config.strategies
    ]


def _real(config: Config) -> list[Problem]:
    if config.synthesis.real is not None:
        return []
    return [
        (
            "synthesis.real",
            f"missing; method {name} of engine {config.methods[name].engine} needs the real training images",
        )
        for name in config.run
        if name in config.methods and not config.methods[name].data_free
    ]


def _extractor(config: Config) -> list[Problem]:
    extractor = config.evaluation.extractor
    if extractor.kind != "classifier" or extractor.weights != config.teacher.weights:
        return []
    return [
        (
            "evaluation.extractor.weights",
            f"{extractor.weights} is the teacher, which steers the images; they are measured by another network",
        )
    ]


def _zoo(config: Config) -> list[Problem]:
    """The text-to-image model is trained on other images than those that stand for the lost or the test data."""
    kept_away = {
        "synthesis.real": config.synthesis.real,
        "evaluation.reference": config.evaluation.reference,
        **{f"generalization.domains.{name}": spec for name, spec in config.generalization.domains.items()},
    }
    found = []
    for place, images in enumerate(config.zoo.images):
        shared = next((key for key, spec in kept_away.items() if spec and _overlap(images, spec)), None)
        if shared is not None:
            what = f"{images} holds images of {shared}, which the text-to-image model must not see"
            found.append((f"zoo.images[{place}]", what))
    return found


def _overlap(one: str, other: str) -> bool:
    """Whether two image specifications have a folder in common, as far as their names say."""
    first, second = ([*Path(path).parts, *Path(inner).parts] for path, inner in map(split_archive, (one, other)))
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def _sample_sizes(config: Config) -> list[Problem]:
    k, reference, images = config.evaluation.k, config.evaluation.reference_per_class, config.synthesis.images_per_class
    fewest = FEWEST_CLASSES * (images if reference is None else min(images, reference))
    if k < fewest:
        return []
    return [("evaluation.k", f"{k} is too many neighbours among {fewest} images; {fewest - 1} is the most")]


def _relabelling(config: Config) -> list[Problem]:
    """Training on stored labels: its own keys fit the section distillation, and no label is stored for nothing."""
    found = []
    for name in config.run:
        relabel = config.methods[name].relabel if name in config.methods else None
        if relabel is None:
            continue
        settings, own, key = config.distillation, relabel.training, f"methods.{name}.relabel"
        epochs = settings.epochs if own.epochs is None else own.epochs
        warmup = settings.warmup_epochs if own.warmup_epochs is None else own.warmup_epochs
        if warmup >= epochs:
            found.append((f"{key}.training.warmup_epochs", f"{warmup} should be smaller than the {epochs} epochs"))
        if relabel.further_teachers and not config.teachers:
            found.append((f"{key}.further_teachers", "true, but `teachers` names no further teacher"))
        if relabel.epochs is not None and relabel.epochs > epochs:
            found.append((f"{key}.epochs", f"{relabel.epochs} is more than the {epochs} epochs of the training"))
    return found


def _revisions(config: Config) -> list[Problem]:
    found = []
    local_model = config.prompts.model if config.prompts.engine == "transformers" else None
    named = (
        ("diffusion.revision", config.diffusion.pipeline, config.diffusion.revision),
        ("prompts.revision", local_model, config.prompts.revision),
    )
    for key, model, revision in named:
        if model and is_hub_id(model) and revision is None:
            found.append((key, f"missing; {model} is a hub id: pin its commit, or write ./{model} for a folder"))
    return found


def _pruning(config: Config) -> list[Problem]:
    methods = config.pruning.methods if config.pruning else None
    return [
        (f"pruning.methods[{place}]", f"{name} is not in run; {hint(name, config.run)}")
        for place, name in enumerate(methods or [])
        if name not in config.run
    ]


def _claims(config: Config) -> list[Problem]:
    """Names in claims: a method may be one that no recipe makes yet, but not one that nobody has heard of."""
    methods = [*config.methods, *(name for name in CLAIMED_METHODS if name not in config.methods)]
    domains = ["mean", "all", "any", *config.generalization.domains]
    found = []
    for name, claim in config.claims.items():
        named = (
            ("student", claim.student, list(config.students)),
            ("domains", claim.domains, domains),
            *(("", method, methods) for method in claim.methods),
        )
        for key, word, known in named:
            if word is not None and word not in known:
                where = f"claims.{name}.{key}".rstrip(".")
                found.append((where, f"{word} is not a {key.rstrip('s') or 'method'}; {hint(word, known)}"))
    return found
