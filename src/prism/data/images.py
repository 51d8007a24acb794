"""Images in memory: one uint8 array with labels, the lock around real images, the decoding of one."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from prism.errors import DataError

READERS_OF_REAL_DATA = ("evaluation", "generalization", "real")
_BROKEN_IMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with labels: ``images`` uint8 (n, height, width, 3), ``labels`` int64 (n,).

    Raises:
        DataError: an array has another type or shape.
    """

    images: np.ndarray
    labels: np.ndarray
    name: str

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise DataError(f"{self.name}: images are {images.dtype} {images.shape}; they must be uint8 (n, h, w, 3)")
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise DataError(
                f"{self.name}: labels are {labels.dtype} {labels.shape}; they must be int64 ({len(images)},)"
            )

    def __len__(self) -> int:
        return len(self.labels)


class EvaluationData:
    """Real images behind a lock: a data-free method sees none, so only the named readers may open it."""

    def __init__(self, images: ImageSet) -> None:
        self._images = images
        self.name = images.name

    def __len__(self) -> int:
        return len(self._images)

    def open_for(self, reader: str) -> ImageSet:
        """The images, for ``evaluation``, ``generalization`` or the upper bound ``real``.

        Raises:
            DataError: any other reader asks.
        """
        if reader not in READERS_OF_REAL_DATA:
            allowed = ", ".join(READERS_OF_REAL_DATA)
            raise DataError(f"{self.name}: holds real images, which {reader!r} may not read; only {allowed} may")
        return self._images


def decode_image(data: bytes, size_px: int | None, *, name: str) -> np.ndarray:
    """An encoded image as uint8 (height, width, 3): RGB, the centre square at ``size_px`` (None: as it is).

    Raises:
        DataError: the image is cut short or broken; the message has ``name``.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            if size_px is not None:
                # JPEG is decoded at a fraction of its size when that leaves twice the pixels asked for.
                image.draft("RGB", (2 * size_px, 2 * size_px))
            picture = image.convert("RGB")
            if size_px is not None and picture.size != (size_px, size_px):
                side = min(picture.size)
                left, top = (picture.width - side) / 2, (picture.height - side) / 2
                box = (left, top, left + side, top + side)
                picture = picture.resize((size_px, size_px), Image.Resampling.BICUBIC, box=box)
            return np.asarray(picture)
    except _BROKEN_IMAGE as error:
        raise DataError(f"{name}: is not a whole image ({error}); replace or remove it") from error
