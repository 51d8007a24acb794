"""Shards: equal samples make equal bytes, and nothing broken, foreign or unfinished is read."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from prism.artifacts import read_manifest, sha256_file, write_manifest
from prism.data.shards import (
    Sample,
    manifest_path,
    read_shard,
    read_shards,
    sample_key,
    shard_plan,
    write_shard,
)
from prism.errors import ConfigError, DataError, DiskError, ShardError

FIELDS = {"stage": "synthesis", "recipe": {"steps": 20}, "revision": 1}


@pytest.fixture
def samples(picture):
    """Six samples: images 0 and 1 of classes 0 to 2."""
    return [
        Sample(
            sample_key(class_index, image_index),
            picture(10 * class_index + image_index),
            {
                "class_index": class_index,
                "prompt": "a photo of a crane – 鶴",
                "seed": 2**62 + class_index,
                "energy": -1.25,
                "teacher_confidence": 0.5,
            },
        )
        for class_index in range(3)
        for image_index in range(2)
    ]


@pytest.fixture
def shard(tmp_path, samples) -> Path:
    path = tmp_path / "shard-0003.tar"
    write_shard(path, samples, FIELDS)
    return path


# -------------------------------------------------------------------------------------------------- the plan


def test_plan_covers_every_image_once_and_mixes_classes():
    plan = shard_plan(classes=10, images_per_class=7, shards=3)
    assert sorted(pair for part in plan for pair in part) == [(c, i) for c in range(10) for i in range(7)]
    for part in plan:
        assert {c for c, _ in part} == set(range(10))
        assert [c for c, _ in part[:10]] == list(range(10))  # the first batch has every class
    assert [len(part) for part in plan] == [20, 20, 30]


@pytest.mark.parametrize("numbers", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (10, 4, 5)])
def test_impossible_plans_are_refused(numbers):
    with pytest.raises(ConfigError, match="synthesis"):
        shard_plan(*numbers)


# -------------------------------------------------------------------------------------------- write and read


def test_shard_comes_back_as_written(shard, samples):
    found = read_shard(shard)
    assert found.images.shape == (6, 32, 32, 3) and found.images.dtype == np.uint8
    assert found.labels.tolist() == [0, 0, 1, 1, 2, 2] and found.labels.dtype == np.int64
    for sample, image, record, key in zip(samples, found.images, found.records, found.keys, strict=True):
        assert np.array_equal(image, sample.image)
        assert record == sample.record and key == sample.key


def test_bytes_do_not_depend_on_the_order_of_samples_or_the_day(shard, samples, tmp_path):
    again = tmp_path / "again" / "shard-0003.tar"
    for order in (samples[::-1], samples[3:] + samples[:3]):
        manifest = write_shard(again, iter(order), FIELDS | {"run": {"seconds": 5.0}})
        assert manifest.outputs["shard-0003.tar"] == sha256_file(shard)
        assert again.read_bytes() == shard.read_bytes()


def test_archive_is_plain_ustar_that_tells_nothing_of_its_writer(shard):
    with tarfile.open(shard) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert members[0].name == "0000-000000.json" and members[1].name == "0000-000000.png"
    for member in members:
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
    assert shard.read_bytes()[257:263] == b"ustar\0"


def test_manifest_states_count_hash_size_and_recipe(shard):
    manifest = read_manifest(manifest_path(shard))
    assert manifest_path(shard).name == "shard-0003.json"
    assert manifest.count == 6 and manifest.outputs == {"shard-0003.tar": sha256_file(shard)}
    assert manifest.details == {"bytes": shard.stat().st_size, "height_px": 32, "width_px": 32}
    assert manifest.recipe == {"steps": 20} and manifest.revision == 1


def test_shards_are_joined_in_the_order_given(tmp_path, samples):
    paths = [tmp_path / "shard-0000.tar", tmp_path / "shard-0001.tar"]
    write_shard(paths[0], samples[:4], FIELDS)
    write_shard(paths[1], samples[4:], FIELDS)
    found = read_shards(paths)
    assert found.keys == tuple(sample.key for sample in samples) and len(found.records) == 6
    assert np.array_equal(found.images, np.stack([sample.image for sample in samples]))
    assert read_shards(paths[::-1]).labels.tolist() == [2, 2, 0, 0, 1, 1]


def test_shards_with_the_same_image_or_another_size_are_refused(tmp_path, samples, picture):
    paths = [tmp_path / "shard-0000.tar", tmp_path / "shard-0001.tar"]
    write_shard(paths[0], samples[:4], FIELDS)
    write_shard(paths[1], samples[3:], FIELDS)
    with pytest.raises(ShardError, match="shard-0001.tar: image 0001-000001 is in .*shard-0000.tar too"):
        read_shards(paths)
    write_shard(paths[1], [Sample("0009-000000", picture(0, 16), {"class_index": 9})], FIELDS)
    with pytest.raises(ShardError, match=r"shard-0001.tar: images are \(16, 16, 3\)"):
        read_shards(paths)
    with pytest.raises(ShardError, match="no shards"):
        read_shards([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: Sample("../escape", s.image, s.record), "image key '../escape'"),
        (lambda s: Sample(s.key, s.image.astype(np.float32), s.record), "is float32"),
        (lambda s: Sample(s.key, s.image[..., :1], s.record), "it must be uint8"),
        (lambda s: Sample(s.key, s.image[:16], s.record), "others are"),
        (lambda s: Sample(s.key, s.image, s.record | {"class_index": 7}), "class_index is 7, not 2"),
        (lambda s: Sample(s.key, s.image, s.record | {"energy": float("nan")}), "energy = nan"),
        (lambda s: Sample("0000-000000", s.image, s.record | {"class_index": 0}), "comes twice"),
    ],
)
def test_faulty_samples_are_refused_and_nothing_is_written(tmp_path, samples, change, message):
    with pytest.raises(DataError, match=message):
        write_shard(tmp_path / "shard-0000.tar", samples[:-1] + [change(samples[-1])], FIELDS)
    assert list(tmp_path.iterdir()) == []


def test_empty_shard_and_keys_too_large_are_refused(tmp_path):
    with pytest.raises(ShardError, match="at least one image"):
        write_shard(tmp_path / "shard-0000.tar", [], FIELDS)
    for indices in ((-1, 0), (0, 10**6), (10**4, 0)):
        with pytest.raises(DataError, match="keys hold classes"):
            sample_key(*indices)


# ---------------------------------------------------------------------------------------------------- faults


def test_full_disk_keeps_the_earlier_shard_readable(shard, samples, monkeypatch):
    def no_space(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tarfile.TarFile, "addfile", no_space)
    with pytest.raises(DiskError, match="shard-0003.tar: no space left") as caught:
        write_shard(shard, samples, FIELDS)
    monkeypatch.undo()
    assert "\n" not in str(caught.value)
    assert len(read_shard(shard)) == 6
    assert sorted(path.name for path in shard.parent.iterdir()) == ["shard-0003.json", "shard-0003.tar"]


def test_shard_cut_short_says_how_short(shard):
    data = shard.read_bytes()
    shard.write_bytes(data[:-700])
    with pytest.raises(ShardError, match=f"shard-0003.tar: has {len(data) - 700} bytes of {len(data)}"):
        read_shard(shard)


@pytest.mark.parametrize("position", [0, 300, 600, 3000, -1])
def test_flipped_byte_is_found(shard, position):
    data = bytearray(shard.read_bytes())
    data[position] ^= 1
    shard.write_bytes(data)
    with pytest.raises(ShardError, match="shard-0003.tar: has changed since it was written"):
        read_shard(shard)


def test_shard_without_a_manifest_was_never_finished(shard):
    manifest_path(shard).unlink()
    with pytest.raises(ShardError, match="its manifest shard-0003.json is missing, so it was never finished"):
        read_shard(shard)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stage": "synthesis"}', b"\xff"])
def test_corrupt_manifest_is_named(shard, content):
    manifest_path(shard).write_bytes(content)
    with pytest.raises(ShardError, match="shard-0003.json: ") as caught:
        read_shard(shard)
    assert "\n" not in str(caught.value)


def test_missing_shard_and_manifest_of_another_are_named(shard):
    write_manifest(manifest_path(shard), outputs={"shard-0004.tar": "0"}, count=6, **FIELDS)
    with pytest.raises(ShardError, match="names shard-0004.tar, not shard-0003.tar"):
        read_shard(shard)
    shard.unlink()
    with pytest.raises(ShardError, match="shard-0003.tar: there is no such shard"):
        read_shard(shard)


def forge(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], count: int) -> None:
    """A tar of any members, with a manifest whose hash is right: only the checks of members are left."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    write_manifest(manifest_path(path), outputs=[path], count=count, **FIELDS)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", pax: dict | None = None) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, target, pax or {}
    return info


@pytest.mark.parametrize(
    ("foreign", "message"),
    [
        (member("../0000-000000.png"), "!../0000-000000.png: is no member of a shard"),
        (member("/etc/passwd"), "/etc/passwd: is no member"),
        (member("folder/0000-000000.png"), "is no member"),
        (member("0000-000000.pkl"), "0000-000000.pkl: is no member"),
        (member("0000-000000.png\n"), "is no member"),
        (member("x" * 300), "is no(t| )"),
        (member("0000-000000.png", tarfile.SYMTYPE, "/etc/passwd"), "0000-000000.png: is not a plain file"),
        (member("0000-000000.png", tarfile.LNKTYPE, "other"), "is not a plain file"),
        (member("0000-000000.png", tarfile.DIRTYPE), "is not a plain file"),
        (member("0000-000000.png", tarfile.CHRTYPE), "is not a plain file"),
        (member("0000-000000.png", tarfile.FIFOTYPE), "is not a plain file"),
        (member("0000-000000.png", pax={"comment": "x"}), "is not a plain file"),
    ],
)
def test_foreign_members_are_refused_by_name(tmp_path, foreign, message):
    path = tmp_path / "shard-0000.tar"
    forge(path, [(foreign, b"")], count=1)
    with pytest.raises(ShardError, match=message):
        read_shard(path)


@pytest.fixture
def parts(picture, encode):
    """A record and a PNG that fit key 0000-000000."""
    return b'{"class_index": 0}', encode(picture(1))


def test_members_out_of_order_missing_or_doubled_are_refused(tmp_path, parts):
    record, png = parts
    path = tmp_path / "shard-0000.tar"
    json_name, png_name = "0000-000000.json", "0000-000000.png"
    for names in ([png_name, json_name], [json_name], [png_name]):
        forge(path, [(member(name), record if name == json_name else png) for name in names], count=1)
        with pytest.raises(ShardError, match="not a .json and a .png for each key, ordered by key"):
            read_shard(path)
    forge(path, [(member(json_name), record), (member(png_name), png)] * 2, count=1)
    with pytest.raises(ShardError, match="0000-000000.json: comes twice"):
        read_shard(path)
    forge(path, [(member(json_name), record), (member(png_name), png)], count=2)
    with pytest.raises(ShardError, match="holds 1 images, but its manifest says 2"):
        read_shard(path)


@pytest.mark.parametrize("record", [b"", b"[]", b'{"class_index": 1}', b'{"class_index": "0"}', b"\xff"])
def test_broken_records_are_named(tmp_path, parts, record):
    path = tmp_path / "shard-0000.tar"
    forge(path, [(member("0000-000000.json"), record), (member("0000-000000.png"), parts[1])], count=1)
    with pytest.raises(ShardError, match="!0000-000000.json: "):
        read_shard(path)


def test_truncated_image_inside_a_shard_is_named(tmp_path, parts):
    path = tmp_path / "shard-0000.tar"
    forge(path, [(member("0000-000000.json"), parts[0]), (member("0000-000000.png"), parts[1][:-30])], count=1)
    with pytest.raises(ShardError, match="shard-0000.tar!0000-000000.png: is not a whole image"):
        read_shard(path)
