"""The miniature world: its lexicon is consistent, its pictures are reproducible, and their factors are visible."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, IN_DISTRIBUTION, NAMES, STYLES, senses
from prism.miniature.shapes import NEVER_MIRRORED, SHAPES
from prism.miniature.shapes.pen import EMPTY, Pen, sample_pose
from prism.miniature.world import Scene, draw, sample_broad, sample_domain, sample_in_distribution

AMBIGUOUS = tuple(name for name in NAMES if len(senses(name)) == 2)


def average(scene: Scene, draws: int = 32) -> np.ndarray:
    """Mean picture over seeds, float (32, 32, 3)."""
    return np.mean([draw(scene, np.random.default_rng(seed)).astype(float) for seed in range(draws)], axis=0)


def test_lexicon_words_are_known_and_senses_are_unique():
    for key, concept in CONCEPTS.items():
        assert key == f"{concept.name}.{concept.sense}"
        assert len(concept.typical_contexts) == 3 and set(concept.typical_contexts) <= set(CONTEXTS)
        assert 3 <= len(concept.typical_colours) <= 4 and set(concept.typical_colours) <= set(COLOURS)
        assert 2 <= len(concept.gloss.split()) <= 5 and concept.gloss == concept.gloss.lower()
    assert len({concept.gloss for concept in CONCEPTS.values()}) == len(CONCEPTS)
    assert len(AMBIGUOUS) == 11
    assert len(set(IN_DISTRIBUTION)) == 10 and set(IN_DISTRIBUTION) <= set(CONCEPTS)


def test_every_concept_has_a_shape():
    assert set(SHAPES) == set(CONCEPTS)
    assert set(SHAPES) >= NEVER_MIRRORED


def test_unknown_name_and_unknown_factor_are_refused():
    with pytest.raises(ValueError, match="names are"):
        senses("dragon")
    with pytest.raises(ValueError, match="style='etching'"):
        Scene("car.vehicle", "etching", "grass", "red")


@pytest.mark.parametrize("style", STYLES)
def test_every_concept_draws_in_every_context(style):
    colours = tuple(COLOURS)
    for index, (concept, context) in enumerate(product(CONCEPTS, CONTEXTS)):
        picture = draw(Scene(concept, style, context, colours[index % 10]), np.random.default_rng(index))
        assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8
        assert picture.std() > 4


def test_same_seed_gives_same_picture_and_another_seed_another():
    scene = Scene("crane.bird", "painting", "water", "white")
    first, again, other = (draw(scene, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_two_senses_of_a_name_look_different(name):
    one, two = (average(Scene(concept.key, "photo", "sky", "red")) for concept in senses(name))
    assert np.abs(one - two).mean() > 10


@pytest.mark.parametrize("key", CONCEPTS)
def test_object_fills_the_frame(key):
    extents, areas = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        pen = Pen(sample_pose(rng, may_flip=key not in NEVER_MIRRORED), rng)
        SHAPES[key](pen)
        drawn = pen.roles() != EMPTY
        extents.append(max(drawn.any(axis=0).mean(), drawn.any(axis=1).mean()))
        areas.append(drawn.mean())
    assert 0.75 < np.mean(extents) <= 1
    assert np.mean(areas) > 0.1


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("colour", COLOURS)
def test_object_stands_out_from_its_backdrop(context, colour):
    # The same seed draws the same backdrop whatever the object, so two objects differ only where one of them is.
    car, spade = (
        draw(Scene(key, "photo", context, colour), np.random.default_rng(3)).astype(float)
        for key in ("car.vehicle", "spade.suit")
    )
    assert (np.abs(car - spade).max(axis=2) > 40).mean() > 0.15


def test_contexts_differ_in_mean_colour():
    means = {
        context: average(Scene("fish.animal", "photo", context, "red"), 8)[[0, -1]].mean(axis=(0, 1))
        for context in CONTEXTS
    }
    for one, two in product(CONTEXTS, CONTEXTS):
        if one < two:
            assert np.linalg.norm(means[one] - means[two]) > 20, (one, two)


def test_broad_world_is_uniform_over_names_before_senses():
    rng = np.random.default_rng(0)
    scenes = [sample_broad(rng) for _ in range(3400)]
    names = [CONCEPTS[scene.concept].name for scene in scenes]
    assert 140 < names.count("car") < 265 and 140 < names.count("crane") < 265
    assert {scene.style for scene in scenes} == set(STYLES)
    assert {scene.colour for scene in scenes} == set(COLOURS)


def test_in_distribution_and_domains_do_not_overlap():
    rng = np.random.default_rng(0)
    for key in IN_DISTRIBUTION:
        typical = CONCEPTS[key].typical_contexts
        for _ in range(10):
            inside = sample_in_distribution(rng, key)
            assert inside.style == "photo" and inside.context in typical
            assert sample_domain(rng, key).style != "photo"
            assert sample_domain(rng, key, style="sketch").style == "sketch"
            unseen = sample_domain(rng, key, unseen_context=True)
            assert unseen.style == "photo" and unseen.context not in typical


def test_domain_refuses_contradictory_choices():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unseen_context"):
        sample_domain(rng, "car.vehicle", style="sketch", unseen_context=True)
    with pytest.raises(ValueError, match="photo"):
        sample_domain(rng, "car.vehicle", style="photo")
