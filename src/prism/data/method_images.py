"""Which images an experiment learns from and is scored on, as its configuration says: one door for all stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from prism.config import Config
from prism.data.classes import ClassList
from prism.data.images import EvaluationData, ImageSet
from prism.data.shards import read_one_by_one, read_shards
from prism.data.sources import WORLD, load_source, source_parts, split_seed
from prism.errors import DataError

_PART = 20_000  # real images that are measured together: 16 GB at 512 px


def method_images(
    config: Config,
    method: str,
    shards: Sequence[Path],
    classes: ClassList,
    *,
    real_px: int,
    fit: Callable[[ImageSet], ImageSet] = lambda images: images,
) -> ImageSet:
    """A method's images: those of its shards, or real ones for the upper bound.

    Args:
        config: the configuration.
        method: a name of ``config.methods``; engine ``real`` takes as many real training images as others make.
        shards: the method's shards; none for engine ``real``.
        classes: the class list.
        real_px: side of the real images.
        fit: brings images to the size that is wanted. It gets a shard at a time, so that all of them are never there at
            the size in which they were made.

    Returns:
        A :class:`prism.data.shards.ShardSet` where there are shards.

    Raises:
        DataError: shards or images are missing or broken, or have a label that the class list has not.
    """
    if config.methods[method].engine != "real":
        return _checked(read_shards(shards, fit), classes)
    return _checked(fit(_upper_bound(config, method, shards, classes, real_px)), classes)


def method_parts(
    config: Config, method: str, shards: Sequence[Path], classes: ClassList, *, real_px: int
) -> Iterator[ImageSet]:
    """The same in parts, each at the size that it has: a shard at a time, real images some thousands at a time."""
    if config.methods[method].engine != "real":
        parts: Iterator[ImageSet] = read_one_by_one(shards)
    else:
        _refuse_shards(method, shards)
        source = _real_source(config, classes, size_px=real_px, count=config.images_per_class(method))
        parts = map(lambda part: EvaluationData(part).open_for("real"), source_parts(**source, most=_PART))
    yield from map(lambda part: _checked(part, classes), parts)  # no name holds a part while the next one is made


def _upper_bound(config: Config, method: str, shards: Sequence[Path], classes: ClassList, size_px: int) -> ImageSet:
    _refuse_shards(method, shards)
    return real_training_images(config, classes, size_px=size_px, count=config.images_per_class(method))


def _refuse_shards(method: str, shards: Sequence[Path]) -> None:
    if shards:
        raise DataError(f"method {method}: engine real takes real images, but {shards[0]} is given too")


def _checked(images: ImageSet, classes: ClassList) -> ImageSet:
    if images.labels.min() < 0 or images.labels.max() >= len(classes):
        raise DataError(f"{images.name}: has label {images.labels.max()}, the class list ends at {len(classes) - 1}")
    return images


def real_training_images(config: Config, classes: ClassList, *, size_px: int, count: int | None) -> ImageSet:
    """Real training images, ``count`` of each class or all: for the upper bound, and what is labelled as not data-free.

    Raises:
        DataError: they are missing or broken.
    """
    return EvaluationData(load_source(**_real_source(config, classes, size_px=size_px, count=count))).open_for("real")


def _real_source(config: Config, classes: ClassList, *, size_px: int, count: int | None) -> dict[str, Any]:
    seed = split_seed(config.seed, "train")
    return {"spec": str(config.synthesis.real), "size_px": size_px, "classes": classes, "count": count, "seed": seed}


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
