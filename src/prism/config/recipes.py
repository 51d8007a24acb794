"""Which part of the configuration the results of a stage depend on; one function for each stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from prism.config.names import hint

if TYPE_CHECKING:
    from prism.config.base import Section
    from prism.config.model import Config

Recipe = dict[str, Any]
_ENGINE_KEYS = ("model", "revision", "temperature", "top_p", "max_new_tokens", "retries")


def recipe(config: Config, stage: str, *, method: str | None, student: str | None, strategy: str | None) -> Recipe:
    """See ``Config.recipe``."""
    if stage not in _STAGES:
        raise ValueError(f"stage={stage!r} is not a stage; {hint(stage, _STAGES)}")
    function, needed = _STAGES[stage]
    given = {"method": method, "student": student, "strategy": strategy}
    known = {"method": config.methods, "student": config.students, "strategy": config.strategies}
    chosen = {}
    for argument in needed:
        name = given[argument]
        if name is None:
            raise ValueError(f"{argument}=None, but the recipe of stage {stage} needs the name of one")
        if name not in known[argument]:
            raise ValueError(f"{argument}={name!r} is not known; {hint(name, known[argument])}")
        chosen[argument] = name
    return {"stage": stage, **chosen, **function(config, **chosen)}


def _prompts(config: Config, strategy: str) -> Recipe:
    kind, settings = config.strategies[strategy], config.prompts
    used: Recipe = _dump(config.diffusion, only=("pipeline", "revision"))  # whose text encoder limits the length
    if kind.diversified:
        used["seed"] = settings.seed
    if kind.styles:
        used |= _dump(settings, only=("styles", "photo_share"))
    if kind.contents:
        used |= _dump(settings, only=("engine", "per_class"))
    if kind.contents and settings.engine != "templates":
        used |= {"precision": config.precision, "language_model": _dump(settings, only=_ENGINE_KEYS)}
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "images_per_class": config.synthesis.images_per_class,
        "strategy": {"name": strategy, **_dump(kind, without=() if kind.token else ("token",))},
        "prompts": used,
    }


def _tokens(config: Config, strategy: str) -> Recipe:
    if not config.strategies[strategy].token:
        raise ValueError(f"strategy={strategy!r} is not one with learned tokens; strategies.{strategy}.token says so")
    learned_through = () if config.tokens.decoder == "tiny" else ("tiny_decoder",)
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "teacher": _dump(config.teacher),
        "precision": config.precision,
        "strategy": strategy,
        "prompts_per_class": min(config.tokens.images, config.synthesis.images_per_class),
        "tokens": _dump(config.tokens, without=("batch",)),
        "diffusion": _dump(config.diffusion, without=("batch", *learned_through)),
    }


def _synthesis(config: Config, method: str) -> Recipe:
    chosen = config.methods[method]
    common = {
        "seed": config.seed,
        "classes": str(config.classes),
        "teacher": _dump(config.teacher),
        "precision": config.precision,
        "synthesis": _dump(config.synthesis, only=("images_per_class", "shards")),
        "size_px": config.diffusion.size_px,
    }
    if chosen.engine == "real":
        return {**common, "engine": "real", **_real_images(config, method)}
    diffusion = _dump(config.diffusion, without=("batch", "size_px"))
    if not chosen.needs_tiny_decoder:
        del diffusion["tiny_decoder"]
    return {**common, **_dump(chosen, without=("label",)), "diffusion": diffusion}


def _evaluation(config: Config, method: str) -> Recipe:
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "teacher": _dump(config.teacher),
        "precision": config.precision,
        "size_px": config.diffusion.size_px,
        "evaluation": _dump(config.evaluation, without=("batch",)),
        **_real_images(config, method),
    }


def _distillation(config: Config, method: str, student: str) -> Recipe:
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "teacher": _dump(config.teacher),
        "student": {"name": student, **_dump(config.students[student], without=("label",))},
        "precision": config.precision,
        "distillation": _dump(config.distillation, without=("seeds",)),
        "test": _dump(config.evaluation, only=("reference", "reference_per_class")),
        **_real_images(config, method),
    }


def _generalization(config: Config) -> Recipe:
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "reference": config.evaluation.reference,  # the clean images of domains that are damaged ones
        "generalization": _dump(config.generalization, without=("batch",)),
    }


def _real_images(config: Config, method: str) -> Recipe:
    """What a method of engine real takes; the images of all others come as files, whose content counts."""
    if config.methods[method].engine != "real":
        return {}
    return {
        "real": config.synthesis.real,
        "images_per_class": config.synthesis.images_per_class,
    }


def _tables(config: Config) -> Recipe:
    return {
        "experiment": config.experiment,
        "methods": {name: config.methods[name].label or name for name in config.run},
        "order": list(config.run),
        "students": {name: student.label or name for name, student in config.students.items()},
        "seeds": list(config.distillation.seeds),
        "domains": list(config.generalization.domains),
        "tables": _dump(config.tables),
    }


def _zoo(config: Config) -> Recipe:
    return {"zoo": _dump(config.zoo)}


_STAGES: dict[str, tuple[Callable[..., Recipe], tuple[str, ...]]] = {
    "prompts": (_prompts, ("strategy",)),
    "tokens": (_tokens, ("strategy",)),
    "synthesis": (_synthesis, ("method",)),
    "evaluation": (_evaluation, ("method",)),
    "distillation": (_distillation, ("method", "student")),
    "generalization": (_generalization, ()),
    "tables": (_tables, ()),
    "zoo": (_zoo, ()),
}


def _dump(section: Section, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> Recipe:
    return section.model_dump(mode="json", include=set(only) or None, exclude=set(without))
