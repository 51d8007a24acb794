"""One door to labelled images, wherever they come from: ``world:<domain>``, a folder, or an archive.

``train`` and ``test`` are splits of a drawn world (two seeds); of folders they are two specifications.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, TypeVar

from PIL import Image

from prism.data.arrays import pixel_array
from prism.data.classes import ClassList
from prism.data.folders import ImageFolder, image_parts, load_images
from prism.data.images import ImageSet
from prism.errors import DataError
from prism.seeds import derive

WORLD = "world:"
_WORLD_DEFAULT_COUNT = 100  # images of each class where none is asked for: a world has no end
_RESIZE_THREADS = 8  # PIL resizes without the interpreter's lock
_AT_ONCE = 4096  # images handed to them
Split = Literal["train", "test"]
Images = TypeVar("Images", bound=ImageSet)


def split_seed(run_seed: int, split: Split) -> int:
    """The seed that keeps drawn training images and drawn test images apart, equal in all stages."""
    return derive(run_seed, "images", split)


def load_source(spec: str, *, size_px: int, classes: ClassList, count: int | None, seed: int) -> ImageSet:
    """Labelled images of a specification, ordered by class.

    Args:
        spec: ``world:<domain>`` of the miniature, a folder, or ``path.zip!inner/prefix``.
        size_px: side of the images returned.
        classes: the class list, whose order the labels follow.
        count: images of each class; None for all there are (of a drawn world, 100).
        seed: decides what a world draws (see :func:`split_seed`); folders do not need it.

    Raises:
        DataError: nothing is there, an image is broken, or the classes are not the world's.
    """
    if not spec.startswith(WORLD):
        return load_images(spec, size_px, classes=classes, per_class=count)
    from prism.miniature.sources import world_images  # late, as below

    names = world_names()
    if classes.names != names:
        listed = ", ".join(classes.names[:3])
        raise DataError(f"{spec}: draws {', '.join(names)}; the class list has {listed} and so on")
    drawn = world_images(spec.removeprefix(WORLD), count or _WORLD_DEFAULT_COUNT, seed)
    return resized(drawn, size_px)


def source_parts(
    spec: str, *, size_px: int, classes: ClassList, count: int | None, seed: int, most: int
) -> Iterator[ImageSet]:
    """The same images, those of a folder or an archive in parts of ``most`` at most.

    Raises:
        DataError: as :func:`load_source`.
    """
    if spec.startswith(WORLD):
        yield load_source(spec, size_px=size_px, classes=classes, count=count, seed=seed)
    else:
        yield from image_parts(ImageFolder(spec, classes), size_px, per_class=count, most=most)


def world_names() -> tuple[str, ...]:
    """The class names that a drawn world has, in their order."""
    # The one import upwards: the world lies above the data, and is loaded only by those who ask for it, so
    # that neither a stage nor this module depends on it.
    from prism.miniature.lexicon import CONCEPTS, IN_DISTRIBUTION

    return tuple(CONCEPTS[key].name for key in IN_DISTRIBUTION)


def resized(images: Images, size_px: int) -> Images:
    """The same images with another side, bicubic and antialiased; unchanged if they have it already. What else is
    known of them stays.
    """
    if images.images.shape[1:3] == (size_px, size_px):
        return images
    scaled = pixel_array(len(images), size_px, size_px, 3)

    def resize(index: int) -> None:
        image = Image.fromarray(images.images[index])
        scaled[index] = image.resize((size_px, size_px), Image.Resampling.BICUBIC)

    with ThreadPoolExecutor(_RESIZE_THREADS) as pool:
        for start in range(0, len(images), _AT_ONCE):
            list(pool.map(resize, range(start, min(start + _AT_ONCE, len(images)))))
    return replace(images, images=scaled)
