"""The names that a configuration may use, each list in this one place.

The registries that give the names their meaning live higher up (``prism.guidance.ENERGIES``,
``prism.models.classifiers.ARCHITECTURES``); a test keeps them in step, so that reading a configuration needs
no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal, get_args

Energy = Literal["free", "joint", "elucidated", "cross-entropy", "batch-norm"]
ENERGIES: tuple[str, ...] = get_args(Energy)
RESERVED_ENERGIES: tuple[str, ...] = ("batch-norm",)  # named, not yet to be had
BATCHNORM_ENERGIES: tuple[str, ...] = ("batch-norm",)  # read the running statistics of the teacher

ARCHITECTURES: tuple[str, ...] = (
    "cifar-resnet8",
    "cifar-resnet20",
    "cifar-resnet32",
    "cifar-resnet44",
    "cifar-resnet56",
    "miniature-resnet",
    "miniature-vgg",
    "miniature-mobilenet",
    "miniature-mixer",
    "miniature-oracle",
    "miniature-student",
    "miniature-student-small",
)
ARCHITECTURE_LIBRARIES: tuple[str, ...] = ("timm", "torchvision")

EXTRACTORS: tuple[str, ...] = ("miniature", "classifier", "inception")

WORLD_DOMAINS: tuple[str, ...] = (
    "in-distribution",
    "sketch",
    "cartoon",
    "painting",
    "unseen-contexts",
    "corrupted",
)

# What tables and figures are made of: a stage's numbers, or the images and training histories themselves
Results = Literal["prompts", "tokens", "synthesis", "images", "evaluation", "distillation", "history", "generalization"]
CORRUPTIONS: tuple[str, ...] = ("all", "noise", "blur", "contrast", "brightness", "pixelate", "jpeg")
SEVERITIES: tuple[str, ...] = ("1", "2", "3", "4", "5")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, or None if nothing is like it; separators and case do not count."""
    plain = {_plain(candidate): candidate for candidate in known}
    close = get_close_matches(_plain(word), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def hint(word: str, known: Iterable[str]) -> str:
    """``did you mean x?`` if one of ``known`` is like ``word``, else all of ``known``."""
    names = list(known)
    near = nearest(word, names)
    return f"did you mean {near}?" if near else f"it may be one of {', '.join(names) or '(none)'}"


def _plain(word: str) -> str:
    return "".join(letter for letter in str(word).lower() if letter.isalnum()) or str(word)
