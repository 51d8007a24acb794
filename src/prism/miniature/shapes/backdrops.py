"""Backgrounds: one function per context, told apart by their colours alone, each with one or two bold faint features.

Every function takes ``depth`` (how strong gradients are: 1 in a photo, 0 where a style wants flat colours) and returns
float32 (FRAME_PX, FRAME_PX, 3) in 0-255. They are drawn at the final size, with soft edges instead of supersampling.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from prism.miniature.shapes.pen import FRAME_PX

_ROWS, _COLUMNS = np.mgrid[0:FRAME_PX, 0:FRAME_PX].astype(np.float32)


def _colour(red: int, green: int, blue: int) -> np.ndarray:
    return np.array([red, green, blue], dtype=np.float32)


def _blend(below: np.ndarray, above: np.ndarray, share: np.ndarray) -> np.ndarray:
    """``above`` over ``below``, with ``share`` (FRAME_PX, FRAME_PX) of it."""
    return below + (above - below) * share[:, :, None]


def _vertical(top: np.ndarray, bottom: np.ndarray, depth: float) -> np.ndarray:
    """A gradient from top to bottom, drawn towards the mean of both as ``depth`` falls to 0."""
    share = 0.5 + (_ROWS / (FRAME_PX - 1) - 0.5) * depth
    return _blend(top, bottom, share)


def _under(edge_row: np.ndarray | float) -> np.ndarray:
    """1 below the edge, 0 above it, one pixel soft."""
    return np.clip(_ROWS - edge_row + 0.5, 0, 1)


def _disc(x: float, y: float, radius_x: float, radius_y: float) -> np.ndarray:
    """1 inside an ellipse, 0 outside, soft at the rim."""
    distance = np.hypot((_COLUMNS - x) / radius_x, (_ROWS - y) / radius_y)
    return np.clip((1 - distance) * min(radius_x, radius_y) + 0.5, 0, 1)


def grass(rng: np.random.Generator, depth: float) -> np.ndarray:
    """A meadow under a pale strip of sky."""
    meadow = _vertical(_colour(128, 194, 84), _colour(84, 156, 58), depth)
    return _blend(_colour(206, 230, 236), meadow, _under(rng.uniform(4, 8)))


def sky(rng: np.random.Generator, depth: float) -> np.ndarray:
    """Light blue all over, with one cloud."""
    image = _vertical(_colour(116, 186, 244), _colour(174, 218, 248), depth)
    x, y = rng.uniform(4, 28), rng.uniform(4, 26)
    cloud = np.maximum(_disc(x, y, 7, 3), _disc(x + 3, y - 2, 4, 3))
    return _blend(image, _colour(226, 240, 252), cloud)


def water(rng: np.random.Generator, depth: float) -> np.ndarray:
    """Deep teal with broad waves."""
    image = _vertical(_colour(20, 138, 160), _colour(8, 92, 128), depth)
    phase_x, phase_y = rng.uniform(0, 2 * np.pi, 2)
    crest = np.sin(_ROWS * (2 * np.pi / 10) + phase_y + 0.9 * np.sin(_COLUMNS * (2 * np.pi / 16) + phase_x))
    return _blend(image, _colour(70, 178, 196), np.clip(crest * 1.5 - 0.6, 0, 1) * 0.6)


def sand(rng: np.random.Generator, depth: float) -> np.ndarray:
    """Tan dunes under a pale yellow haze."""
    image = _vertical(_colour(236, 208, 138), _colour(214, 176, 104), depth)
    phase = rng.uniform(0, 2 * np.pi)
    dune = rng.uniform(17, 22) + 2.5 * np.sin(_COLUMNS * (2 * np.pi / 30) + phase)
    image = _blend(image, _colour(206, 166, 98), _under(dune) * 0.6)
    return _blend(_colour(250, 240, 204), image, _under(rng.uniform(4, 8)))


def snow(rng: np.random.Generator, depth: float) -> np.ndarray:
    """White ground, blue-grey sky, a few large flakes."""
    air = _vertical(_colour(146, 164, 190), _colour(170, 186, 208), depth)
    image = _blend(air, _colour(232, 240, 250), _under(rng.uniform(13, 18)))
    for x, y in rng.uniform(1, 31, (7, 2)):
        image = _blend(image, _colour(255, 255, 255), _disc(x, y, 1.2, 1.2))
    return image


def night(rng: np.random.Generator, depth: float) -> np.ndarray:
    """Dark navy with a moon and stars."""
    image = _vertical(_colour(12, 14, 44), _colour(26, 30, 74), depth)
    for x, y in rng.uniform(1, 31, (5, 2)):
        image = _blend(image, _colour(190, 190, 170), _disc(x, y, 0.9, 0.9))
    moon_x = rng.uniform(3, 7) if rng.random() < 0.5 else rng.uniform(25, 29)
    return _blend(image, _colour(236, 230, 190), _disc(moon_x, rng.uniform(3, 6), 3.2, 3.2))


def indoors(rng: np.random.Generator, depth: float) -> np.ndarray:
    """A beige wall with a window, over a brown floor."""
    wall = _vertical(_colour(228, 206, 184), _colour(212, 188, 166), depth)
    x = rng.uniform(3, 7) if rng.random() < 0.5 else rng.uniform(25, 29)
    window = ((np.abs(_COLUMNS - x) < 4.5) & (np.abs(_ROWS - 7) < 4.5)).astype(np.float32)
    wall = _blend(wall, _colour(238, 240, 236), window)
    floor = _under(rng.uniform(22, 25))
    return _blend(wall, _colour(132, 92, 62), floor)


BACKDROPS: dict[str, Callable[[np.random.Generator, float], np.ndarray]] = {
    "grass": grass,
    "sky": sky,
    "water": water,
    "sand": sand,
    "snow": snow,
    "night": night,
    "indoors": indoors,
}
