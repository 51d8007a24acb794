"""Damage to images, in five severities: what a camera, a cable or a codec does.

The kinds follow Hendrycks & Dietterich 2019 (arXiv 1903.12261); the strengths are ours, chosen for 32 px
images, where theirs for 224 px leave nothing to see. All functions take and give uint8 (height, width, 3).
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from prism.data.arrays import pixel_array
from prism.seeds import derive, rng

SEVERITIES = (1, 2, 3, 4, 5)
DEFAULT_SEVERITY = 3

_NOISE_SIGMA = (10.0, 18.0, 28.0, 40.0, 55.0)  # of 255
_BLUR_RADIUS = (0.02, 0.03, 0.04, 0.055, 0.075)  # of the side
_CONTRAST_FACTOR = (0.7, 0.5, 0.35, 0.25, 0.15)
_BRIGHTNESS_SHIFT = (30, 50, 70, 90, 110)  # of 255
_PIXELATE_SHARE = (0.75, 0.6, 0.5, 0.375, 0.25)  # of the side
_JPEG_QUALITY = (40, 25, 15, 10, 6)


def noise(image: np.ndarray, severity: int, numbers: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise to each channel of each pixel."""
    damaged = image + numbers.normal(0, _NOISE_SIGMA[severity - 1], image.shape)
    return _as_uint8(damaged)


def blur(image: np.ndarray, severity: int, numbers: np.random.Generator) -> np.ndarray:
    """Blur with a Gaussian whose radius is a share of the image's side."""
    radius = _BLUR_RADIUS[severity - 1] * image.shape[0]
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def contrast(image: np.ndarray, severity: int, numbers: np.random.Generator) -> np.ndarray:
    """Pull every channel towards its mean."""
    mean = image.mean(axis=(0, 1), keepdims=True)
    return _as_uint8((image - mean) * _CONTRAST_FACTOR[severity - 1] + mean)


def brightness(image: np.ndarray, severity: int, numbers: np.random.Generator) -> np.ndarray:
    """Make every pixel brighter."""
    return _as_uint8(image.astype(np.float64) + _BRIGHTNESS_SHIFT[severity - 1])


def pixelate(image: np.ndarray, severity: int, numbers: np.random.Generator) -> np.ndarray:
    """Shrink by averaging and grow back in blocks."""
    height, width = image.shape[:2]
    share = _PIXELATE_SHARE[severity - 1]
    small = (max(1, round(width * share)), max(1, round(height * share)))
    picture = Image.fromarray(image).resize(small, Image.Resampling.BOX)
    return np.asarray(picture.resize((width, height), Image.Resampling.NEAREST))


def jpeg(image: np.ndarray, severity: int, numbers: np.random.Generator) -> np.ndarray:
    """Compress as JPEG and decode."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=_JPEG_QUALITY[severity - 1])
    return np.asarray(Image.open(buffer).convert("RGB"))


CORRUPTIONS: dict[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "noise": noise,
    "blur": blur,
    "contrast": contrast,
    "brightness": brightness,
    "pixelate": pixelate,
    "jpeg": jpeg,
}


def corrupt(images: np.ndarray, kind: str, severity: int, *, seed: int) -> np.ndarray:
    """Images uint8 (n, height, width, 3), each damaged in the same way; the input is not changed.

    Args:
        images: the images.
        kind: a key of :data:`CORRUPTIONS`, or ``all`` for every kind in turn, image by image.
        severity: 1 (hardly visible) to 5.
        seed: seed of the noise, which is drawn for each image by its index.

    Raises:
        ValueError: the kind is unknown or the severity is not 1 to 5.
    """
    if kind != "all" and kind not in CORRUPTIONS:
        raise ValueError(f"kind={kind!r} is not a corruption; it may be all, {', '.join(CORRUPTIONS)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity={severity!r} is not one of {', '.join(map(str, SEVERITIES))}")
    kinds = tuple(CORRUPTIONS) if kind == "all" else (kind,)
    damaged = pixel_array(*images.shape)
    for index, image in enumerate(images):
        numbers = rng(derive(seed, "corruption", kind, index))
        damaged[index] = CORRUPTIONS[kinds[index % len(kinds)]](image, severity, numbers)
    return damaged


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
