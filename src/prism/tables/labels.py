"""Place the labels of a scatter plot so that they cover neither each other nor a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DIRECTIONS = (0, 45, -45, 180, 135, -135, 90, -90)  # degrees from the point, the best first
DISTANCES = (9.0, 16.0, 24.0, 34.0, 46.0, 60.0, 78.0, 100.0, 124.0, 150.0)
POINT_RADIUS = 6.5


@dataclass(frozen=True)
class Box:
    """A rectangle in points (1/72 inch), from (``left``, ``bottom``)."""

    left: float
    bottom: float
    width: float
    height: float

    def overlap(self, other: Box) -> float:
        """Area shared with ``other``."""
        wide = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        high = min(self.bottom + self.height, other.bottom + other.height) - max(self.bottom, other.bottom)
        return max(wide, 0.0) * max(high, 0.0)

    def outside(self, frame: Box) -> float:
        """Area of this rectangle that lies outside ``frame``."""
        return self.width * self.height - self.overlap(frame)


def place(points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], frame: Box) -> list[Box]:
    """A box for the label of each point, greedily in the order given; all lengths in points (1/72 inch).

    Of the candidate places the nearest that covers nothing is taken, else the one that covers least.
    """
    obstacles = [Box(x - POINT_RADIUS, y - POINT_RADIUS, 2 * POINT_RADIUS, 2 * POINT_RADIUS) for x, y in points]
    placed: list[Box] = []
    for (x, y), size in zip(points, sizes, strict=True):
        best = min(
            (_candidate(x, y, size, angle, distance) for distance in DISTANCES for angle in DIRECTIONS),
            key=lambda box: round(sum(map(box.overlap, obstacles)) + 10 * box.outside(frame), 3),
        )
        placed.append(best)
        obstacles.append(best)
    return placed


def _candidate(x: float, y: float, size: tuple[float, float], angle: float, distance: float) -> Box:
    """The box whose nearest edge or corner lies ``distance`` from the point in the direction ``angle``."""
    width, height = size
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    centre_x = x + across * distance + (0 if abs(across) < 0.1 else math.copysign(width / 2, across))
    centre_y = y + up * distance + (0 if abs(up) < 0.1 else math.copysign(height / 2, up))
    return Box(centre_x - width / 2, centre_y - height / 2, width, height)
