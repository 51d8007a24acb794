"""The registry of shapes: which function draws which concept, and whether a mirror image is as natural."""

from __future__ import annotations

from collections.abc import Callable

from prism.miniature.shapes import creatures, machines, nature_signs, things
from prism.miniature.shapes.pen import Pen

SHAPES: dict[str, Callable[[Pen], None]] = {
    "crane.bird": creatures.crane_bird,
    "crane.machine": machines.crane_machine,
    "bat.animal": creatures.bat_animal,
    "bat.club": things.bat_club,
    "mouse.animal": creatures.mouse_animal,
    "mouse.computer": things.mouse_computer,
    "bow.ribbon": things.bow_ribbon,
    "bow.weapon": things.bow_weapon,
    "palm.tree": nature_signs.palm_tree,
    "palm.hand": creatures.palm_hand,
    "fan.electric": machines.fan_electric,
    "fan.folding": things.fan_folding,
    "tank.vehicle": machines.tank_vehicle,
    "tank.aquarium": machines.tank_aquarium,
    "ring.jewel": things.ring_jewel,
    "ring.arena": machines.ring_arena,
    "spade.shovel": things.spade_shovel,
    "spade.suit": nature_signs.spade_suit,
    "bolt.lightning": nature_signs.bolt_lightning,
    "bolt.screw": things.bolt_screw,
    "note.music": nature_signs.note_music,
    "note.paper": things.note_paper,
    "car.vehicle": machines.car_vehicle,
    "fish.animal": creatures.fish_animal,
    "house.building": machines.house_building,
    "boat.vessel": machines.boat_vessel,
    "mushroom.fungus": nature_signs.mushroom_fungus,
    "umbrella.tool": things.umbrella_tool,
}

NEVER_MIRRORED: frozenset[str] = frozenset({"note.music", "note.paper"})
