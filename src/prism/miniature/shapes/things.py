"""Things one holds, wears or uses. Each function draws one concept with the given pen."""

from __future__ import annotations

from prism.miniature.shapes.pen import AQUA, DARK, LIGHT, MAIN, METAL, PALE, SHADE, WOOD, Pen, arc_points


def bat_club(pen: Pen) -> None:
    """A baseball bat, and a ball beside it."""
    barrel = pen.vary(0.2)
    ux, uy = 0.707, -0.707
    outline = ((-1.0, 0.09), (-0.3, 0.1), (0.3, barrel), (1.05, barrel), (1.15, 0.12))
    sides = [(along, across) for along, across in outline] + [(along, -across) for along, across in outline[::-1]]
    pen.polygon([(along * ux + across * uy - 0.02, along * uy - across * ux) for along, across in sides])
    pen.stroke([(-0.74, 0.7), (-0.46, 0.42)], 0.22, DARK)
    pen.stroke([(-0.88, 0.7), (-0.7, 0.88)], 0.16, SHADE)
    ball_x, ball_y = pen.vary(0.5), pen.vary(0.55)
    pen.ellipse(ball_x, ball_y, 0.36, 0.36, PALE)
    pen.arc(ball_x - 0.4, ball_y, 0.3, 0.4, -40, 40, 0.07, DARK)
    pen.arc(ball_x + 0.4, ball_y, 0.3, 0.4, 140, 220, 0.07, DARK)


def mouse_computer(pen: Pen) -> None:
    """A computer mouse from above: two buttons, a wheel, a cable."""
    width = pen.vary(0.54)
    sway = pen.vary(0.4, 0.5)
    pen.stroke([(0.0, -0.5), (0.02, -0.72), (sway, -0.8), (sway + 0.1, -0.98)], 0.12, DARK)
    pen.blob(
        [
            (-width, -0.1),
            (-width * 0.75, -0.58),
            (0.0, -0.66),
            (width * 0.75, -0.58),
            (width, -0.1),
            (width * 1.05, 0.5),
            (width * 0.6, 0.94),
            (0.0, 1.0),
            (-width * 0.6, 0.94),
            (-width * 1.05, 0.5),
        ]
    )
    pen.blob([(-width * 0.7, 0.35), (0.0, 0.2), (width * 0.7, 0.35), (width * 0.5, 0.82), (-width * 0.5, 0.82)], LIGHT)
    pen.stroke([(-width, 0.02), (0.0, 0.08), (width, 0.02)], 0.09, DARK)
    pen.stroke([(0.0, -0.6), (0.0, 0.05)], 0.08, DARK)
    pen.stroke([(0.0, -0.38), (0.0, -0.2)], 0.2, DARK)


def bow_ribbon(pen: Pen) -> None:
    """A tied ribbon: two loops, a knot, two tails."""
    loop = pen.vary(0.52)
    tail = pen.vary(0.48, 0.2)
    for side in (-1, 1):
        pen.polygon(
            [
                (0.0, 0.0),
                (side * 0.25, 0.0),
                (side * (tail + 0.2), 0.85),
                (side * tail, 0.72),
                (side * (tail - 0.22), 0.92),
            ],
            SHADE,
        )
        pen.blob([(side * x, y) for x, y in ((0.0, -0.1), (0.5, -loop), (0.95, -loop), (0.95, 0.25), (0.5, 0.28))])
        pen.blob(
            [(side * x, y) for x, y in ((0.3, -0.12), (0.6, -0.28), (0.78, -0.2), (0.76, 0.02), (0.55, 0.05))], SHADE
        )
    pen.blob([(-0.2, -0.3), (0.2, -0.3), (0.22, 0.15), (-0.22, 0.15)], LIGHT)


def bow_weapon(pen: Pen) -> None:
    """A strung bow with an arrow across it."""
    bulge = pen.vary(0.75)
    draw = pen.vary(-0.4, 0.3)
    pen.stroke([(-0.2, -0.95), (draw, 0.0), (-0.2, 0.95)], 0.07, DARK)
    pen.stroke(arc_points(-0.2, 0.0, bulge, 0.95, -90, 90), 0.19)
    pen.stroke([(bulge - 0.2, -0.16), (bulge - 0.2, 0.16)], 0.26, SHADE)
    pen.stroke([(draw - 0.4, 0.0), (0.8, 0.0)], 0.1, WOOD)
    pen.polygon([(1.0, 0.0), (0.7, -0.2), (0.7, 0.2)], METAL)
    pen.polygon(
        [
            (draw - 0.3, 0.0),
            (draw - 0.55, -0.2),
            (draw - 0.15, -0.2),
            (draw + 0.1, 0.0),
            (draw - 0.15, 0.2),
            (draw - 0.55, 0.2),
        ],
        PALE,
    )


def fan_folding(pen: Pen) -> None:
    """An open folding fan: a pleated leaf on wooden sticks."""
    start = pen.vary(-162.0, 0.05)
    slats = 6
    step = (-180 - 2 * start) / slats
    for index in range(slats):
        outer = arc_points(0, 0.72, 1.08, 1.45, start + index * step, start + (index + 1) * step)
        inner = arc_points(0, 0.72, 0.42, 0.55, start + index * step, start + (index + 1) * step)
        pen.polygon([(0.0, 0.78), *inner], WOOD)
        pen.polygon([*outer, *inner[::-1]], MAIN if index % 2 else LIGHT)
    for angle in (start, -180 - start):
        edge = arc_points(0, 0.72, 1.02, 1.38, angle, angle)[0]
        pen.stroke([(0.0, 0.78), edge], 0.12, DARK)
    pen.ellipse(0, 0.76, 0.13, 0.13, DARK)


def ring_jewel(pen: Pen) -> None:
    """A finger ring with a cut stone on top."""
    radius = pen.vary(0.55, 0.08)
    stone = pen.vary(0.42)
    pen.arc(0, 0.36, radius, radius, 0, 360, 0.2)
    pen.arc(0, 0.36, radius, radius, 20, 100, 0.2, SHADE)
    pen.polygon([(-stone, -0.66), (-stone * 0.6, -0.98), (stone * 0.6, -0.98), (stone, -0.66), (0.0, -0.1)], AQUA)
    pen.polygon([(-stone * 0.4, -0.66), (0.0, -0.98), (stone * 0.4, -0.66), (0.0, -0.1)], PALE)


def spade_shovel(pen: Pen) -> None:
    """A garden spade: handle, shaft, broad blade."""
    width = pen.vary(0.46)
    pen.stroke([(0.0, -0.72), (0.0, 0.2)], 0.18, WOOD)
    pen.stroke([(-0.3, -0.92), (0.3, -0.92), (0.0, -0.62), (-0.3, -0.92)], 0.14, DARK)
    pen.polygon([(-width, 0.08), (width, 0.08), (width, 0.55), (0.0, 1.02), (-width, 0.55)])
    pen.polygon([(0.0, 0.08), (width, 0.08), (width, 0.55), (0.0, 1.02)], SHADE)
    pen.stroke([(0.0, 0.0), (0.0, 0.42)], 0.22, DARK)


def bolt_screw(pen: Pen) -> None:
    """A hexagonal bolt from the side: wide head, threaded shaft."""
    shaft = pen.vary(0.33, 0.1)
    head = pen.vary(0.68, 0.08)
    pen.box(-shaft, -0.4, shaft, 0.98)
    for level in (-0.1, 0.2, 0.5, 0.8):
        pen.stroke([(-shaft - 0.06, level + 0.06), (shaft + 0.06, level - 0.06)], 0.1, DARK)
    pen.polygon([(-head, -0.9), (head, -0.9), (head, -0.36), (-head, -0.36)])
    pen.box(-head, -0.9, -head * 0.5, -0.36, LIGHT)
    pen.box(head * 0.5, -0.9, head, -0.36, SHADE)


def note_paper(pen: Pen) -> None:
    """A sheet with written lines and a folded corner, held by a pin."""
    height = pen.vary(0.88, 0.08)
    fold = pen.vary(0.36)
    pen.polygon([(-0.74, -height), (0.74, -height), (0.74, height - fold), (0.74 - fold, height), (-0.74, height)])
    pen.polygon([(0.74, height - fold), (0.74 - fold, height), (0.74 - fold, height - fold)], SHADE)
    for level, right in ((-0.3, 0.5), (0.04, 0.42), (0.38, 0.14)):
        pen.stroke([(-0.5, level), (right, level)], 0.1, DARK)
    pen.ellipse(0.0, -height + 0.12, 0.17, 0.17, METAL)


def umbrella_tool(pen: Pen) -> None:
    """An open umbrella with a hooked handle."""
    canopy = pen.vary(0.95, 0.06)
    hook = pen.vary(0.2, 0.2)
    pen.stroke([(0.0, -0.95), (0.0, 0.72)], 0.12, DARK)
    pen.arc(hook, 0.72, hook, 0.22, 180, 20, 0.14, WOOD)
    scallops = [point for x in (0.667, 0.0, -0.667) for point in arc_points(x, 0.06, 0.333, 0.16, 0, -180)]
    pen.polygon(arc_points(0, 0.06, 1.0, canopy, -180, 0) + scallops)
    middle = arc_points(0, 0.06, 0.333, canopy, -180, 0)
    pen.polygon(middle + arc_points(0.0, 0.06, 0.333, 0.16, 0, -180), LIGHT)
