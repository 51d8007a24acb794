"""Which part of the configuration the results of a stage depend on; one function for each stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from prism.config.budgets import LABEL_ONLY
from prism.config.names import hint

if TYPE_CHECKING:
    from prism.config.base import Section
    from prism.config.methods import GuidanceTerm, MethodConfig
    from prism.config.model import Config

Recipe = dict[str, Any]
_NOT_OF_IMAGES = ("label", "images_per_class", "relabel", "inversion")  # the number has its place in synthesis
_LABEL_TRAINING = ("epochs", "batch", "optimizer", "learning_rate", "weight_decay", "momentum", "schedule")
# Keys that came after results had been made without them: left out at their default, so that those recipes stay.
_LATER = {
    "strategy": ("named", "token"),
    "method": ("cutmix", "select", "student"),
    "term": ("step", "moves", "statistics", "first_weight", "last_step"),
    "inversion": ("patch_px",),
}
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
        "images_per_class": config.prompts_per_class(strategy),
        "strategy": {"name": strategy, **_dump(kind, without=_defaults(kind, "strategy"))},
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
        "synthesis": {"images_per_class": config.images_per_class(method), "shards": config.shards(method)},
        "size_px": config.diffusion.size_px,
    }
    if chosen.engine == "real":
        return {**common, "engine": "real", **_real_images(config, method)}
    if chosen.inversion is not None:
        del common["size_px"]  # that of the diffusion model; inverted images have the teacher's
        return {**common, **_inverted(config, chosen)}
    diffusion = _dump(config.diffusion, without=("batch", "size_px"))
    if not chosen.needs_tiny_decoder:
        del diffusion["tiny_decoder"]
    if chosen.needs_batches:
        diffusion["batch"] = config.diffusion.batch
    return {**common, **_method(chosen), "diffusion": diffusion}


def _method(chosen: MethodConfig) -> Recipe:
    found = _dump(chosen, without=("guidance", *_NOT_OF_IMAGES, *_defaults(chosen, "method")))
    found["guidance"] = [_dump(term, without=_defaults(term, "term")) | _own_file(term) for term in chosen.guidance]
    return found


def _own_file(term: GuidanceTerm) -> Recipe:
    """The content of a file of the user's own counts, so that an edit makes the methods that use it anew."""
    return {} if term.facts.sha256 is None else {"file_sha256": term.facts.sha256}


def _defaults(section: Section, kind: str) -> tuple[str, ...]:
    """The later keys of a section that have their default."""
    fields = type(section).model_fields
    return tuple(key for key in _LATER[kind] if getattr(section, key) == fields[key].default)


def _inverted(config: Config, chosen: MethodConfig) -> Recipe:
    settings = _dump(chosen.inversion, without=_defaults(chosen.inversion, "inversion"))
    used: Recipe = {"engine": chosen.engine, "inversion": settings}
    if chosen.uses_teachers:
        used["teachers"] = {name: _dump(teacher) for name, teacher in config.teachers.items()}
    if not chosen.data_free:
        used["real"] = config.synthesis.real
    return used


def _inversion(config: Config, method: str) -> Recipe:
    """The student that the images of an adaptive inversion compete with; the images it learns from are files."""
    chosen = config.methods[method].inversion
    if chosen is None or chosen.adaptive is None:
        raise ValueError(f"method={method!r} has no section inversion.adaptive, so no student is trained for it")
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "teacher": _dump(config.teacher),
        "adaptive": _dump(chosen.adaptive, without=("weight", "js")),
    }


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


def _relabelling(config: Config, method: str) -> Recipe:
    chosen = config.methods[method].relabel
    if chosen is None:
        raise ValueError(f"methods.{method} has no key relabel, so no labels of it are stored")
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "teachers": [_dump(teacher) for teacher in config.label_teachers(method)],
        "precision": config.precision,
        "epochs": config.label_epochs(method),
        "views": {"size_px": config.teacher.size_px, **_dump(chosen, only=("crop_scale", "flip", "cutmix"))},
    }


def _training(config: Config, method: str) -> Recipe:
    """How a student learns: stored labels come with their views, so that nothing is augmented anew."""
    relabel, settings = config.methods[method].relabel, config.training(method)
    if relabel is None:
        return {"distillation": _dump(settings, without=("seeds",))}
    unused = ("temperature", "temperature_squared") if relabel.training.loss == "mse" else ()
    return {
        "distillation": _dump(settings, only=(*_LABEL_TRAINING, "warmup_epochs", "test_every")),
        "soft_labels": {
            key: value for key, value in _dump(relabel.training, only=LABEL_ONLY).items() if key not in unused
        },
    }


def _distillation(config: Config, method: str, student: str) -> Recipe:
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "teacher": _dump(config.teacher),
        "student": {"name": student, **_dump(config.students[student], without=("label",))},
        "precision": config.precision,
        **_training(config, method),
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


def _pruning(config: Config, method: str) -> Recipe:
    if config.pruning is None:
        raise ValueError("stage='pruning' is not run: the configuration has no section pruning")
    return {
        "seed": config.seed,
        "classes": str(config.classes),
        "teacher": _dump(config.teacher),
        "precision": config.precision,
        "pruning": _dump(config.pruning, without=("sparsities", "methods", "seeds")),
        "test": _dump(config.evaluation, only=("reference", "reference_per_class")),
        **_real_images(config, method),
    }


def _real_images(config: Config, method: str) -> Recipe:
    """What a method of engine real takes; the images of all others come as files, whose content counts."""
    if config.methods[method].engine != "real":
        return {}
    return {
        "real": config.synthesis.real,
        "images_per_class": config.images_per_class(method),
    }


def _tables(config: Config) -> Recipe:
    return {
        "experiment": config.experiment,
        "methods": {name: config.label(name) for name in config.run},
        **_budgets(config),
        "order": list(config.run),
        "students": {name: student.label or name for name, student in config.students.items()},
        "seeds": list(config.distillation.seeds),
        "domains": list(config.generalization.domains),
        "tables": _dump(config.tables, without=("replicates",)),  # whose files are inputs of the table that reads them
    }


def _claims(config: Config) -> Recipe:
    """Of the table of that name, which alone reads the statements."""
    return {**_tables(config), "claims": {name: _dump(claim) for name, claim in config.claims.items()}}


def _budgets(config: Config) -> Recipe:
    """The images per class of methods with a row in the table of distilled data sets; nothing if there is none."""
    found = {name: config.images_per_class(name) for name in config.run if config.methods[name].is_budgeted}
    return {"images_per_class": found} if found else {}


def _zoo(config: Config) -> Recipe:
    return {"zoo": _dump(config.zoo)}


_STAGES: dict[str, tuple[Callable[..., Recipe], tuple[str, ...]]] = {
    "prompts": (_prompts, ("strategy",)),
    "tokens": (_tokens, ("strategy",)),
    "synthesis": (_synthesis, ("method",)),
    "inversion": (_inversion, ("method",)),
    "evaluation": (_evaluation, ("method",)),
    "relabelling": (_relabelling, ("method",)),
    "distillation": (_distillation, ("method", "student")),
    "generalization": (_generalization, ()),
    "pruning": (_pruning, ("method",)),
    "tables": (_tables, ()),
    "claims": (_claims, ()),
    "zoo": (_zoo, ()),
}


def _dump(section: Section, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> Recipe:
    return section.model_dump(mode="json", include=set(only) or None, exclude=set(without))
