"""A pen that draws vector shapes as *roles*: which part of the object a pixel belongs to, not yet its colour.

Shapes are given in a square from -1 to 1 (x to the right, y down) that the object fills. The pen maps that square to
the canvas by one pose, and writes role numbers; a style turns roles into colours afterwards. Everything is a polygon or
a polyline, so that any rotation costs the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

FRAME_PX = 32
SUPERSAMPLING = 4
CANVAS_PX = FRAME_PX * SUPERSAMPLING
FILL_SHARE = 0.92  # share of the frame that the unit square spans at scale 1

# Roles. MAIN, SHADE and LIGHT follow the object's colour; the others are the same for every colour.
EMPTY, MAIN, SHADE, LIGHT, DARK, PALE, WOOD, METAL, AQUA, AMBER, LEAF, CONTOUR = range(12)
ROLE_COUNT = 12

Point = tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """Where the object is: ``scale`` multiplies its size, shifts are in final pixels, rotation in degrees."""

    scale: float
    rotation_deg: float
    shift_x_px: float
    shift_y_px: float
    flip: bool


def sample_pose(rng: np.random.Generator, *, may_flip: bool) -> Pose:
    """Draw a pose: scale 0.85-1.05, rotation within 12 degrees, shifts within 2 px, a flip half of the time."""
    scale, rotation, shift_x, shift_y, coin = rng.random(5)
    return Pose(
        scale=0.85 + 0.2 * scale,
        rotation_deg=-12 + 24 * rotation,
        shift_x_px=-2 + 4 * shift_x,
        shift_y_px=-2 + 4 * shift_y,
        flip=may_flip and coin < 0.5,
    )


class Pen:
    """Draws roles on a canvas through one pose; ``vary`` gives the small differences between two of a kind."""

    def __init__(self, pose: Pose, rng: np.random.Generator) -> None:
        self.canvas = Image.new("L", (CANVAS_PX, CANVAS_PX), EMPTY)
        self._draw = ImageDraw.Draw(self.canvas)
        self._variation = iter(rng.uniform(-1, 1, 16).tolist())
        self._unit_px = CANVAS_PX / 2 * FILL_SHARE * pose.scale
        cosine = math.cos(math.radians(pose.rotation_deg)) * self._unit_px
        sine = math.sin(math.radians(pose.rotation_deg)) * self._unit_px
        sign = -1.0 if pose.flip else 1.0
        self._xx, self._xy, self._yx, self._yy = sign * cosine, -sine, sign * sine, cosine
        self._x0 = CANVAS_PX / 2 + pose.shift_x_px * SUPERSAMPLING
        self._y0 = CANVAS_PX / 2 + pose.shift_y_px * SUPERSAMPLING

    def roles(self) -> np.ndarray:
        """The roles drawn so far, uint8 (CANVAS_PX, CANVAS_PX)."""
        return np.array(self.canvas)

    def vary(self, value: float, share: float = 0.12) -> float:
        """``value``, changed by up to ``share`` of itself; at most 16 times in a drawing."""
        return value * (1 + share * next(self._variation))

    def polygon(self, points: Sequence[Point], role: int = MAIN) -> None:
        """Fill a closed polygon."""
        self._draw.polygon(self._place(points), fill=role)

    def box(self, left: float, top: float, right: float, bottom: float, role: int = MAIN) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], role)

    def blob(self, points: Sequence[Point], role: int = MAIN) -> None:
        """Fill a smooth closed curve (Catmull-Rom) through the points."""
        self.polygon(_closed_curve(points), role)

    def ellipse(self, x: float, y: float, rx: float, ry: float, role: int = MAIN, angle_deg: float = 0) -> None:
        """Fill an ellipse, turned clockwise by ``angle_deg``."""
        cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        self.polygon(
            [(x + rx * c * cosine - ry * s * sine, y + rx * c * sine + ry * s * cosine) for c, s in _CIRCLE], role
        )

    def stroke(self, points: Sequence[Point], width: float, role: int = MAIN) -> None:
        """Draw a polyline of the given width with round joints and ends."""
        placed = self._place(points)
        width_px = max(1, round(width * self._unit_px))
        self._draw.line(placed, fill=role, width=width_px)
        radius = width_px / 2 - 0.5
        for x, y in placed:
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=role)

    def arc(
        self, x: float, y: float, rx: float, ry: float, start_deg: float, end_deg: float, width: float, role: int = MAIN
    ) -> None:
        """Draw part of an ellipse's rim; angles run clockwise from the right."""
        self.stroke(arc_points(x, y, rx, ry, start_deg, end_deg), width, role)

    def _place(self, points: Sequence[Point]) -> list[Point]:
        """Unit coordinates to canvas pixels."""
        return [(self._x0 + self._xx * x + self._xy * y, self._y0 + self._yx * x + self._yy * y) for x, y in points]


def arc_points(x: float, y: float, rx: float, ry: float, start_deg: float, end_deg: float) -> list[Point]:
    """Points along an ellipse's rim, some 15 degrees apart, both ends included."""
    steps = max(2, round(abs(end_deg - start_deg) / 15))
    angles = [math.radians(start_deg + (end_deg - start_deg) * step / steps) for step in range(steps + 1)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


def _closed_curve(points: Sequence[Point]) -> list[Point]:
    """Catmull-Rom spline through the points, five pieces to a span."""
    curve = []
    count = len(points)
    for index in range(count):
        (ax, ay), (bx, by) = points[index - 1], points[index]
        (cx, cy), (dx, dy) = points[(index + 1) % count], points[(index + 2) % count]
        for a, b, c, d in _SPLINE_WEIGHTS:
            curve.append((a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy))
    return curve


_CIRCLE = [(math.cos(math.tau * step / 28), math.sin(math.tau * step / 28)) for step in range(28)]
_SPLINE_WEIGHTS = [
    (
        (-t + 2 * t**2 - t**3) / 2,
        (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2,
        (-(t**2) + t**3) / 2,
    )
    for t in (0.0, 0.2, 0.4, 0.6, 0.8)
]
