"""Domains: a specification gives labelled test images, or one clear line."""

import numpy as np
import pytest

from prism.data.classes import load_classes
from prism.data.sources import load_source, split_seed
from prism.errors import DataError
from prism.generalization.corruptions import corrupt
from prism.generalization.domains import Damage, load_domain, parse_damage


@pytest.fixture
def classes(project_root):
    return load_classes(project_root / "config/classes/miniature.yaml")


@pytest.fixture
def load(classes):
    def one(spec, count=1, clean="world:in-distribution"):
        return load_domain(spec, clean=clean, size_px=32, classes=classes, count=count, run_seed=0)

    return one


@pytest.mark.parametrize("name", ["in-distribution", "sketch", "cartoon", "painting", "unseen-contexts", "corrupted"])
def test_domains_of_the_world_have_all_classes(load, name):
    images = load(f"world:{name}", 2)
    assert images.images.shape == (20, 32, 32, 3)
    assert np.array_equal(images.labels, np.repeat(np.arange(10), 2))


def test_corruptions_damage_the_in_distribution_test_images(load):
    clean = load("world:in-distribution")
    seed = split_seed(0, "test")
    assert np.array_equal(load("corruption:blur:5").images, corrupt(clean.images, "blur", 5, seed=seed))
    assert np.array_equal(load("corruption:blur").images, corrupt(clean.images, "blur", 3, seed=seed))
    assert np.array_equal(load("world:corrupted").images, corrupt(clean.images, "all", 3, seed=seed))


def test_training_and_test_images_are_not_the_same(classes):
    one, other = (
        load_source("world:in-distribution", size_px=32, classes=classes, count=2, seed=split_seed(0, split))
        for split in ("train", "test")
    )
    assert not {image.tobytes() for image in one.images} & {image.tobytes() for image in other.images}


def test_a_folder_is_a_domain(load, classes, tmp_path, picture, encode):
    for spec in classes:
        (tmp_path / spec.slug).mkdir()
        for index in range(3):
            path = tmp_path / spec.slug / f"{index}.png"
            path.write_bytes(encode(picture(100 * spec.index + index)))
    images = load(str(tmp_path), 2)
    assert len(images) == 20
    assert np.array_equal(images.images[7], picture(301))
    assert not np.array_equal(load("corruption:jpeg", 2, clean=str(tmp_path)).images, images.images)


@pytest.mark.parametrize(
    ("spec", "damage"),
    [("corruption:noise:5", Damage("noise", 5)), ("world:corrupted", Damage("all", 3)), ("photos", None)],
)
def test_damage_is_read_from_the_specification(spec, damage):
    assert parse_damage(spec) == damage


@pytest.mark.parametrize("spec", ["corruption:fog", "corruption:noise:9", "corruption:noise:x", "world:moon"])
def test_unknown_domains_are_refused_by_name(load, spec):
    with pytest.raises(DataError, match=spec):
        load(spec)
