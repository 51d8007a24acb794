"""Styles: how roles and a backdrop become a picture. One function per style.

Every style takes the roles (CANVAS_PX, CANVAS_PX), the backdrop (FRAME_PX, FRAME_PX, 3) and the object's colour, all in
0-255, and returns float32 (FRAME_PX, FRAME_PX, 3). An object stands out from any backdrop: where its colour is near to
what lies behind it, its contour becomes broader, and light before a dark backdrop.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from prism.miniature.shapes.pen import (
    AMBER,
    AQUA,
    CONTOUR,
    DARK,
    EMPTY,
    FRAME_PX,
    LEAF,
    LIGHT,
    MAIN,
    METAL,
    PALE,
    ROLE_COUNT,
    SHADE,
    SUPERSAMPLING,
    WOOD,
)

_FIXED_COLOURS = {
    DARK: (50, 48, 58),
    PALE: (248, 248, 244),
    WOOD: (136, 88, 46),
    METAL: (150, 156, 168),
    AQUA: (120, 200, 228),
    AMBER: (240, 160, 40),
    LEAF: (36, 142, 60),
}
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_PAPER = np.array([250, 249, 245], dtype=np.float32)
_PENCIL = (74, 74, 80)
_NEAR = 110.0  # RGB distance below which an object would melt into its backdrop
_LIGHT_SHADING = np.linspace(1.18, 0.8, 2 * FRAME_PX - 1, dtype=np.float32)[
    np.add.outer(np.arange(FRAME_PX), np.arange(FRAME_PX))
][:, :, None]  # (FRAME_PX, FRAME_PX, 1), from top left to bottom right


def photo(roles: np.ndarray, backdrop: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shaded fill, thin contour, faint noise."""
    palette = _palette(colour)
    near, dark_behind = _contrast(roles, backdrop, colour)
    palette[CONTOUR] = (236, 232, 214) if dark_behind else colour * 0.25
    ring = _contour(roles, 4.5 if near else 2.5)
    picture = _compose(ring, palette, backdrop, shading=_LIGHT_SHADING)
    return picture + rng.normal(0, 3, picture.shape).astype(np.float32)


def sketch(roles: np.ndarray, backdrop: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pencil lines on paper, faintly tinted."""
    palette = _PAPER + (_palette(colour) - _PAPER) * 0.28
    palette[DARK] = (150, 150, 156)
    palette[CONTOUR] = _PENCIL
    inked = _ink_inner_edges(_contour(roles, 4.0))
    return _compose(inked, palette, _PAPER + (backdrop - _PAPER) * 0.18)


def cartoon(roles: np.ndarray, backdrop: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flat saturated fill, bold black outline, flat bright backdrop."""
    palette = np.clip(_saturate(_palette(colour), 1.3), 0, 255)
    palette[CONTOUR] = (0, 0, 0)
    inked = _ink_inner_edges(_contour(roles, 7.0))
    return _compose(inked, palette, np.clip(_saturate(backdrop, 1.5) * 1.06, 0, 255))


def painting(roles: np.ndarray, backdrop: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Muted warm colours in coarse brush patches."""
    palette = _palette(colour)
    near, dark_behind = _contrast(roles, backdrop, colour)
    palette[CONTOUR] = (214, 200, 166) if dark_behind else colour * 0.35
    ring = _contour(roles, 4.0) if near else roles
    picture = _compose(ring, palette, backdrop)
    picture = _saturate(picture, 0.72) * np.array([0.98, 0.91, 0.78], dtype=np.float32) + 10
    patches = rng.normal(0, 9, (9, 9, 1)) + rng.normal(0, 5, (9, 9, 3))  # more in brightness than in hue
    patches = patches.astype(np.float32).repeat(4, axis=0).repeat(4, axis=1)
    row, column = rng.integers(0, 4, 2)
    picture = picture + patches[row : row + FRAME_PX, column : column + FRAME_PX]
    coarse = np.clip(np.round(picture / 20) * 20, 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float32)


def _palette(colour: np.ndarray) -> np.ndarray:
    """Role colours, float32 (ROLE_COUNT, 3), for an object of this colour."""
    palette = np.zeros((ROLE_COUNT, 3), dtype=np.float32)
    for role, fixed in _FIXED_COLOURS.items():
        palette[role] = fixed
    palette[MAIN] = colour
    palette[SHADE] = colour * 0.68
    palette[LIGHT] = colour + (255 - colour) * 0.45
    return palette


def _saturate(colours: np.ndarray, factor: float) -> np.ndarray:
    """Move colours (..., 3) away from (factor > 1) or towards their own grey."""
    grey = (colours @ _LUMA)[..., None]
    return grey + (colours - grey) * factor


def _contrast(roles: np.ndarray, backdrop: np.ndarray, colour: np.ndarray) -> tuple[bool, bool]:
    """Whether the object's colour is near to the backdrop behind it, and whether that backdrop is dark."""
    behind = roles[::SUPERSAMPLING, ::SUPERSAMPLING] != EMPTY
    around = backdrop[behind].mean(axis=0) if behind.any() else backdrop.mean(axis=(0, 1))
    return float(np.linalg.norm(around - colour)) < _NEAR, float(around @ _LUMA) < 105


def _contour(roles: np.ndarray, width: float) -> np.ndarray:
    """Surround the object with CONTOUR, some ``width`` canvas pixels broad."""
    mask = Image.fromarray((roles != EMPTY).astype(np.uint8) * 255)
    # A Gaussian edge falls to 6 % at 1.53 standard deviations: a round dilation at the price of a blur.
    grown = np.asarray(mask.filter(ImageFilter.GaussianBlur(width / 1.53))) > 16
    return np.where(grown & (roles == EMPTY), np.uint8(CONTOUR), roles)


def _ink_inner_edges(roles: np.ndarray) -> np.ndarray:
    """Write CONTOUR, three canvas pixels broad, where two parts of the object meet."""
    solid = (roles != EMPTY) & (roles != CONTOUR)
    edge = np.zeros(roles.shape, dtype=bool)
    down = (roles[1:] != roles[:-1]) & solid[1:] & solid[:-1]
    across = (roles[:, 1:] != roles[:, :-1]) & solid[:, 1:] & solid[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= edge[:-1]
    edge[:, 1:] |= edge[:, :-1]
    inked = roles.copy()
    inked[edge & solid] = CONTOUR
    return inked


def _compose(
    roles: np.ndarray, palette: np.ndarray, backdrop: np.ndarray, shading: np.ndarray | None = None
) -> np.ndarray:
    """Colour the roles, average them down to the final size and lay them over the backdrop."""
    palette = palette.copy()
    palette[EMPTY] = 0  # so that averaging gives colours already multiplied by their coverage
    image = Image.fromarray(roles)
    image.putpalette(np.clip(palette, 0, 255).astype(np.uint8).tobytes())
    colours = np.asarray(image.convert("RGB").reduce(SUPERSAMPLING), dtype=np.float32)
    coverage = (roles != EMPTY).reshape(FRAME_PX, SUPERSAMPLING, FRAME_PX, SUPERSAMPLING).mean(axis=(1, 3))
    if shading is not None:
        colours = colours * shading
    return colours + backdrop * (1 - coverage[:, :, None].astype(np.float32))


STYLE_RENDERERS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]] = {
    "photo": photo,
    "sketch": sketch,
    "cartoon": cartoon,
    "painting": painting,
}
GRADIENT_DEPTH: dict[str, float] = {"photo": 1.0, "sketch": 0.3, "cartoon": 0.0, "painting": 0.6}
