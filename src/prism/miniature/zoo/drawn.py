"""The models of the drawn world: teachers, feature network, oracle, text-to-image model, language model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from diffusers import AutoencoderKL

from prism.config.zoo import ZooConfig
from prism.miniature.captions import caption
from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, IN_DISTRIBUTION, STYLES
from prism.miniature.zoo import schedules
from prism.miniature.zoo.classifiers import (
    ORACLE_HEADS,
    TEACHERS,
    accuracies,
    class_targets,
    concept_targets,
    oracle_targets,
    save_classifier,
    train_classifier,
)
from prism.miniature.zoo.diffusion import CaptionOf
from prism.miniature.zoo.language import train_language_model
from prism.miniature.zoo.measure import reconstruction_agreement, sense_shares
from prism.miniature.zoo.pool import draw_pool, read_pool, scene_broad, scene_in_distribution
from prism.miniature.zoo.prior import Folders, Part, Scores, Size, prior_parts
from prism.miniature.zoo.text import MAX_TOKENS
from prism.models.checkpoints import Classifier, load_classifier

HELD_OUT = 2000


def miniature_parts(settings: ZooConfig) -> dict[str, Part]:
    """Every model of the miniature by its folder's name, in the order of training."""
    return {
        **{f"teachers/{architecture}": _teacher(architecture) for architecture in TEACHERS},
        "features": _features,
        "oracle": _oracle,
        **prior_parts(BroadWorld(), settings),
        "language-model": _language,
    }


class BroadWorld:
    """Drawn scenes and their captions; the oracle judges."""

    size = Size(max_tokens=MAX_TOKENS, vocab_size=2048, channels=(96, 160))

    def images(self, folders: Folders) -> np.ndarray:
        return np.asarray(_broad(folders.work)[0])

    def captions(self, folders: Folders) -> CaptionOf:
        _, scenes = _broad(folders.work)
        return lambda index, rng: caption(scenes[index], rng)

    def judge_autoencoder(self, vae: AutoencoderKL, folders: Folders) -> Scores:
        held_out, _ = _broad_held_out(folders.work)
        return reconstruction_agreement(vae, held_out, _finished_oracle(folders))

    def judge_pipeline(self, folders: Folders) -> Scores:
        return sense_shares(folders.pipeline, _finished_oracle(folders))


def _broad(work: Path) -> tuple[np.ndarray, list]:
    draw_pool(work / "broad", count=schedules.BROAD_IMAGES, seed=1, scene_of=scene_broad)
    return read_pool(work / "broad")


def _broad_held_out(work: Path) -> tuple[np.ndarray, list]:
    draw_pool(work / "broad-held-out", count=HELD_OUT, seed=3, scene_of=scene_broad)
    images, scenes = read_pool(work / "broad-held-out")
    return np.asarray(images), scenes


def _teacher(architecture: str) -> Part:
    def build_one(folders: Folders) -> Scores:
        count = schedules.IN_DISTRIBUTION_IMAGES
        draw_pool(folders.work / "in-distribution", count=count + HELD_OUT, seed=2, scene_of=scene_in_distribution)
        images, scenes = read_pool(folders.work / "in-distribution")
        images, targets = np.asarray(images), class_targets(scenes)
        heads = (len(IN_DISTRIBUTION),)
        model = train_classifier(
            architecture,
            images[:count],
            targets[:count],
            heads,
            folders.work / "teachers" / architecture,
            schedules.TEACHER,
        )
        scores = {"held_out_accuracy": accuracies(model, images[count:], targets[count:], heads)[0]}
        save_classifier(
            model, folders.output / "teachers" / architecture / "model.safetensors", IN_DISTRIBUTION, scores
        )
        return scores

    return build_one


def _features(folders: Folders) -> Scores:
    images, scenes = _broad(folders.work)
    heads = (len(CONCEPTS),)
    model = train_classifier(
        "miniature-vgg",
        images,
        concept_targets(scenes),
        heads,
        folders.work / "features",
        schedules.FEATURES,
        noise_std=schedules.NOISE_STD,
    )
    held_out, truth = _broad_held_out(folders.work)
    scores = {"concept_accuracy": accuracies(model, held_out, concept_targets(truth), heads)[0]}
    save_classifier(model, folders.output / "features" / "model.safetensors", list(CONCEPTS), scores)
    return scores


def _oracle(folders: Folders) -> Scores:
    images, scenes = _broad(folders.work)
    model = train_classifier(
        "miniature-oracle",
        images,
        oracle_targets(scenes),
        ORACLE_HEADS,
        folders.work / "oracle",
        schedules.ORACLE,
        noise_std=schedules.NOISE_STD,
    )
    held_out, truth = _broad_held_out(folders.work)
    values = accuracies(model, held_out, oracle_targets(truth), ORACLE_HEADS)
    scores = dict(zip(("concept", "style", "context", "colour"), values, strict=True))
    names = [*CONCEPTS, *STYLES, *CONTEXTS, *COLOURS]
    save_classifier(model, folders.output / "oracle" / "model.safetensors", names, scores)
    return scores


def _language(folders: Folders) -> Scores:
    share = train_language_model(
        folders.work / "language-model", folders.output / "language-model", schedules.LANGUAGE_STEPS
    )
    return {"valid_lines": share}


def _finished_oracle(folders: Folders) -> Classifier:
    return load_classifier(folders.output / "oracle" / "model.safetensors")
