"""Animals and the human hand. Each function draws one concept with the given pen, facing right."""

from __future__ import annotations

from prism.miniature.shapes.pen import AMBER, DARK, LIGHT, PALE, SHADE, Pen


def crane_bird(pen: Pen) -> None:
    """A wading bird: long legs, long bent neck, long beak."""
    neck = pen.vary(0.46)
    knee = pen.vary(0.1, 0.6)
    pen.stroke([(-0.3, 0.25), (-0.3, 0.97)], 0.12, DARK)
    pen.stroke([(-0.02, 0.25), (knee, 0.6), (0.0, 0.97)], 0.12, DARK)
    pen.polygon([(-0.35, -0.2), (-1.0, 0.3), (-0.35, 0.35)], SHADE)
    pen.blob([(-0.75, 0.1), (-0.35, -0.25), (0.15, -0.22), (0.36, 0.05), (0.1, 0.36), (-0.4, 0.36)])
    pen.stroke([(0.2, 0.0), (neck - 0.06, -0.22), (neck, -0.45), (neck - 0.12, -0.72)], 0.2)
    pen.polygon([(neck, -0.96), (1.0, -0.68), (neck, -0.62)], AMBER)
    pen.ellipse(neck - 0.02, -0.8, 0.22, 0.18)
    pen.ellipse(neck + 0.02, -0.84, 0.07, 0.07, DARK)
    pen.ellipse(-0.28, 0.06, 0.36, 0.18, SHADE, 12)


def bat_animal(pen: Pen) -> None:
    """A bat with its wings spread wide: tips up, scalloped lower edges, pointed ears."""
    lift = pen.vary(0.52, 0.2)
    droop = pen.vary(0.3, 0.3)
    for side in (-1, 1):
        wing = [(0.0, -0.05), (0.25, -0.12), (0.52, -lift), (0.8, -lift + 0.08), (1.0, droop)]
        scallops = [(0.8, 0.1), (0.62, 0.48), (0.42, 0.2), (0.2, 0.6), (0.0, 0.4)]
        pen.polygon([(side * x, y) for x, y in wing + scallops])
        pen.stroke([(side * 0.54, -lift + 0.14), (side * 0.6, 0.3)], 0.08, SHADE)
        pen.polygon([(side * 0.02, -0.3), (side * 0.2, -0.72), (side * 0.25, -0.2)], SHADE)
    pen.ellipse(0, 0.25, 0.18, 0.42, SHADE)
    pen.ellipse(0, -0.18, 0.25, 0.23, SHADE)
    for side in (-1, 1):
        pen.ellipse(side * 0.1, -0.2, 0.08, 0.08, PALE)


def mouse_animal(pen: Pen) -> None:
    """A mouse from the side: pear body, big round ears, long tail."""
    ear = pen.vary(0.3)
    tail = pen.vary(0.5, 0.3)
    pen.stroke([(-0.5, 0.5), (-0.85, 0.4), (-0.95, 0.1), (-0.8, -tail)], 0.13, SHADE)
    pen.ellipse(0.05, -0.36, ear * 0.9, ear, SHADE)
    pen.blob([(-0.75, 0.35), (-0.5, -0.2), (0.05, -0.3), (0.55, -0.22), (0.98, 0.3), (0.6, 0.5), (-0.5, 0.62)])
    pen.ellipse(0.3, -0.38, ear, ear)
    pen.ellipse(0.3, -0.38, ear * 0.58, ear * 0.58, LIGHT)
    pen.ellipse(0.62, 0.04, 0.1, 0.1, DARK)
    pen.ellipse(0.95, 0.28, 0.11, 0.11, DARK)
    pen.ellipse(0.35, 0.6, 0.2, 0.1, SHADE)
    pen.ellipse(-0.35, 0.62, 0.27, 0.11, SHADE)


def fish_animal(pen: Pen) -> None:
    """A fish from the side: oval body, forked tail, fins."""
    height = pen.vary(0.5)
    fork = pen.vary(0.5)
    pen.polygon([(-0.4, 0.0), (-1.0, -fork), (-0.82, 0.0), (-1.0, fork)], SHADE)
    pen.polygon([(-0.2, -0.3), (-0.15, -height - 0.25), (0.4, -0.35)], SHADE)
    pen.polygon([(-0.1, 0.3), (-0.15, height + 0.2), (0.25, 0.35)], SHADE)
    pen.blob(
        [
            (-0.6, 0.0),
            (-0.2, -height * 0.8),
            (0.3, -height),
            (0.8, -0.28),
            (1.0, 0.02),
            (0.75, 0.3),
            (0.3, height),
            (-0.2, height * 0.8),
        ]
    )
    pen.blob([(-0.3, 0.12), (0.3, 0.18), (0.85, 0.2), (0.3, height * 0.85), (-0.1, height * 0.65)], LIGHT)
    pen.ellipse(0.66, -0.1, 0.15, 0.15, PALE)
    pen.ellipse(0.69, -0.1, 0.08, 0.08, DARK)


def palm_hand(pen: Pen) -> None:
    """An open hand with five spread fingers."""
    spread = pen.vary(1.0, 0.12)
    for base, tip, top in ((-0.36, -0.6, -0.58), (-0.13, -0.2, -0.86), (0.12, 0.2, -0.84), (0.34, 0.58, -0.6)):
        pen.stroke([(base, 0.15), (tip * spread, top)], 0.24)
    pen.stroke([(-0.25, 0.62), (-0.62, 0.3), (-0.82 * spread, 0.02)], 0.26)
    pen.blob([(-0.46, 0.05), (0.0, -0.1), (0.44, 0.05), (0.42, 0.55), (0.26, 0.8), (-0.26, 0.8), (-0.44, 0.55)])
    pen.box(-0.25, 0.7, 0.25, 1.0)
    pen.stroke([(-0.3, 0.2), (0.0, 0.28), (0.34, 0.18)], 0.07, SHADE)
    pen.stroke([(-0.14, 0.68), (0.0, 0.48), (0.3, 0.38)], 0.07, SHADE)
