"""Checks across sections, and those that need to know the teacher or the class list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prism.config.base import Problem, is_hub_id, split_archive
from prism.config.names import ENERGIES, RESERVED_ENERGIES, hint
from prism.errors import ConfigError

if TYPE_CHECKING:
    from prism.config.model import Config

_FEWEST_CLASSES = 2  # a class list is not read here, but no classifier has fewer


def cross_checks(config: Config) -> list[Problem]:
    """Everything that is wrong between sections: (key, what is wrong and what would be right)."""
    found: list[Problem] = []
    for check in (_run, _strategies, _energies, _decoders, _real, _extractor, _zoo, _sample_sizes, _revisions):
        found += check(config)
    return found


def check_batchnorm(
    config: Config, teacher_has_batchnorm: bool | Callable[[str], bool], methods: Iterable[str] | None = None
) -> None:
    """Refuse methods that read BatchNorm statistics if the teacher has none.

    Args:
        config: the configuration.
        teacher_has_batchnorm: the answer, or a function of the architecture's name that gives it.
        methods: names of methods to look at; those of ``run`` if None.

    Raises:
        ConfigError: a method needs BatchNorm and the teacher has none.
    """
    needing = [name for name in methods or config.run if config.methods[name].needs_batchnorm]
    architecture = config.teacher.architecture
    if not needing:
        return
    if not (teacher_has_batchnorm(architecture) if callable(teacher_has_batchnorm) else teacher_has_batchnorm):
        raise ConfigError(
            f"config: methods.{needing[0]} needs BatchNorm, but teacher.architecture={architecture} has "
            "none; take the method from run or choose a teacher with BatchNorm"
        )


def check_sample_sizes(config: Config, classes: int) -> None:
    """Refuse metrics that need more images than there are, now that the number of classes is known.

    Raises:
        ConfigError: naming the key and the largest value that would do.
    """
    found = _too_few(config, config.synthesis.images_per_class * classes, classes)
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


def _energies(config: Config) -> list[Problem]:
    usable = [energy for energy in ENERGIES if energy not in RESERVED_ENERGIES]
    return [
        (
            f"methods.{name}.guidance[{place}].energy",
            f"{term.energy} is a reserved name that cannot be run yet; it may be one of {', '.join(usable)}",
        )
        for name in config.run
        if name in config.methods
        for place, term in enumerate(config.methods[name].guidance)
        if term.energy in RESERVED_ENERGIES
    ]


def _decoders(config: Config) -> list[Problem]:
    if config.diffusion.tiny_decoder is not None:
        return []
    learned: list[Problem] = []
    if config.tokens.decoder == "tiny" and any(config.learns_token(name) for name in config.run):
        learned = [
            ("tokens.decoder", "tiny, but diffusion.tiny_decoder is not set; name its folder there, or use full")
        ]
    return learned + [
        (
            f"methods.{name}.guidance[{place}].decoder",
            "tiny, but diffusion.tiny_decoder is not set; name its folder there, or use decoder: full",
        )
        for name in config.run
        if name in config.methods
        for place, term in enumerate(config.methods[name].guidance)
        if term.decoder == "tiny"
    ]


def _real(config: Config) -> list[Problem]:
    if config.synthesis.real is not None:
        return []
    return [
        ("synthesis.real", f"missing; method {name} of engine real needs the real training images")
        for name in config.run
        if name in config.methods and config.methods[name].engine == "real"
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
    return _too_few(config, config.synthesis.images_per_class * _FEWEST_CLASSES, _FEWEST_CLASSES)


def _too_few(config: Config, images: int, classes: int) -> list[Problem]:
    k, reference = config.evaluation.k, config.evaluation.reference_per_class
    fewest = images if reference is None else min(images, reference * classes)
    if k < fewest:
        return []
    return [("evaluation.k", f"{k} is too many neighbours among {fewest} images; {fewest - 1} is the most")]


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
