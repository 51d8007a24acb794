"""Corruptions: every kind damages, more so with severity, and depends on its seed alone."""

import numpy as np
import pytest

from prism.generalization.corruptions import CORRUPTIONS, SEVERITIES, corrupt


@pytest.fixture
def images(picture):
    return np.stack([picture(seed) for seed in range(6)])


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_damage_grows_with_severity(images, kind):
    damage = [np.abs(corrupt(images, kind, s, seed=0).astype(int) - images).mean() for s in SEVERITIES]
    assert damage[0] > 0 and damage == sorted(damage) and damage[-1] > 1.3 * damage[0]


@pytest.mark.parametrize("kind", [*CORRUPTIONS, "all"])
def test_images_keep_type_and_shape_and_the_input_is_not_changed(images, kind):
    before = images.copy()
    damaged = corrupt(images, kind, 3, seed=0)
    assert damaged.dtype == np.uint8 and damaged.shape == images.shape
    assert np.array_equal(images, before)
    assert np.array_equal(damaged, corrupt(images, kind, 3, seed=0))


def test_noise_belongs_to_the_image_not_to_the_batch(images):
    whole = corrupt(images, "noise", 3, seed=0)
    assert np.array_equal(whole[:3], corrupt(images[:3], "noise", 3, seed=0))
    assert not np.array_equal(whole, corrupt(images, "noise", 3, seed=1))


def test_all_kinds_take_turns(images):
    mixed = corrupt(images, "all", 3, seed=0)
    for index, kind in enumerate(CORRUPTIONS):
        if kind != "noise":
            assert np.array_equal(mixed[index], corrupt(images, kind, 3, seed=0)[index])


def test_brightness_does_not_wrap_around():
    white = np.full((1, 8, 8, 3), 250, np.uint8)
    assert (corrupt(white, "brightness", 5, seed=0) == 255).all()


def test_pixelation_leaves_blocks_of_one_colour():
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    blocks = corrupt(image, "pixelate", 5, seed=0)[0].reshape(8, 4, 8, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_unknown_kinds_and_severities_are_refused(images):
    with pytest.raises(ValueError, match="fog"):
        corrupt(images, "fog", 3, seed=0)
    with pytest.raises(ValueError, match="severity=0"):
        corrupt(images, "noise", 0, seed=0)
