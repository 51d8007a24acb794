"""The names that a configuration may use, each list in this one place.

The registries that give the names their meaning live higher up (``prism.guidance.ENERGIES``,
``prism.models.classifiers.ARCHITECTURES``); a test keeps them in step, so that reading a configuration needs
no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal

ENERGIES: tuple[str, ...] = ("free", "joint", "elucidated", "cross-entropy", "batch-norm", "adversarial")
BATCHNORM_ENERGIES: tuple[str, ...] = ("batch-norm",)  # read the running statistics of the teacher
STUDENT_ENERGIES: tuple[str, ...] = ("adversarial",)  # read the logits of an interleaved student

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
WITHOUT_BATCHNORM: tuple[str, ...] = ("miniature-mixer",)  # of ARCHITECTURES; they keep no running statistics
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

# Whose published weights take images of mean and standard deviation 0.5: torchvision brings them there by itself.
OWN_TRANSFORM: tuple[str, ...] = ("torchvision:googlenet", "torchvision:inception_v3")

# What tables and figures are made of: a stage's numbers, or the images and training histories themselves
Results = Literal[
    "prompts",
    "tokens",
    "inversion",
    "synthesis",
    "images",
    "evaluation",
    "relabelling",
    "distillation",
    "history",
    "generalization",
    "pruning",
]

TABLES: tuple[str, ...] = (
    "accuracy",
    "quality",
    "ablation",
    "generalization",
    "cost",
    "pruning",
    "claims",
    "dataset-distillation",
)
FIGURES: tuple[str, ...] = ("images", "precision-recall", "learning-curves", "pruning-curve", "energy-histograms")

# What a claim may be about. With one value a seed (of the student, or of the fine-tuning after pruning):
SEEDED_METRICS: tuple[str, ...] = ("accuracy", "generalization", "pruned_accuracy")
# with one value a method, as its images are made once:
COST_METRICS: tuple[str, ...] = ("seconds_per_image", "iterations_per_image")
COUNTED_METRICS: tuple[str, ...] = ("iterations_per_image",)  # no chance moves them: what is claimed is so or not
ClaimMetric = Literal[
    "accuracy",
    "generalization",
    "pruned_accuracy",
    "fid",
    "kid",
    "inception_score",
    "precision",
    "recall",
    "density",
    "coverage",
    "vendi",
    "intra_class_similarity",
    "teacher_agreement",
    "free_energy_gap",
    "oracle_sense",
    "oracle_contexts",
    "oracle_colours",
    "oracle_styles",
    "oracle_cells",
    "oracle_coverage",
    "seconds_per_image",
    "iterations_per_image",
]

# The papers' methods that shipped claims speak of: claims may name them in any experiment, whether it has a recipe for
# them or not (the verdict is then "not run"). Every other name in a claim must be a method of the configuration.
CLAIMED_METHODS: tuple[str, ...] = (
    "real",
    "vanilla",
    "vanilla+eda",
    "prism",
    "prism-no-eda",
    "prism-no-senses",
    "prism-no-contents",
    "prism-no-styles",
    "ddis",
    "ddis-dag",
    "ddis-cat",
    "diffdfkd",
    "diffdfkd-no-cutmix",
    "diffdfkd-no-guidance",
    "deepinversion",
    "adaptive-deepinversion",
    "plug-in-inversion",
    "sre2l",
    "sre2l-ipc1",
    "sre2l-ipc10",
    "sre2l-ipc50",
    "g-vbsm",
    "g-vbsm-ipc1",
    "g-vbsm-ipc10",
    "g-vbsm-ipc50",
    "prism-dd",
    "prism-dd-ipc1",
    "prism-dd-ipc10",
    "prism-dd-ipc50",
)
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
