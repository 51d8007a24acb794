"""Tar shards of synthetic images: equal samples make equal bytes, and nothing broken or foreign is read.

A shard is a USTAR archive in the WebDataset layout, ``<key>.json`` and ``<key>.png`` for each image, ordered
by key, with fixed times and owners. Beside ``shard-0003.tar`` lies ``shard-0003.json``, its manifest, written
last.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prism.artifacts import Manifest, atomic_path, json_text, read_manifest, sha256_file, write_manifest
from prism.data.arrays import pixel_array
from prism.data.images import ImageSet
from prism.data.members import KEY, decode_png, encode_png, parse_record, read_members, write_members
from prism.errors import ConfigError, DataError, ShardError

_THREADS = 4


@dataclass(frozen=True, eq=False)
class Sample:
    """One image of a shard: ``key`` as :func:`sample_key` makes it, ``image`` uint8 (height, width, 3).

    ``record`` has at least ``class_index``; synthesis adds ``prompt``, ``seed``, ``energy`` and
    ``teacher_confidence``.
    """

    key: str
    image: np.ndarray
    record: dict[str, Any]


@dataclass(frozen=True, eq=False)
class ShardSet(ImageSet):
    """The images and labels of one or several shards, with the record and key of each image."""

    records: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]


def sample_key(class_index: int, image_index: int) -> str:
    """The key of an image: ``0007-000123`` is image 123 of class 7.

    Raises:
        DataError: an index is negative or has more digits than a key holds.
    """
    if not (0 <= class_index <= 9999 and 0 <= image_index <= 999999):
        raise DataError(f"class {class_index}, image {image_index}: keys hold classes 0-9999 and images 0-999999")
    return f"{class_index:04d}-{image_index:06d}"


def shard_plan(classes: int, images_per_class: int, shards: int) -> list[list[tuple[int, int]]]:
    """Which (class_index, image_index) each shard holds: a slice of the image indices, over all classes.

    Within a shard the class changes fastest, so that every batch mixes classes as batch statistics need.

    Raises:
        ConfigError: a number is below one, or there are more shards than images of a class.
    """
    for name, value in (("classes", classes), ("images_per_class", images_per_class), ("shards", shards)):
        if value < 1:
            raise ConfigError(f"synthesis: {name} is {value}; it must be at least 1")
    if shards > images_per_class:
        raise ConfigError(
            f"synthesis.shards: {shards} is more than images_per_class, {images_per_class}; use at most that"
        )
    edges = [shard * images_per_class // shards for shard in range(shards + 1)]
    return [
        [(class_index, image_index) for image_index in range(start, stop) for class_index in range(classes)]
        for start, stop in zip(edges, edges[1:], strict=False)
    ]


def manifest_path(shard: Path) -> Path:
    """The manifest beside a shard: ``shard-0003.json`` for ``shard-0003.tar``."""
    return Path(shard).with_suffix(".json")


def write_shard(path: Path, samples: Iterable[Sample], manifest_fields: Mapping[str, Any]) -> Manifest:
    """Write a shard and then its manifest; the bytes do not depend on the order of ``samples``.

    Args:
        path: the tar file. All encoded images are in memory until it is written.
        samples: the images, all of one size.
        manifest_fields: fields of :func:`prism.artifacts.write_manifest` beside ``outputs`` and ``count``:
            ``stage`` and ``recipe`` at least.

    Raises:
        ShardError: a sample is invalid, a key comes twice or there is no sample; DiskError: it cannot be
            written.
    """
    path = Path(path)
    encoded: dict[str, tuple[bytes, bytes]] = {}
    shape: tuple[int, ...] | None = None
    with ThreadPoolExecutor(_THREADS) as pool:
        for sample, png in _encoded(pool, samples):
            shape = shape or sample.image.shape
            if sample.image.shape != shape:
                raise ShardError(
                    f"{path}: image {sample.key} is {sample.image.shape}, others are {shape}; use one size"
                )
            if sample.key in encoded:
                raise ShardError(f"{path}: image {sample.key} comes twice")
            encoded[sample.key] = (
                json_text(sample.record, name=f"{path}!{sample.key}", indent=None).encode(),
                png,
            )
    if shape is None:
        raise ShardError(f"{path}: a shard needs at least one image")
    with atomic_path(path) as temporary:
        write_members(temporary, encoded)
        digest, size = sha256_file(temporary), temporary.stat().st_size
    fields = dict(manifest_fields)
    details = {**fields.pop("details", {}), "bytes": size, "height_px": shape[0], "width_px": shape[1]}
    return write_manifest(
        manifest_path(path), outputs={path.name: digest}, count=len(encoded), details=details, **fields
    )


def _encoded(pool: ThreadPoolExecutor, samples: Iterable[Sample]) -> Iterator[tuple[Sample, bytes]]:
    """Samples with their PNG bytes, a few at a time so that arrays are not all held at once."""
    pending: list[tuple[Sample, Any]] = []
    for sample in samples:
        _check_sample(sample)
        pending.append((sample, pool.submit(encode_png, sample.image)))
        if len(pending) > 4 * _THREADS:
            first, future = pending.pop(0)
            yield first, future.result()
    for sample, future in pending:
        yield sample, future.result()


def _check_sample(sample: Sample) -> None:
    match = KEY.fullmatch(sample.key)
    if match is None:
        raise ShardError(f"image key {sample.key!r} is not class and image index as in '0007-000123'")
    image = sample.image
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ShardError(f"image {sample.key} is {image.dtype} {image.shape}; it must be uint8 (height, width, 3)")
    if sample.record.get("class_index") != int(match[1]):
        raise ShardError(
            f"image {sample.key}: class_index is {sample.record.get('class_index')!r}, not {int(match[1])}"
        )


def read_shard(tar_path: Path) -> ShardSet:
    """Read one shard after checking it against its manifest.

    Raises:
        ShardError: the shard or its manifest is missing, the sha256 or count differs, a member has a foreign
            name or type, is out of order, or cannot be decoded; the message names the file and the member.
    """
    path = Path(tar_path)
    manifest = _shard_manifest(path)
    data = _checked_bytes(path, manifest)
    members = read_members(path, io.BytesIO(data))
    del data  # its members are copies
    keys = sorted({name.split(".")[0] for name in members})
    if list(members) != [f"{key}.{suffix}" for key in keys for suffix in ("json", "png")]:
        raise ShardError(f"{path}: its members are not a .json and a .png for each key, ordered by key")
    if len(keys) != manifest.count:
        raise ShardError(f"{path}: holds {len(keys)} images, but its manifest says {manifest.count}")
    records = tuple(parse_record(path, key, members[f"{key}.json"]) for key in keys)
    images = pixel_array(len(keys), *decode_png(path, keys[0], members[f"{keys[0]}.png"]).shape)

    def decode(place: int) -> None:
        image = decode_png(path, keys[place], members[f"{keys[place]}.png"])
        if image.shape != images.shape[1:]:
            raise ShardError(f"{path}!{keys[place]}.png: is {image.shape}, the first image is {images.shape[1:]}")
        images[place] = image

    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(decode, range(len(keys))):
            pass
    labels = np.array([record["class_index"] for record in records], np.int64)
    return ShardSet(images, labels, str(path), records, tuple(keys))


def first_images(tar_path: Path, classes: Collection[int], per_class: int) -> dict[int, list[np.ndarray]]:
    """The first images, uint8 (height, width, 3), of some classes in a shard; of the rest nothing is decoded.

    Raises:
        ShardError: as :func:`read_shard`, of what is read.
    """
    path = Path(tar_path)
    _check_sha256(path, _shard_manifest(path), sha256_file(path))
    found: dict[int, list[np.ndarray]] = {index: [] for index in classes}
    counts = dict.fromkeys(classes, 0)

    def wanted(name: str) -> bool:
        label = int(name[:4])
        if not name.endswith(".png") or counts.get(label, per_class) >= per_class:
            return False
        counts[label] += 1
        return True

    with path.open("rb") as file:
        for name, data in read_members(path, file, wanted).items():
            found[int(name[:4])].append(decode_png(path, name.removesuffix(".png"), data))
    return found


def read_one_by_one(paths: Sequence[Path]) -> Iterator[ShardSet]:
    """Read several shards, one after another: of a large set there is never more than that in memory.

    Raises:
        ShardError: as :func:`read_shard`; or no path is given, or two shards hold the same image.
    """
    if not paths:
        raise ShardError("no shards are given to read")
    keys: dict[str, Path] = {}
    for path in map(Path, paths):
        shard = read_shard(path)
        for key in shard.keys:
            if key in keys:
                raise ShardError(f"{path}: image {key} is in {keys[key]} too")
            keys[key] = path
        yield shard
        del shard  # before the next one is read


def read_shards(paths: Sequence[Path], fit: Callable[[ShardSet], ShardSet] = lambda shard: shard) -> ShardSet:
    """Read several shards, in the order given, into one array.

    Args:
        paths: the shards.
        fit: is done to each before it comes to the others, such as bringing it to another size.

    Raises:
        ShardError: as :func:`read_shard`; or no path is given, sizes differ, or two shards hold the same
            image.
    """
    counts = [_shard_manifest(Path(path)).count for path in paths]
    images, labels = np.empty(0, np.uint8), np.empty(sum(counts), np.int64)
    records: list[dict[str, Any]] = []
    keys: list[str] = []
    for path, count, whole in zip(paths, counts, read_one_by_one(paths), strict=True):
        shard, start = fit(whole), len(records)
        if not records:
            images = pixel_array(sum(counts), *shard.images.shape[1:])
        if shard.images.shape[1:] != images.shape[1:]:
            raise ShardError(f"{path}: images are {shard.images.shape[1:]}, those of {paths[0]} are {images.shape[1:]}")
        images[start : start + count], labels[start : start + count] = shard.images, shard.labels
        records += shard.records
        keys += shard.keys
    name = str(paths[0]) if len(paths) == 1 else f"{Path(paths[0]).parent} ({len(paths)} shards)"
    return ShardSet(images, labels, name, tuple(records), tuple(keys))


def _shard_manifest(path: Path) -> Manifest:
    beside = manifest_path(path)
    if not path.is_file():
        raise ShardError(f"{path}: there is no such shard; run its synthesis first")
    if not beside.is_file():
        raise ShardError(
            f"{path}: its manifest {beside.name} is missing, so it was never finished; synthesize it again"
        )
    try:
        manifest = read_manifest(beside)
    except DataError as error:
        raise ShardError(str(error)) from error
    if path.name not in manifest.outputs:
        raise ShardError(f"{beside}: names {', '.join(manifest.outputs) or 'no output'}, not {path.name}")
    return manifest


def _checked_bytes(path: Path, manifest: Manifest) -> bytes:
    data = path.read_bytes()
    _check_sha256(path, manifest, hashlib.sha256(data).hexdigest())
    return data


def _check_sha256(path: Path, manifest: Manifest, found: str) -> None:
    if found != manifest.outputs[path.name]:
        there = path.stat().st_size
        size = manifest.details.get("bytes", there)
        what = f"has {there} bytes of {size}" if there != size else "has changed since it was written"
        raise ShardError(f"{path}: {what} (its sha256 is not the manifest's); delete it and synthesize it again")
