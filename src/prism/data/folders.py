"""Real images, one folder a class, from a directory, a zip or a tar: decoded once into one uint8 array.

An image specification is a path: ``photos/``, ``photos.zip``, or ``photos.tar!inner/prefix`` for the part of
an archive (or directory) under that prefix. Below it lies one folder a class; deeper folders belong to their
class.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from prism.config import split_archive
from prism.data.archives import FileSource, open_source
from prism.data.arrays import pixel_array
from prism.data.classes import ClassList, slugify
from prism.data.images import EvaluationData, ImageSet, decode_image
from prism.errors import DataError

log = logging.getLogger(__name__)

__all__ = ["EvaluationData", "ImageFolder", "ImageSet", "image_parts", "load_images"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm")
_DECODE_THREADS = 8  # PIL decodes without the interpreter's lock
_READ_AHEAD = 256  # encoded images held at once


@dataclass(frozen=True)
class ImageFolder:
    """Where real images lie and how their folders map to classes.

    Args:
        root: an image specification (see this module).
        classes: the class list; None makes the sorted folder names the classes.
        mapping: the folder's name of each class, in the order of the classes, or class indices by folder
            name; folders that it does not name are left out. None matches folders with each class's
            ``folder``, name or slug.
    """

    root: str | Path
    classes: ClassList | None = None
    mapping: Sequence[str] | Mapping[str, int] | None = None

    def labels_of(self, folders: Sequence[str]) -> dict[str, int]:
        """The class index of each of ``folders`` that belongs to a class.

        Raises:
            DataError: a class has no folder, or the mapping does not fit the classes.
        """
        if self.mapping is not None:
            return self._mapped(set(folders))
        if self.classes is None:
            return {folder: index for index, folder in enumerate(sorted(folders))}
        by_slug = {slugify(folder): folder for folder in sorted(folders)}
        labels: dict[str, int] = {}
        for spec in self.classes:
            wanted = [spec.folder] if spec.folder else [spec.slug, spec.name]
            folder = next((by_slug[slugify(name)] for name in wanted if slugify(name) in by_slug), None)
            if folder is None:
                there = f"there are {_some(folders)}"
                raise DataError(f"{self.root}: no folder {wanted[-1]!r} for a class; {there}: give it a key folder")
            if folder in labels:
                raise DataError(
                    f"{self.root}: folder {folder!r} fits two classes called {spec.name!r}; give each a key folder"
                )
            labels[folder] = spec.index
        return labels

    def _mapped(self, folders: set[str]) -> dict[str, int]:
        if isinstance(self.mapping, Mapping):
            labels = dict(self.mapping)
        else:
            labels = {folder: index for index, folder in enumerate(self.mapping or ())}
            if len(labels) != len(self.mapping or ()):
                raise DataError(f"{self.root}: the mapping names a folder twice; it needs one folder for each class")
            if self.classes is not None and len(labels) != len(self.classes):
                raise DataError(f"{self.root}: the mapping names {len(labels)} folders for {len(self.classes)} classes")
        for folder, index in labels.items():
            if folder not in folders:
                raise DataError(
                    f"{self.root}: no folder {folder!r}, which the mapping names; there are {_some(folders)}"
                )
            if index < 0 or self.classes is not None and index >= len(self.classes):
                raise DataError(f"{self.root}: the mapping gives folder {folder!r} class {index}, which does not exist")
        return labels


def load_images(
    spec: str | Path | ImageFolder,
    size_px: int,
    *,
    classes: ClassList | None = None,
    mapping: Sequence[str] | Mapping[str, int] | None = None,
    per_class: int | None = None,
) -> ImageSet:
    """Read all images of a specification: centre squares of side ``size_px``, ordered by class, then by name.

    Args:
        spec: an image specification, or an :class:`ImageFolder`, which has its own classes and mapping.
        size_px: side of the images returned. Images that have it already are not resampled.
        classes: as in :class:`ImageFolder`.
        mapping: as in :class:`ImageFolder`.
        per_class: read only the first so many of each class.

    Returns:
        images uint8 (n, size_px, size_px, 3) in RGB and labels int64 (n,).

    Raises:
        DataError: nothing is there, a class has no images, or an image is broken; the message names the file.
    """
    folder = spec if isinstance(spec, ImageFolder) else ImageFolder(spec, classes, mapping)
    (images,) = image_parts(folder, size_px, per_class=per_class)
    return images


def image_parts(
    folder: ImageFolder, size_px: int, *, per_class: int | None = None, most: int | None = None
) -> Iterator[ImageSet]:
    """The same images in parts of ``most`` at most, one after another: never more than that in memory."""
    if size_px < 1:
        raise DataError(f"{folder.root}: size_px is {size_px}; it must be at least 1")
    with open_source(str(folder.root)) as source:
        by_folder: dict[str, list[str]] = {}
        for member in source.members:
            top, _, rest = member.partition("/")
            if rest.lower().endswith(IMAGE_SUFFIXES) and not _is_hidden(member):
                by_folder.setdefault(top, []).append(member)
        if not by_folder:
            raise DataError(f"{folder.root}: holds no class folders with images ({', '.join(IMAGE_SUFFIXES)})")
        labels_of = folder.labels_of(tuple(by_folder))
        chosen: list[tuple[int, str]] = []
        for name, label in labels_of.items():
            chosen += [(label, member) for member in sorted(by_folder[name])]
        _warn_of_small_classes(folder.root, labels_of, by_folder, per_class)
        chosen = _first_of_each(sorted(chosen), per_class)
        for start in range(0, len(chosen), most or len(chosen)):
            part = chosen[start : start + (most or len(chosen))]
            images = pixel_array(len(part), size_px, size_px, 3)
            _decode_into(images, source, [member for _, member in part], size_px)
            yield ImageSet(images, np.array([label for label, _ in part], np.int64), str(folder.root))
            del images  # before there is room for the next ones


def class_folders(spec: str) -> list[str] | None:
    """The names of the class folders of an image specification, without a look at any image.

    None of a tar archive, which would have to be read to its end.

    Raises:
        DataError: there is no such folder or archive, or no folder in it.
    """
    place = Path(split_archive(spec)[0])
    if place.is_dir():
        names = {entry.name for entry in place.iterdir() if entry.is_dir()}
    elif place.exists() and not zipfile.is_zipfile(place):
        return None
    else:
        with open_source(spec) as source:
            names = {member.partition("/")[0] for member in source.members if "/" in member}
    found = sorted(name for name in names if not _is_hidden(name))
    if not found:
        raise DataError(f"{spec}: holds no class folders")
    return found


def _decode_into(images: np.ndarray, source: FileSource, members: Sequence[str], size_px: int) -> None:
    """Fill ``images`` (n, s, s, 3), reading in stored order and decoding in threads."""
    position = {member: index for index, member in enumerate(members)}
    stored = iter([member for member in source.members if member in position])

    def decode(item: tuple[str, bytes | None]) -> None:
        member, data = item
        data = source.read(member) if data is None else data
        images[position[member]] = decode_image(data, size_px, name=source.where(member))

    with ThreadPoolExecutor(_DECODE_THREADS) as pool:
        while batch := list(islice(stored, _READ_AHEAD)):
            # An archive is read in order by this thread, a folder's files by the threads that decode them.
            items = [(member, None if source.is_folder else source.read(member)) for member in batch]
            for _ in pool.map(decode, items):
                pass


def _is_hidden(member: str) -> bool:
    """Whether a path has a part that operating systems hide or add to archives by themselves."""
    return any(part.startswith((".", "__MACOSX")) for part in member.split("/"))


def _warn_of_small_classes(
    root: object, labels_of: Mapping[str, int], by_folder: Mapping[str, Sequence[str]], per_class: int | None
) -> None:
    held: dict[int, int] = {}
    for name, label in labels_of.items():
        held[label] = held.get(label, 0) + len(by_folder[name])
    few = {label: count for label, count in held.items() if per_class is not None and count < per_class}
    if few:
        label = min(few, key=lambda one: few[one])
        log.warning(
            "%s: %d of %d classes have fewer than the %d images asked for; class %d has %d",
            *(root, len(few), len(held), per_class, label, few[label]),
        )


def _first_of_each(chosen: list[tuple[int, str]], per_class: int | None) -> list[tuple[int, str]]:
    if per_class is None:
        return chosen
    kept: list[tuple[int, str]] = []
    count: dict[int, int] = {}
    for label, member in chosen:
        count[label] = count.get(label, 0) + 1
        if count[label] <= per_class:
            kept.append((label, member))
    return kept


def _some(names: Sequence[str] | set[str], most: int = 8) -> str:
    shown = sorted(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
