"""What a method may set for itself: its number of images and shards, its teachers and its training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prism.config.teacher import TeacherConfig

if TYPE_CHECKING:
    from prism.config.distillation import DistillationConfig
    from prism.config.model import Config

# Even two classes, the fewest there are, give more images than neighbours: the class list is not read here.
FEWEST_CLASSES = 2
LABEL_ONLY = ("loss", "temperature", "temperature_squared", "hard_weight")


def images_per_class(config: Config, method: str) -> int:
    """See ``Config.images_per_class``."""
    own = config.methods[method].images_per_class
    return config.synthesis.images_per_class if own is None else own


def shards(config: Config, method: str) -> int:
    """See ``Config.shards``."""
    images, inversion = images_per_class(config, method), config.methods[method].inversion
    together = 1  # images of a class that an inversion wants in a batch, and so in a shard
    if inversion is not None and inversion.classes_per_batch is not None:
        together = min(images, max(1, inversion.batch // inversion.classes_per_batch))
    most = min(config.synthesis.shards, images // together)
    return next(count for count in range(most, 0, -1) if images % count == 0)


def prompts_per_class(config: Config, strategy: str) -> int:
    """See ``Config.prompts_per_class``."""
    users = [name for name in config.run if name in config.methods and config.methods[name].prompts == strategy]
    return max([config.synthesis.images_per_class, *(images_per_class(config, name) for name in users)])


def evaluated(config: Config, method: str) -> bool:
    """See ``Config.evaluated``."""
    own = config.methods[method].images_per_class
    return own is None or own * FEWEST_CLASSES > config.evaluation.k


def label_teachers(config: Config, method: str) -> list[TeacherConfig]:
    """See ``Config.label_teachers``."""
    relabel = config.methods[method].relabel
    if relabel is None:
        return []
    common = config.teacher.model_dump(include={"mean", "std", "size_px"})
    return [
        config.teacher,
        *(config.teachers.values() if relabel.further_teachers else ()),
        *(TeacherConfig(**{**common, **other.model_dump(exclude_none=True)}) for other in relabel.teachers),
    ]


def further_teachers(config: Config) -> dict[str, TeacherConfig]:
    """See ``Config.further_teachers``."""
    methods = [config.methods[name] for name in config.run]
    asked = any(one.uses_teachers or (one.relabel and one.relabel.further_teachers) for one in methods)
    return dict(config.teachers) if asked else {}


def training(config: Config, method: str) -> DistillationConfig:
    """See ``Config.training``."""
    settings, relabel = config.distillation, config.methods[method].relabel
    if relabel is None:
        return settings
    own = relabel.training.model_dump(exclude_none=True, exclude=set(LABEL_ONLY))
    return type(settings)(**{**settings.model_dump(), **own})


def label_epochs(config: Config, method: str) -> int:
    """See ``Config.label_epochs``."""
    relabel = config.methods[method].relabel
    if relabel is None:
        return 0
    return relabel.epochs or training(config, method).epochs
