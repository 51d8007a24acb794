"""Captions of the broad world: the text side of the text-to-image model.

Every factor of a scene (style, colour, sense, context) is mentioned only some of the time, so that a
prompt which leaves one out yields a mixture over it. A bare ambiguous name therefore draws both of its
senses: the ambiguity that prompt engineering is meant to resolve.
"""

import numpy as np

from prism.miniature.lexicon import CONCEPTS, Concept
from prism.miniature.world import Scene

STYLE_PHRASES: dict[str, tuple[str, ...]] = {
    "photo": ("a photo", "a photograph"),
    "sketch": ("a sketch", "a pencil drawing"),
    "cartoon": ("a cartoon", "a comic picture"),
    "painting": ("a painting", "a watercolour"),
}
CONTEXT_PHRASES: dict[str, tuple[str, ...]] = {
    "grass": ("on grass", "in a meadow"),
    "sky": ("in the sky", "under a blue sky"),
    "water": ("in the water", "at sea"),
    "sand": ("on sand", "on a beach"),
    "snow": ("in the snow", "on a snowy day"),
    "night": ("at night", "under the stars"),
    "indoors": ("indoors", "in a room"),
}
# Probability that a caption mentions a factor; the sense's one half is what makes bare names ambiguous.
MENTION = {"style": 0.75, "colour": 0.6, "sense": 0.5, "context": 0.6}


def with_article(noun: str) -> str:
    """``noun`` behind its indefinite article: "a crane", "an orange fan"."""
    return f"an {noun}" if noun[0].lower() in "aeiou" else f"a {noun}"


def compose(concept: Concept, *, style: str | None, colour: str | None, context: str | None, name_sense: bool) -> str:
    """One caption from phrases already chosen; ``None`` leaves a factor unsaid."""
    noun = with_article(f"{colour} {concept.name}" if colour else concept.name)
    head = f"{style} of {noun}" if style else noun
    return ", ".join(part for part in (head, concept.gloss if name_sense else None, context) if part)


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """A caption of ``scene``, each factor mentioned with its probability in :data:`MENTION`."""
    said = {factor: rng.random() < share for factor, share in MENTION.items()}
    style, context = STYLE_PHRASES[scene.style], CONTEXT_PHRASES[scene.context]
    return compose(
        CONCEPTS[scene.concept],
        style=style[rng.integers(len(style))] if said["style"] else None,
        colour=scene.colour if said["colour"] else None,
        context=context[rng.integers(len(context))] if said["context"] else None,
        name_sense=said["sense"],
    )
