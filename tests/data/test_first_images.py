"""The first images of some classes in a shard: they alone are decoded, and a changed shard is refused all the same."""

import pytest

from prism.data import shards
from prism.data.shards import first_images, read_shard
from prism.errors import ShardError


def test_the_first_images_of_some_classes_are_read_alone(shard, monkeypatch):
    whole, read = read_shard(shard), []
    decode = shards.decode_png
    monkeypatch.setattr(shards, "decode_png", lambda path, key, data: (read.append(key), decode(path, key, data))[1])
    found = first_images(shard, [2, 0, 12], per_class=1)
    assert read == ["0000-000000", "0002-000000"]
    assert {label: len(images) for label, images in found.items()} == {2: 1, 0: 1, 12: 0}
    assert (found[2][0] == whole.images[whole.keys.index("0002-000000")]).all()


def test_a_changed_shard_is_refused_there_too(shard):
    shard.write_bytes(shard.read_bytes() + b"more")
    with pytest.raises(ShardError, match=f"{shard.name}: has .* bytes of"):
        first_images(shard, [0], per_class=1)
