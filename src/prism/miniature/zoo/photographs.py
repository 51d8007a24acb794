"""A text-to-image model of photographs: captions are made of the classes' names and glosses.

Photographs lie in one folder a class; a JSON list names the folders (``wnid``) and what they show (``clip_name``,
``words`` by commas, ``gloss``). One photograph in twenty is held out; the others are used with their mirror images.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import AutoencoderKL

from prism.artifacts import read_json
from prism.config.zoo import ZooConfig
from prism.data.folders import load_images
from prism.errors import DataError
from prism.miniature.captions import with_article
from prism.miniature.zoo.autoencoder import reconstruct
from prism.miniature.zoo.diffusion import CaptionOf
from prism.miniature.zoo.measure import squared_error
from prism.miniature.zoo.prior import Folders, Part, Scores, Size, prior_parts

HELD_OUT_EVERY = 20
TEMPLATES = ("a photo of {}", "a photo of {}", "a photograph of {}", "a picture of {}", "an image of {}", "{}")
GLOSS_SHARE = 0.5
MAX_GLOSS_WORDS = 8

_GLOSS_BREAK = re.compile(r"[;,:(]")
_LOOSE_ENDS = frozenset(
    "a an the of and or with for in on at to by from as that which is are used consisting having long short".split()
)


@dataclass(frozen=True)
class PhotographClass:
    """What a folder of photographs shows."""

    folder: str
    names: tuple[str, ...]
    gloss: str


def photographs_parts(settings: ZooConfig) -> dict[str, Part]:
    """The text-to-image model of photographs and its tiny decoder."""
    return prior_parts(Photographs(settings), settings)


class Photographs:
    """Training and held-out photographs, read when first asked for."""

    size = Size(max_tokens=32, vocab_size=4096, channels=(96, 160))

    def __init__(self, settings: ZooConfig) -> None:
        self._settings = settings

    @cached_property
    def _classes(self) -> tuple[PhotographClass, ...]:
        return read_classes(self._settings.classes)

    @cached_property
    def _all(self) -> tuple[np.ndarray, np.ndarray]:
        """Photographs uint8 (n, size, size, 3) and their classes (n,), folder by folder as they are given."""
        indices = {one.folder: index for index, one in enumerate(self._classes)}
        sets = [load_images(spec, self._settings.size_px, mapping=indices) for spec in self._settings.images]
        return np.concatenate([one.images for one in sets]), np.concatenate([one.labels for one in sets])

    @cached_property
    def _held_out(self) -> np.ndarray:
        """Which photographs (n,) are held out."""
        return np.arange(len(self._all[1])) % HELD_OUT_EVERY == 0

    @cached_property
    def _training(self) -> np.ndarray:
        kept = self._all[0][~self._held_out]
        if not len(kept):
            raise DataError(f"zoo.images: {len(self._all[1])} photographs are too few; there must be at least 2")
        return np.concatenate([kept, kept[:, :, ::-1]])

    def images(self, folders: Folders) -> np.ndarray:
        """The training photographs, then their mirror images in the same order."""
        return self._training

    def captions(self, folders: Folders) -> CaptionOf:
        labels = self._all[1][~self._held_out]
        return lambda index, rng: caption(self._classes[labels[index % len(labels)]], rng)

    def judge_autoencoder(self, vae: AutoencoderKL, folders: Folders) -> Scores:
        unseen = self._all[0][self._held_out]
        return {"mse": squared_error(reconstruct(vae, unseen), unseen)}

    def judge_pipeline(self, folders: Folders) -> Scores:
        """Nothing: there is no oracle of photographs, and the teacher has no part in this."""
        return {}


def caption(shown: PhotographClass, rng: np.random.Generator) -> str:
    """A caption such as "a photo of a bullfrog, largest North American frog"; half of them have no gloss."""
    name = shown.names[rng.integers(len(shown.names))]
    head = TEMPLATES[rng.integers(len(TEMPLATES))].format(with_article(name))
    return f"{head}, {shown.gloss}" if shown.gloss and rng.random() < GLOSS_SHARE else head


def short_gloss(gloss: str) -> str:
    """The beginning of a dictionary's gloss, up to a break or eight words, without loose ends."""
    words = _GLOSS_BREAK.split(gloss, maxsplit=1)[0].split()
    cut = words[:MAX_GLOSS_WORDS]
    while len(words) > MAX_GLOSS_WORDS and len(cut) > 1 and cut[-1].lower() in _LOOSE_ENDS:
        cut.pop()
    return " ".join(cut)


def read_classes(path: Path | str) -> tuple[PhotographClass, ...]:
    """The classes of photographs in a JSON list.

    Raises:
        DataError: the file is missing or no such list, or two entries have one folder; the entry is named.
    """
    entries = read_json(Path(path))
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: should be a list of classes with wnid, clip_name, words and gloss")
    classes = [_read(entry, f"{path}: entry {index + 1}") for index, entry in enumerate(entries)]
    folders = [one.folder for one in classes]
    if twice := next((folder for folder in folders if folders.count(folder) > 1), None):
        raise DataError(f"{path}: two entries have the wnid {twice}; each class needs its own")
    return tuple(classes)


def _read(entry: Any, where: str) -> PhotographClass:
    for key in ("wnid", "clip_name", "words", "gloss"):
        if not isinstance(entry, dict) or not isinstance(entry.get(key), str):
            raise DataError(f"{where}: {key} is missing or no text; it needs wnid, clip_name, words and gloss")
    names = (entry["clip_name"].split(" / ")[0].strip(), entry["words"].split(",")[0].strip())
    unique = {name.casefold(): name for name in reversed(names) if name}
    if not entry["wnid"] or not unique:
        raise DataError(f"{where}: wnid or name is empty")
    return PhotographClass(entry["wnid"], tuple(reversed(unique.values())), short_gloss(entry["gloss"]))
