"""The words of the miniature world: concepts, styles, contexts and colours.

Pure data. A *name* (``crane``) may have two *senses* (``bird``, ``machine``); name and sense make a *concept*, keyed
``name.sense``. Everything that draws, captions or labels the world takes its words, and their order, from here.
"""

from __future__ import annotations

from dataclasses import dataclass

STYLES: tuple[str, ...] = ("photo", "sketch", "cartoon", "painting")

CONTEXTS: tuple[str, ...] = ("grass", "sky", "water", "sand", "snow", "night", "indoors")

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (208, 36, 40),
    "orange": (244, 134, 24),
    "yellow": (248, 216, 48),
    "green": (34, 136, 56),
    "blue": (38, 84, 204),
    "purple": (126, 50, 164),
    "pink": (246, 132, 180),
    "brown": (122, 74, 38),
    "white": (244, 244, 240),
    "grey": (128, 130, 136),
}


@dataclass(frozen=True)
class Concept:
    """One sense of one name, with the surroundings and colours in which it is usually met.

    ``gloss`` is a short noun phrase that tells this sense from the other senses of ``name``.
    """

    key: str
    name: str
    sense: str
    gloss: str
    typical_contexts: tuple[str, ...]
    typical_colours: tuple[str, ...]


def _concept(key: str, gloss: str, contexts: str, colours: str) -> Concept:
    """Build a concept from its key and two space-separated lists."""
    name, sense = key.split(".")
    return Concept(key, name, sense, gloss, tuple(contexts.split()), tuple(colours.split()))


_ALL = (
    _concept("crane.bird", "a wading bird", "water grass sky", "white grey pink"),
    _concept("crane.machine", "a tall lifting machine", "sky sand snow", "yellow orange red blue"),
    _concept("bat.animal", "a flying night animal", "night sky indoors", "brown grey purple"),
    _concept("bat.club", "a wooden baseball club", "grass sand indoors", "brown orange yellow red"),
    _concept("mouse.animal", "a small furry animal", "grass snow indoors", "grey brown white"),
    _concept("mouse.computer", "a computer pointing device", "indoors night sand", "white grey blue red"),
    _concept("bow.ribbon", "a tied gift ribbon", "indoors snow night", "red pink purple yellow"),
    _concept("bow.weapon", "an archer's weapon", "grass snow sand", "brown green grey"),
    _concept("palm.tree", "a tropical tree", "sand sky water", "green yellow orange"),
    _concept("palm.hand", "an open human hand", "indoors sky grass", "pink brown orange"),
    _concept("fan.electric", "an electric cooling fan", "indoors night sand", "blue white grey green"),
    _concept("fan.folding", "a folding paper fan", "indoors grass sky", "red pink purple yellow"),
    _concept("tank.vehicle", "an armoured army vehicle", "sand grass snow", "green brown grey"),
    _concept("tank.aquarium", "a glass fish aquarium", "indoors night water", "orange blue yellow red"),
    _concept("ring.jewel", "a finger jewel", "indoors night sand", "yellow white orange"),
    _concept("ring.arena", "a boxing match arena", "indoors night sky", "red blue white"),
    _concept("spade.shovel", "a garden shovel", "grass sand snow", "grey red green blue"),
    _concept("spade.suit", "a playing card suit", "indoors night sky", "grey purple blue"),
    _concept("bolt.lightning", "a flash of lightning", "night sky water", "yellow white orange blue"),
    _concept("bolt.screw", "a metal screw", "indoors sand grass", "grey yellow brown"),
    _concept("note.music", "a musical symbol", "indoors sky night", "purple blue red green"),
    _concept("note.paper", "a written paper message", "indoors grass sand", "yellow white pink green"),
    _concept("car.vehicle", "a small passenger vehicle", "grass sand night", "red blue yellow grey"),
    _concept("fish.animal", "a swimming animal", "water night sand", "orange yellow blue purple"),
    _concept("house.building", "a small family building", "grass sky snow", "red white orange yellow"),
    _concept("boat.vessel", "a sailing vessel", "water sky night", "white red blue brown"),
    _concept("mushroom.fungus", "a forest fungus", "grass snow night", "red brown orange"),
    _concept("umbrella.tool", "a folding rain cover", "sky sand water", "purple blue red yellow"),
)

CONCEPTS: dict[str, Concept] = {concept.key: concept for concept in _ALL}

IN_DISTRIBUTION: tuple[str, ...] = (
    "crane.bird",
    "bat.animal",
    "mouse.animal",
    "bow.ribbon",
    "palm.tree",
    "fan.electric",
    "tank.vehicle",
    "ring.jewel",
    "car.vehicle",
    "fish.animal",
)

NAMES: tuple[str, ...] = tuple(dict.fromkeys(concept.name for concept in _ALL))


def senses(name: str) -> tuple[Concept, ...]:
    """All concepts called ``name``, in the order of ``CONCEPTS``.

    Raises:
        ValueError: nothing has that name.
    """
    found = tuple(concept for concept in CONCEPTS.values() if concept.name == name)
    if not found:
        raise ValueError(f"name={name!r} is not in the lexicon; names are {', '.join(NAMES)}")
    return found
