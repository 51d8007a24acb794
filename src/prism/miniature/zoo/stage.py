"""``snakemake zoo``: every pretrained model of the miniature, from nothing, in one resumable run.

Finished models are kept as they are; an unfinished one goes on from its last checkpoint. The manifest, with the
sha256 of every file, is written last. Copied over ``assets/miniature`` the folder takes the shipped models' place.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline

from prism.artifacts import write_manifest, write_text
from prism.devices import run_facts, set_threads
from prism.miniature.captions import caption
from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, IN_DISTRIBUTION, STYLES
from prism.miniature.zoo import cards, schedules
from prism.miniature.zoo.autoencoder import encode, train_autoencoder, train_tiny, tune_decoder
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
from prism.miniature.zoo.diffusion import train_text_to_image
from prism.miniature.zoo.language import train_language_model
from prism.miniature.zoo.measure import reconstruction_agreement, sense_shares
from prism.miniature.zoo.pool import draw_pool, read_pool, scene_broad, scene_in_distribution
from prism.miniature.zoo.text import new_tokenizer
from prism.models.checkpoints import load_classifier
from prism.models.kernels import tune_for_cpu

log = logging.getLogger(__name__)

HELD_OUT = 2000
REVISION = 1


def build(output: Path) -> None:
    """Train what is missing below ``output`` and write ``output/manifest.json``.

    Takes some hours on two CPU cores. ``output/.work`` holds images, latents and checkpoints meanwhile.
    """
    started = time.monotonic()
    set_threads()
    work = output / ".work"
    for name, function in PARTS.items():
        card = output / name / "README.md"
        if card.exists():
            log.info("%s: finished before", name)
            continue
        log.info("%s: training", name)
        scores = function(output, work)
        write_text(card, cards.render(name, scores))
    files = sorted(path for path in output.rglob("*") if path.is_file() and ".work" not in path.parts)
    files = [path for path in files if path != output / "manifest.json"]
    write_manifest(
        output / "manifest.json",
        stage="zoo",
        recipe={"world": "miniature"},
        revision=REVISION,
        outputs=files,
        count=len(PARTS),
        run=run_facts(time.monotonic() - started, 0),
    )


def _broad(work: Path) -> tuple[np.ndarray, list]:
    draw_pool(work / "broad", count=schedules.BROAD_IMAGES, seed=1, scene_of=scene_broad)
    return read_pool(work / "broad")


def _broad_held_out(work: Path) -> tuple[np.ndarray, list]:
    draw_pool(work / "broad-held-out", count=HELD_OUT, seed=3, scene_of=scene_broad)
    images, scenes = read_pool(work / "broad-held-out")
    return np.asarray(images), scenes


def _teacher(architecture: str) -> Callable[[Path, Path], dict[str, float]]:
    def build_one(output: Path, work: Path) -> dict[str, float]:
        count = schedules.IN_DISTRIBUTION_IMAGES
        draw_pool(work / "in-distribution", count=count + HELD_OUT, seed=2, scene_of=scene_in_distribution)
        images, scenes = read_pool(work / "in-distribution")
        images, targets = np.asarray(images), class_targets(scenes)
        heads = (len(IN_DISTRIBUTION),)
        model = train_classifier(
            architecture,
            images[:count],
            targets[:count],
            heads,
            work / "teachers" / architecture,
            schedules.TEACHER,
        )
        scores = {"held_out_accuracy": accuracies(model, images[count:], targets[count:], heads)[0]}
        save_classifier(
            model, output / "teachers" / architecture / "model.safetensors", IN_DISTRIBUTION, scores
        )
        return scores

    return build_one


def _features(output: Path, work: Path) -> dict[str, float]:
    images, scenes = _broad(work)
    heads = (len(CONCEPTS),)
    model = train_classifier(
        "miniature-vgg",
        images,
        concept_targets(scenes),
        heads,
        work / "features",
        schedules.FEATURES,
        noise_std=schedules.NOISE_STD,
    )
    held_out, truth = _broad_held_out(work)
    scores = {"concept_accuracy": accuracies(model, held_out, concept_targets(truth), heads)[0]}
    save_classifier(model, output / "features" / "model.safetensors", list(CONCEPTS), scores)
    return scores


def _oracle(output: Path, work: Path) -> dict[str, float]:
    images, scenes = _broad(work)
    model = train_classifier(
        "miniature-oracle",
        images,
        oracle_targets(scenes),
        ORACLE_HEADS,
        work / "oracle",
        schedules.ORACLE,
        noise_std=schedules.NOISE_STD,
    )
    held_out, truth = _broad_held_out(work)
    values = accuracies(model, held_out, oracle_targets(truth), ORACLE_HEADS)
    scores = dict(zip(("concept", "style", "context", "colour"), values, strict=True))
    names = [*CONCEPTS, *STYLES, *CONTEXTS, *COLOURS]
    save_classifier(model, output / "oracle" / "model.safetensors", names, scores)
    return scores


def _autoencoder(output: Path, work: Path) -> dict[str, float]:
    images, _ = _broad(work)
    images = np.asarray(images)
    model = train_autoencoder(images, work / "autoencoder", schedules.AUTOENCODER)
    tune_decoder(model, images, work / "autoencoder-decoder", schedules.DECODER)
    model.half().save_pretrained(output / "text-to-image" / "vae")
    held_out, _ = _broad_held_out(work)
    return reconstruction_agreement(
        _load_vae(output), held_out, load_classifier(output / "oracle" / "model.safetensors")
    )


def _tiny(output: Path, work: Path) -> dict[str, float]:
    images, _ = _broad(work)
    images = np.asarray(images)
    tiny = train_tiny(images, _latents(output, work), work / "tiny", schedules.TINY)
    tiny.half().save_pretrained(output / "tiny-decoder")
    return {}


def _text_to_image(output: Path, work: Path) -> dict[str, float]:
    _, scenes = _broad(work)
    rng = np.random.default_rng(0)
    tokenizer = new_tokenizer([caption(scenes[i], rng) for i in range(20_000)])
    pipe = train_text_to_image(
        _latents(output, work),
        lambda index, rng: caption(scenes[index], rng),
        tokenizer,
        _load_vae(output),
        work / "text-to-image",
        schedules.TEXT_TO_IMAGE,
    )
    save_pipeline(pipe, output / "text-to-image")
    return sense_shares(output / "text-to-image", load_classifier(output / "oracle" / "model.safetensors"))


def _language(output: Path, work: Path) -> dict[str, float]:
    share = train_language_model(
        work / "language-model", output / "language-model", schedules.LANGUAGE_STEPS
    )
    return {"valid_lines": share}


def _load_vae(output: Path) -> AutoencoderKL:
    vae = AutoencoderKL.from_pretrained(
        output / "text-to-image" / "vae", low_cpu_mem_usage=False, dtype=torch.float32
    )
    return tune_for_cpu(vae).eval()


def _latents(output: Path, work: Path) -> torch.Tensor:
    """Scaled latents (n, 4, 8, 8) of the broad images, computed once."""
    path = work / "latents.npy"
    if not path.exists():
        images, _ = _broad(work)
        vae = _load_vae(output)
        part = path.with_suffix(".part.npy")
        np.save(part, (encode(vae, np.asarray(images)) * vae.config.scaling_factor).numpy())
        part.replace(path)
    return torch.from_numpy(np.load(path))


def save_pipeline(pipe: StableDiffusionPipeline, folder: Path) -> None:
    """Write a pipeline in half precision, safetensors; loading returns to fp32."""
    pipe.unet.half()
    pipe.text_encoder.half()
    pipe.vae.half()
    pipe.save_pretrained(folder, safe_serialization=True)


PARTS: dict[str, Callable[[Path, Path], dict[str, float]]] = {
    **{f"teachers/{architecture}": _teacher(architecture) for architecture in TEACHERS},
    "features": _features,
    "oracle": _oracle,
    "text-to-image/vae": _autoencoder,
    "tiny-decoder": _tiny,
    "text-to-image": _text_to_image,
    "language-model": _language,
}
