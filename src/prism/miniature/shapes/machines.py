"""Vehicles, engines and buildings. Each function draws one concept with the given pen, facing right."""

from __future__ import annotations

import math

from prism.miniature.shapes.pen import AMBER, AQUA, DARK, LEAF, LIGHT, PALE, SHADE, WOOD, Pen


def crane_machine(pen: Pen) -> None:
    """A tower crane: mast, long jib, counterweight, a load on a cable."""
    mast = pen.vary(-0.35)
    load_x = pen.vary(0.66, 0.15)
    load_y = pen.vary(0.1, 0.9)
    pen.stroke([(-0.9, -0.55), (mast, -0.93), (0.9, -0.55)], 0.07, DARK)
    pen.box(mast - 0.14, -1.0, mast + 0.14, 0.95)
    for level in (-0.2, 0.2, 0.6):
        pen.stroke([(mast - 0.08, level + 0.13), (mast + 0.08, level - 0.13)], 0.08, SHADE)
    pen.box(mast - 0.45, 0.8, mast + 0.45, 1.0, DARK)
    pen.box(-1.0, -0.62, 1.0, -0.4)
    pen.box(-1.0, -0.5, -0.68, -0.12, DARK)
    pen.stroke([(load_x, -0.4), (load_x, load_y)], 0.08, DARK)
    pen.box(load_x - 0.26, load_y, load_x + 0.26, load_y + 0.38, SHADE)


def tank_vehicle(pen: Pen) -> None:
    """A battle tank from the side: tracks, hull, turret, long gun."""
    gun = pen.vary(-0.32, 0.25)
    turret = pen.vary(0.4)
    pen.stroke([(0.1, -0.22), (0.98, gun)], 0.15, SHADE)
    pen.blob([(-0.55, -0.05), (-0.45, -turret - 0.1), (0.1, -turret - 0.12), (0.36, -0.05)])
    pen.box(-0.28, -turret - 0.26, 0.02, -turret - 0.08, SHADE)
    pen.polygon([(-0.95, -0.1), (0.8, -0.1), (1.0, 0.16), (0.9, 0.36), (-0.9, 0.36), (-1.0, 0.1)])
    pen.stroke([(-0.74, 0.4), (0.74, 0.4)], 0.5, DARK)
    for wheel in (-0.68, -0.23, 0.23, 0.68):
        pen.ellipse(wheel, 0.4, 0.15, 0.15, LIGHT)


def car_vehicle(pen: Pen) -> None:
    """A passenger car from the side."""
    roof = pen.vary(-0.6, 0.12)
    back = pen.vary(-0.6, 0.12)
    pen.polygon([(back - 0.12, 0.0), (back + 0.14, roof), (0.28, roof), (0.62, 0.0)])
    pen.polygon([(-1.0, 0.0), (-0.85, -0.08), (0.6, -0.06), (0.95, 0.1), (1.0, 0.4), (-1.0, 0.4)])
    pen.polygon([(back + 0.06, -0.06), (back + 0.22, roof + 0.12), (-0.16, roof + 0.12), (-0.16, -0.06)], AQUA)
    pen.polygon([(-0.04, -0.06), (-0.04, roof + 0.12), (0.22, roof + 0.12), (0.44, -0.06)], AQUA)
    pen.box(-0.98, 0.26, 0.98, 0.4, SHADE)
    pen.ellipse(0.92, 0.14, 0.1, 0.09, AMBER)
    for wheel in (-0.54, 0.56):
        pen.ellipse(wheel, 0.4, 0.27, 0.27, DARK)
        pen.ellipse(wheel, 0.4, 0.12, 0.12, PALE)


def boat_vessel(pen: Pen) -> None:
    """A sailing boat: hull, mast, two sails."""
    top = pen.vary(-0.92, 0.06)
    boom = pen.vary(0.8)
    pen.stroke([(0.0, top), (0.0, 0.5)], 0.1, WOOD)
    pen.polygon([(0.1, top), (0.1, 0.32), (boom, 0.32)], PALE)
    pen.polygon([(-0.1, top + 0.2), (-0.1, 0.32), (-0.65, 0.32)], LIGHT)
    pen.polygon([(-1.0, 0.42), (1.0, 0.42), (0.68, 0.92), (-0.62, 0.92)])
    pen.polygon([(-0.8, 0.74), (0.8, 0.74), (0.68, 0.92), (-0.62, 0.92)], SHADE)


def house_building(pen: Pen) -> None:
    """A house front: wide roof, chimney, door, window."""
    eaves = pen.vary(-0.1, 0.6)
    pen.box(0.4, -0.9, 0.66, -0.2, DARK)
    pen.box(-0.76, eaves - 0.05, 0.76, 0.95)
    pen.polygon([(-1.0, eaves + 0.04), (0.0, pen.vary(-0.92, 0.06)), (1.0, eaves + 0.04)], WOOD)
    pen.box(-0.52, 0.3, -0.1, 0.95, DARK)
    pen.box(0.14, 0.24, 0.58, 0.62, AQUA)
    pen.stroke([(0.36, 0.24), (0.36, 0.62)], 0.07, PALE)


def fan_electric(pen: Pen) -> None:
    """A table fan: round guard, three blades, a stand."""
    turn = pen.vary(60.0, 1.0)
    radius = pen.vary(0.62, 0.06)
    pen.box(-0.11, 0.3, 0.11, 0.9)
    pen.ellipse(0, 0.88, 0.5, 0.14)
    pen.ellipse(0, -0.3, radius, radius, SHADE)
    for blade in range(3):
        angle = math.radians(turn + 120 * blade)
        x, y = math.cos(angle), math.sin(angle)
        pen.ellipse(0.32 * x, -0.3 + 0.32 * y, 0.31, 0.21, LIGHT, turn + 120 * blade)
    pen.arc(0, -0.3, radius, radius, 0, 360, 0.15)
    pen.ellipse(0, -0.3, 0.14, 0.14, DARK)


def tank_aquarium(pen: Pen) -> None:
    """A glass tank with water, a fish, sand and weed."""
    level = pen.vary(-0.4, 0.15)
    x, y = pen.vary(0.12, 1.0), pen.vary(0.08, 1.0)
    pen.box(-1.0, -0.72, 1.0, 0.74, DARK)
    pen.box(-0.87, -0.72, 0.87, 0.6, PALE)
    pen.box(-0.87, level, 0.87, 0.6, AQUA)
    pen.box(-0.87, 0.42, 0.87, 0.62, AMBER)
    pen.stroke([(-0.62, 0.45), (-0.7, 0.15), (-0.56, -0.15)], 0.15, LEAF)
    pen.polygon([(x - 0.2, y), (x - 0.5, y - 0.24), (x - 0.5, y + 0.24)], SHADE)
    pen.ellipse(x + 0.08, y, 0.4, 0.25)
    pen.ellipse(x + 0.28, y - 0.05, 0.07, 0.07, DARK)
    pen.box(-1.0, -0.8, 1.0, -0.64)
    pen.box(-1.0, 0.62, 1.0, 0.8)


def ring_arena(pen: Pen) -> None:
    """A boxing ring from the front: raised pale floor, four posts, two ropes all round."""
    back = pen.vary(0.58, 0.08)
    pen.box(-1.0, 0.42, 1.0, 0.92, SHADE)
    pen.polygon([(-1.0, 0.44), (-back, -0.02), (back, -0.02), (1.0, 0.44)], PALE)
    for back_height, front_height in ((0.25, 0.34), (0.55, 0.82)):
        rope = [(-0.9, 0.42 - front_height), (-back, -back_height), (back, -back_height), (0.9, 0.42 - front_height)]
        pen.stroke(rope, 0.09)
    for side in (-1, 1):
        pen.stroke([(side * back, 0.0), (side * back, -0.66)], 0.13, DARK)
    for height in (0.34, 0.82):
        pen.stroke([(-0.9, 0.42 - height), (0.9, 0.42 - height)], 0.11)
    for side in (-1, 1):
        pen.stroke([(side * 0.9, 0.42), (side * 0.9, -0.66)], 0.2, DARK)
        pen.ellipse(side * 0.9, -0.7, 0.14, 0.14, AMBER)
