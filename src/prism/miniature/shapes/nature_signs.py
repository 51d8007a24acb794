"""Plants, weather and signs. Each function draws one concept with the given pen."""

from __future__ import annotations

from prism.miniature.shapes.pen import AMBER, LIGHT, MAIN, PALE, SHADE, WOOD, Pen


def palm_tree(pen: Pen) -> None:
    """A palm: bent trunk, drooping fronds, nuts under the crown."""
    lean = pen.vary(0.2, 0.6)
    top = pen.vary(-0.35, 0.15)
    pen.stroke([(-lean, 0.95), (-lean * 0.6, 0.5), (0.0, top)], 0.22, WOOD)
    pen.ellipse(-lean, 0.94, 0.3, 0.08, WOOD)
    fronds = (
        (-1.0, 0.3, -0.55, -0.55),
        (1.0, 0.3, 0.55, -0.55),
        (-0.9, -0.45, -0.4, -0.6),
        (0.9, -0.45, 0.4, -0.6),
        (0.0, -0.65, 0.2, -0.4),
    )
    for index, (tip_x, tip_y, bend_x, bend_y) in enumerate(fronds):
        tip = (tip_x, top + tip_y + 0.15)
        bend = (bend_x, top + bend_y + 0.2)
        under = (bend_x * 0.75, top + bend_y + 0.56)
        pen.blob(
            [(0.0, top + 0.06), (bend[0] * 0.4, bend[1] * 0.55 + top * 0.45), bend, tip, under],
            SHADE if index in (2, 3) else MAIN,
        )
    pen.ellipse(-0.1, top + 0.12, 0.12, 0.12, AMBER)
    pen.ellipse(0.14, top + 0.14, 0.12, 0.12, AMBER)


def mushroom_fungus(pen: Pen) -> None:
    """A toadstool: domed cap with pale spots on a pale stem."""
    brim = pen.vary(0.1, 0.6)
    stem = pen.vary(0.26)
    pen.blob(
        [(-stem * 0.8, 0.0), (stem * 0.8, 0.0), (stem, 0.6), (stem * 1.3, 0.95), (-stem * 1.3, 0.95), (-stem, 0.6)],
        PALE,
    )
    pen.blob(
        [
            (-0.98, brim),
            (-0.75, -0.5),
            (0.0, -0.92),
            (0.75, -0.5),
            (0.98, brim),
            (0.5, brim + 0.18),
            (-0.5, brim + 0.18),
        ]
    )
    pen.ellipse(-0.46, -0.22, 0.2, 0.17, PALE)
    pen.ellipse(0.1, -0.55, 0.2, 0.16, PALE)
    pen.ellipse(0.5, -0.1, 0.18, 0.15, PALE)


def bolt_lightning(pen: Pen) -> None:
    """A jagged flash."""
    knee = pen.vary(0.08, 0.8)
    pen.polygon(
        [
            (0.0, -1.0),
            (0.62, -1.0),
            (0.2, -0.3 + knee),
            (0.62, -0.3 + knee),
            (-0.4, 1.0),
            (-0.08, 0.12 + knee),
            (-0.6, 0.12 + knee),
        ]
    )
    pen.polygon([(0.1, -0.85), (0.36, -0.85), (-0.06, -0.1 + knee), (-0.36, -0.02 + knee)], LIGHT)


def spade_suit(pen: Pen) -> None:
    """The spade of playing cards: a heart upside down on a foot."""
    lobe = pen.vary(0.44, 0.08)
    pen.polygon([(-0.08, 0.2), (0.08, 0.2), (0.4, 0.97), (-0.4, 0.97)], SHADE)
    for side in (-1, 1):
        pen.ellipse(side * (0.9 - lobe), 0.26, lobe, lobe * 0.95)
        pen.polygon([(0.0, -1.0), (side * 0.45, -0.4), (side * 0.86, 0.1), (side * 0.3, 0.5), (0.0, 0.5)])
    pen.stroke([(-0.16, -0.45), (-0.5, 0.05)], 0.14, LIGHT)


def note_music(pen: Pen) -> None:
    """Two joined quavers."""
    rise = pen.vary(0.16, 0.5)
    pen.polygon([(-0.5, -0.8), (0.86, -0.8 - rise), (0.86, -0.42 - rise), (-0.5, -0.42)])
    pen.box(-0.5, -0.78, -0.3, 0.66)
    pen.box(0.66, -0.75 - rise, 0.86, 0.5)
    pen.ellipse(-0.58, 0.66, 0.32, 0.25, MAIN, -20)
    pen.ellipse(0.58, 0.5, 0.32, 0.25, MAIN, -20)
    pen.ellipse(-0.64, 0.6, 0.12, 0.08, LIGHT, -20)
    pen.ellipse(0.52, 0.44, 0.12, 0.08, LIGHT, -20)
