"""Fixtures that several tests share: pictures, class lists, and the real data where a machine has them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds src, config and tests."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images and weights: $PRISM_SHARED_DATA, or ``shared/data`` beside the project; skips if absent."""
    places = [ROOT.parent / "shared" / "data"]
    if named := os.environ.get("PRISM_SHARED_DATA"):
        places.insert(0, Path(named))
    for place in places:
        if place.is_dir():
            return place
    pytest.skip("no real data here: set PRISM_SHARED_DATA to their folder")


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    """``picture(seed, size_px=32)``: a smooth random picture, uint8 (size_px, size_px, 3)."""

    def draw(seed: int, size_px: int = 32) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(coarse).resize((size_px, size_px), Image.Resampling.BILINEAR))

    return draw


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """``encode(picture, format="PNG")``: the encoded bytes of a uint8 picture."""

    def to_bytes(image: np.ndarray, format: str = "PNG") -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format, quality=95)
        return buffer.getvalue()

    return to_bytes
