"""What a shard's tar holds: a record and a PNG for each key, nothing else; both are checked."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from prism.data.images import decode_image
from prism.documents import parse_json
from prism.errors import DataError, ShardError

# Runs only, no search for matches: on pictures twice as fast as the usual level and no larger. Part of the
# bytes, so a change raises the synthesis stage's revision.
PNG_COMPRESSION = {"compress_level": 1, "compress_type": zlib.Z_RLE}
KEY = re.compile(r"(\d{4})-(\d{6})")
MEMBER = re.compile(r"(\d{4}-\d{6})\.(json|png)")


def encode_png(image: np.ndarray) -> bytes:
    """uint8 (height, width, 3) as PNG, at a fixed compression."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", **PNG_COMPRESSION)
    return buffer.getvalue()


def write_members(path: Path, encoded: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Write a USTAR archive of (record, PNG) by key: ordered by key, with fixed times, owners and modes."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for key in sorted(encoded):
            for suffix, data in zip(("json", "png"), encoded[key], strict=True):
                _add(tar, f"{key}.{suffix}", data)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(data), 0, 0o644
    tar.addfile(info, io.BytesIO(data))


def read_members(path: Path, file: BinaryIO, wanted: Callable[[str], bool] | None = None) -> dict[str, bytes]:
    """The members of the archive ``file`` by name, in stored order: all, or those whose names are ``wanted``.

    Raises:
        ShardError: a member has a foreign name or type (and is not read), comes twice or is cut short; the
            message names it. ``path`` is for the message alone.
    """
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                if info.type != tarfile.REGTYPE or info.pax_headers:
                    raise ShardError(f"{path}!{info.name}: is not a plain file; shards hold only .json and .png files")
                if MEMBER.fullmatch(info.name) is None:
                    raise ShardError(f"{path}!{info.name}: is no member of a shard; names are like 0007-000123.png")
                if wanted is not None and not wanted(info.name):
                    continue
                if info.name in members:
                    raise ShardError(f"{path}!{info.name}: comes twice")
                member = tar.extractfile(info)
                members[info.name] = member.read() if member else b""
                if len(members[info.name]) != info.size:
                    raise ShardError(f"{path}!{info.name}: is cut short")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ShardError(f"{path}: is not a whole tar archive ({error})") from error
    return members


def parse_record(path: Path, key: str, data: bytes) -> dict[str, Any]:
    """The record of ``key`` from its JSON bytes.

    Raises:
        ShardError: it is no JSON object, or its class is not the key's.
    """
    try:
        record = parse_json(data)
    except ValueError as error:
        raise ShardError(f"{path}!{key}.json: is not JSON ({error})") from error
    if not isinstance(record, dict) or record.get("class_index") != int(key[:4]):
        raise ShardError(f"{path}!{key}.json: must be an object whose class_index is {int(key[:4])}")
    return record


def decode_png(path: Path, key: str, data: bytes) -> np.ndarray:
    """The image of ``key``, uint8 (height, width, 3), from its PNG bytes.

    Raises:
        ShardError: the bytes are no whole image.
    """
    try:
        return decode_image(data, None, name=f"{path}!{key}.png")
    except DataError as error:
        raise ShardError(str(error)) from error
