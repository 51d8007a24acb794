"""What is learned from and scored on: shards as they are, real images behind their lock, labels within the classes."""

import numpy as np
import pytest

from prism.config import load_config
from prism.data.classes import load_classes
from prism.data.method_images import method_images, method_parts, real_training_images, reference_images
from prism.data.shards import Sample, ShardSet, read_shard, write_shard
from prism.data.sources import resized
from prism.errors import DataError


@pytest.fixture
def config(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    return load_config(project_root / "config/config.yaml", project_root / "config/smoke.yaml")


@pytest.fixture
def classes(config):
    return load_classes(config.classes)


def test_a_method_s_images_are_those_of_its_shards_at_their_own_size(config, classes, shard):
    images = method_images(config, "vanilla", [shard], classes, real_px=16)
    assert isinstance(images, ShardSet) and images.images.shape == (20, 32, 32, 3)
    assert np.array_equal(images.images, read_shard(shard).images)


def test_the_parts_of_a_method_are_its_shards_or_all_its_real_images(config, classes, shard):
    (part,) = method_parts(config, "vanilla", [shard], classes, real_px=16)
    assert np.array_equal(part.images, read_shard(shard).images)
    with pytest.raises(DataError, match="image 0000-000000 is in .*shard-0000.tar too"):
        list(method_parts(config, "vanilla", [shard, shard], classes, real_px=16))
    (part,) = method_parts(config, "real", [], classes, real_px=16)
    assert np.array_equal(part.images, method_images(config, "real", [], classes, real_px=16).images)


def test_images_are_brought_to_a_size_shard_by_shard(config, classes, shard):
    seen = []

    def fit(images):
        seen.append(len(images))
        return resized(images, 16)

    images = method_images(config, "vanilla", [shard], classes, real_px=16, fit=fit)
    assert images.images.shape == (20, 16, 16, 3) and seen == [20]


def test_the_upper_bound_has_as_many_real_images_at_the_size_asked_for(config, classes):
    images = method_images(config, "real", [], classes, real_px=16)
    count = config.images_per_class("real")
    assert images.images.shape == (10 * count, 16, 16, 3)
    assert np.array_equal(images.images, real_training_images(config, classes, size_px=16, count=count).images)


def test_training_and_test_images_differ(config, classes):
    train = real_training_images(config, classes, size_px=32, count=2)
    test = reference_images(config, classes, size_px=32)
    assert not {one.tobytes() for one in train.images} & {one.tobytes() for one in test.images}


def test_a_drawn_world_gives_as_many_test_images_as_are_asked_for_where_the_configuration_does_not_say(config, classes):
    def counted(number, **given):
        evaluation = config.evaluation.model_copy(update={"reference_per_class": number})
        changed = config.model_copy(update={"evaluation": evaluation})
        return len(reference_images(changed, classes, size_px=32, **given))

    assert counted(3, drawn=2) == 30
    assert counted(None, drawn=2) == 20


def test_shards_for_real_and_labels_beyond_the_classes_are_refused(config, classes, shard, tmp_path):
    with pytest.raises(DataError, match="method real: engine real takes real images, but .*shard-0000.tar is given"):
        method_images(config, "real", [shard], classes, real_px=32)
    other = tmp_path / "shard-0009.tar"
    image = np.zeros((32, 32, 3), np.uint8)
    write_shard(other, [Sample("0010-000000", image, {"class_index": 10})], {"stage": "synthesis", "recipe": {}})
    with pytest.raises(DataError, match="has label 10, the class list ends at 9"):
        method_images(config, "vanilla", [other], classes, real_px=32)
