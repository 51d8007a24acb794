"""Files of soft labels: for every epoch and image the teacher's logits in 16 bits, and what makes the view again.

A file is safetensors, which any of its readers opens: ``logits`` float16 (epochs, n, classes) and the tensors of
:class:`prism.data.views.Views` with the epochs before them. It is written and read an epoch at a time, as the labels of
a large data set are many times its size. Beside ``sre2l.safetensors`` lies ``sre2l.json``, its manifest.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from prism.artifacts import atomic_path, read_manifest, sha256_file
from prism.data.images import ImageSet
from prism.data.views import Views
from prism.documents import parse_json
from prism.errors import DataError

_METADATA_KEY = "prism"  # one key holding JSON: safetensors does not keep the order of several
# In the file in this order, widest first, so that each tensor starts at a multiple of its width.
_TYPES: dict[str, tuple[str, torch.dtype]] = {
    "partners": ("I32", torch.int32),
    "logits": ("F16", torch.float16),
    "boxes": ("I16", torch.int16),
    "patches": ("I16", torch.int16),
    "flips": ("U8", torch.uint8),
}
_FACTS = ("epochs", "images", "classes", "source_px", "size_px", "pixels")


@dataclass(frozen=True)
class LabelFacts:
    """What a file says of itself.

    Attributes:
        epochs, images, classes: the sizes of its tensors.
        source_px: side of the images that views are taken from.
        size_px: side of a view.
        pixels: :func:`pixels_hash` of the images.
    """

    epochs: int
    images: int
    classes: int
    source_px: int
    size_px: int
    pixels: str

    def shape(self, name: str, epochs: int | None = None) -> tuple[int, ...]:
        """The shape of the tensor ``name``, for all epochs or so many."""
        last = {"logits": (self.classes,), "boxes": (4,), "patches": (4,)}
        return (self.epochs if epochs is None else epochs, self.images, *last.get(name, ()))

    def bytes(self, name: str) -> int:
        """Bytes of the tensor ``name``."""
        return math.prod(self.shape(name)) * _TYPES[name][1].itemsize


def pixels_hash(images: ImageSet) -> str:
    """16 hexadecimal digits that tell images and their order from others."""
    digest = hashlib.sha256(str(images.images.shape).encode())
    digest.update(np.ascontiguousarray(images.images))
    digest.update(np.ascontiguousarray(images.labels))
    return digest.hexdigest()[:16]


def write_soft_labels(path: Path, facts: LabelFacts, rows: Callable[[str], Sequence[Callable[[], Tensor]]]) -> None:
    """Write a file of soft labels, whole or not at all.

    Args:
        path: the ``.safetensors`` file.
        facts: what it holds.
        rows: gives, by a tensor's name, functions whose results one after another are its rows, epoch by epoch, image
            by image. One result is in memory at a time.

    Raises:
        DataError: the rows are of another type, or more or fewer than the facts say. DiskError: it cannot be written.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(_header(facts))
        for name, (_, dtype) in _TYPES.items():
            written = 0
            for part in rows(name):
                tensor = part()
                if tensor.dtype != dtype or tensor.shape[1:] != facts.shape(name)[2:]:
                    raise DataError(
                        f"{path}: {name} is {tensor.dtype} {tuple(tensor.shape)}, not {dtype} rows of its own"
                    )
                written += file.write(tensor.contiguous().numpy().tobytes())
            if written != facts.bytes(name):
                raise DataError(f"{path}: {name} has {written} bytes, {facts.bytes(name)} are needed")


def _header(facts: LabelFacts) -> bytes:
    entries: dict[str, Any] = {"__metadata__": {_METADATA_KEY: json.dumps(asdict(facts), sort_keys=True)}}
    start = 0
    for name, (kind, _) in _TYPES.items():
        stop = start + facts.bytes(name)
        entries[name] = {"dtype": kind, "shape": list(facts.shape(name)), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


class SoftLabels:
    """A file of soft labels, read an epoch at a time.

    Args:
        path: the file; the manifest beside it must name it.

    Raises:
        DataError: the file or its manifest is missing, damaged or no file of soft labels.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.facts = self._read_facts()
        self._epoch: tuple[int, Tensor, Views] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of the file, which is that of its manifest.

        Raises:
            DataError: it differs, or there is no manifest.
        """
        beside = self.path.with_suffix(".json")
        if not beside.is_file():
            raise DataError(
                f"{self.path}: its manifest {beside.name} is missing, so it was never finished; relabel again"
            )
        found = sha256_file(self.path)
        if read_manifest(beside).outputs.get(self.path.name) != found:
            raise DataError(f"{self.path}: its sha256 is not the one in {beside.name}; delete both and relabel again")
        return found

    def check(self, images: ImageSet, classes: int, size_px: int) -> None:
        """Refuse labels of other images, classes or sizes: they would be believed.

        Raises:
            DataError: naming what differs.
        """
        if (self.facts.classes, self.facts.size_px) != (classes, size_px):
            raise DataError(
                f"{self.path}: labels are for {self.facts.classes} classes and views of {self.facts.size_px} px; "
                f"{classes} and {size_px} are needed: relabel again"
            )
        if self.facts.pixels != pixels_hash(images):
            raise DataError(f"{self.path}: labels are not those of {images.name}; relabel again")

    def epoch(self, epoch: int) -> tuple[Tensor, Views]:
        """Logits float16 (n, classes) and views of an epoch, on the CPU; the file's epochs come round again.

        Raises:
            DataError: the file has changed meanwhile.
        """
        wanted = epoch % self.facts.epochs
        if self._epoch is None or self._epoch[0] != wanted:
            try:
                with safe_open(self.path, "pt") as file:
                    read = {name: file.get_slice(name)[wanted : wanted + 1][0] for name in _TYPES}
            except (OSError, SafetensorError) as error:
                raise DataError(f"{self.path}: cannot be read ({error}); relabel again") from error
            self._epoch = (wanted, read.pop("logits"), Views(**read))
        return self._epoch[1:]

    def _read_facts(self) -> LabelFacts:
        if not self.path.is_file():
            raise DataError(f"{self.path}: there is no such file of soft labels; run its relabelling first")
        try:
            with safe_open(self.path, "pt") as file:
                said = parse_json((file.metadata() or {}).get(_METADATA_KEY, "null"))
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
                found = {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
        except (OSError, SafetensorError, ValueError) as error:
            raise DataError(f"{self.path}: is not a whole file of soft labels ({error}); relabel again") from error
        if not isinstance(said, Mapping) or sorted(said) != sorted(_FACTS):
            raise DataError(f"{self.path}: is no file of soft labels: its metadata does not say {', '.join(_FACTS)}")
        facts = LabelFacts(**said)
        for name, (kind, _) in _TYPES.items():
            if found.get(name) != (kind, facts.shape(name)):
                raise DataError(
                    f"{self.path}: {name} is {found.get(name)}, not {kind} {facts.shape(name)}; relabel again"
                )
        return facts
