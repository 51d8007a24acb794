"""The world: scenes, how they are sampled, and how one is drawn.

A scene holds the four factors that captions and labels may name. Pose, scale, position, the small variations of shape
and the texture come from the generator given to ``draw``, so a scene and a seed make one picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, NAMES, STYLES, senses
from prism.miniature.shapes import NEVER_MIRRORED, SHAPES
from prism.miniature.shapes.backdrops import BACKDROPS
from prism.miniature.shapes.pen import FRAME_PX, Pen, sample_pose
from prism.miniature.shapes.styles import GRADIENT_DEPTH, STYLE_RENDERERS

T = TypeVar("T")
_COLOUR_JITTER = 12.0  # each channel moves by at most this much, of 255

__all__ = ["FRAME_PX", "Scene", "draw", "sample_broad", "sample_domain", "sample_in_distribution"]


@dataclass(frozen=True)
class Scene:
    """One concept (its key) in one style, context and colour.

    Raises:
        ValueError: a factor is not in the lexicon.
    """

    concept: str
    style: str
    context: str
    colour: str

    def __post_init__(self) -> None:
        for factor, known in (("concept", CONCEPTS), ("style", STYLES), ("context", CONTEXTS), ("colour", COLOURS)):
            value = getattr(self, factor)
            if value not in known:
                raise ValueError(f"{factor}={value!r} is not in the lexicon; it may be one of {', '.join(known)}")


def draw(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Draw a scene: uint8 (32, 32, 3). The same scene and the same state of ``rng`` give the same picture."""
    colour = np.array(COLOURS[scene.colour], dtype=np.float32)
    colour = np.clip(colour + rng.uniform(-_COLOUR_JITTER, _COLOUR_JITTER, 3), 0, 255).astype(np.float32)
    backdrop = BACKDROPS[scene.context](rng, GRADIENT_DEPTH[scene.style])
    pen = Pen(sample_pose(rng, may_flip=scene.concept not in NEVER_MIRRORED), rng)
    SHAPES[scene.concept](pen)
    picture = STYLE_RENDERERS[scene.style](pen.roles(), backdrop, colour, rng)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def sample_broad(rng: np.random.Generator) -> Scene:
    """A scene of the broad world: every name equally often, then every sense, style, context and colour."""
    concept = _choose(rng, senses(_choose(rng, NAMES)))
    return Scene(concept.key, _choose(rng, STYLES), _choose(rng, CONTEXTS), _choose(rng, tuple(COLOURS)))


def sample_in_distribution(rng: np.random.Generator, concept_key: str) -> Scene:
    """A scene as the teacher knows it: a photo in a typical context and colour."""
    concept = CONCEPTS[concept_key]
    return Scene(concept.key, "photo", _choose(rng, concept.typical_contexts), _choose(rng, concept.typical_colours))


def sample_domain(
    rng: np.random.Generator, concept_key: str, *, style: str | None = None, unseen_context: bool = False
) -> Scene:
    """A scene beyond the teacher's distribution: another style, or a photo in a context that is not typical.

    Args:
        rng: source of the choices.
        concept_key: the concept; its colour stays typical.
        style: one of sketch, cartoon, painting; drawn from these three if None. Must be None for unseen contexts.
        unseen_context: a photo in a context that the concept is not usually met in.

    Raises:
        ValueError: a style is given together with ``unseen_context``, or the style is photo.
    """
    concept = CONCEPTS[concept_key]
    colour = _choose(rng, concept.typical_colours)
    if unseen_context:
        if style is not None:
            raise ValueError(f"style={style!r} with unseen_context=True; unseen contexts are photos, leave style out")
        contexts = tuple(context for context in CONTEXTS if context not in concept.typical_contexts)
        return Scene(concept.key, "photo", _choose(rng, contexts), colour)
    if style == "photo":
        raise ValueError("style='photo' is the teacher's own; choose sketch, cartoon or painting")
    chosen = _choose(rng, STYLES[1:]) if style is None else style
    return Scene(concept.key, chosen, _choose(rng, concept.typical_contexts), colour)


def _choose(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]
