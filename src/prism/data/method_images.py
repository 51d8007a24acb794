"""Which images an experiment learns from and is scored on, as its configuration says: one door for all stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prism.config import Config
from prism.data.classes import ClassList
from prism.data.images import EvaluationData, ImageSet
from prism.data.shards import read_shards
from prism.data.sources import WORLD, load_source, split_seed
from prism.errors import DataError


def method_images(config: Config, method: str, shards: Sequence[Path], classes: ClassList, *, real_px: int) -> ImageSet:
    """A method's images: those of its shards at the size that they have, or real ones for the upper bound.

    Args:
        config: the configuration.
        method: a name of ``config.methods``; engine ``real`` takes as many real training images as others make.
        shards: the method's shards; none for engine ``real``.
        classes: the class list.
        real_px: side of the real images.

    Returns:
        A :class:`prism.data.shards.ShardSet` where there are shards.

    Raises:
        DataError: shards or images are missing or broken, or have a label that the class list has not.
    """
    if config.methods[method].engine != "real":
        images: ImageSet = read_shards([Path(shard) for shard in shards])
    elif shards:
        raise DataError(f"method {method}: engine real takes real images, but {shards[0]} is given too")
    else:
        count = config.images_per_class(method)
        images = real_training_images(config, classes, size_px=real_px, count=count)
    if images.labels.min() < 0 or images.labels.max() >= len(classes):
        raise DataError(f"{images.name}: has label {images.labels.max()}, the class list ends at {len(classes) - 1}")
    return images


def real_training_images(config: Config, classes: ClassList, *, size_px: int, count: int | None) -> ImageSet:
    """Real training images, ``count`` of each class or all: for the upper bound, and what is labelled as not data-free.

    Raises:
        DataError: they are missing or broken.
    """
    images = load_source(
        str(config.synthesis.real),
        size_px=size_px,
        classes=classes,
        count=count,
        seed=split_seed(config.seed, "train"),
    )
    return EvaluationData(images).open_for("real")


def reference_images(config: Config, classes: ClassList, *, size_px: int, drawn: int | None = None) -> ImageSet:
    """The real in-distribution test images. They are scored on and compared with, and decide nothing.

    Args:
        config: the configuration.
        classes: the class list.
        size_px: side of the images.
        drawn: how many a drawn world gives of each class where the configuration asks for no number.

    Raises:
        DataError: they are missing or broken.
    """
    spec, count = config.evaluation.reference, config.evaluation.reference_per_class
    if count is None and spec.startswith(WORLD):
        count = drawn
    images = load_source(spec, size_px=size_px, classes=classes, count=count, seed=split_seed(config.seed, "test"))
    return EvaluationData(images).open_for("evaluation")
