"""One door to labelled images, wherever they come from: ``world:<domain>``, a folder, or an archive.

``train`` and ``test`` are splits of a drawn world (two seeds); of folders they are two specifications.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeVar

from PIL import Image

from prism.data.arrays import pixel_array
from prism.data.classes import ClassList
from prism.data.folders import load_images
from prism.data.images import ImageSet
from prism.errors import DataError
from prism.seeds import derive

WORLD = "world:"
_WORLD_DEFAULT_COUNT = 100  # images of each class where none is asked for: a world has no end
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
    for index, image in enumerate(images.images):
        scaled[index] = Image.fromarray(image).resize((size_px, size_px), Image.Resampling.BICUBIC)
    return replace(images, images=scaled)
