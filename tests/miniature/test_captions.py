"""Captions of the broad world leave each factor unsaid some of the time; bare names are ambiguous."""

import numpy as np
import pytest

from prism.miniature.captions import CONTEXT_PHRASES, MENTION, STYLE_PHRASES, caption, compose
from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, STYLES
from prism.miniature.world import Scene

SCENE = Scene("crane.bird", "sketch", "night", "orange")


def test_every_style_and_context_has_words():
    assert set(STYLE_PHRASES) == set(STYLES) and set(CONTEXT_PHRASES) == set(CONTEXTS)


def test_factors_are_mentioned_as_often_as_stated():
    rng = np.random.default_rng(0)
    texts = [caption(SCENE, rng) for _ in range(4000)]
    found = {
        "style": [any(text.startswith(phrase) for phrase in STYLE_PHRASES["sketch"]) for text in texts],
        "colour": ["orange" in text for text in texts],
        "sense": [CONCEPTS["crane.bird"].gloss in text for text in texts],
        "context": [any(phrase in text for phrase in CONTEXT_PHRASES["night"]) for text in texts],
    }
    for factor, share in MENTION.items():
        assert np.mean(found[factor]) == pytest.approx(share, abs=0.03)
    assert all("crane" in text for text in texts)


def test_both_senses_of_a_name_share_their_bare_caption():
    bird, machine = (
        compose(CONCEPTS[key], style="a photo", colour=None, context=None, name_sense=False)
        for key in ("crane.bird", "crane.machine")
    )
    assert bird == machine == "a photo of a crane"


def test_the_grammar_in_full():
    text = compose(CONCEPTS["crane.bird"], style="a photo", colour="orange", context="in the snow", name_sense=True)
    assert text == "a photo of an orange crane, a wading bird, in the snow"
    assert set(COLOURS) >= {"orange"}
