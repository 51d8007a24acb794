"""Golden values and random features for the tests of the metrics."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """Values computed by hand or by reference programs."""
    return json.loads((Path(__file__).parents[1] / "golden" / "metrics.json").read_text())


@pytest.fixture
def features() -> Callable[..., np.ndarray]:
    """``features(n, d, seed=0, shift=0, scale=1)``: Gaussian float64 features with correlated columns."""

    def draw(n: int, d: int, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
        mixing = np.random.default_rng(7).normal(size=(d, d)) / d**0.5
        return (np.random.default_rng(seed).normal(size=(n, d)) @ mixing) * scale + shift

    return draw


@pytest.fixture
def rotation() -> Callable[[int], np.ndarray]:
    """``rotation(d)``: a random orthogonal matrix."""
    return lambda d: np.linalg.qr(np.random.default_rng(3).normal(size=(d, d)))[0]
