"""The parts of a text-to-image model, trained on whatever gives images and captions: drawn ones or photographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline

from prism.artifacts import read_json, write_json
from prism.config.zoo import ZooConfig
from prism.miniature.zoo import schedules
from prism.miniature.zoo.autoencoder import encode, train_autoencoder, train_tiny, tune_decoder
from prism.miniature.zoo.diffusion import CaptionOf, train_text_to_image
from prism.miniature.zoo.text import new_tokenizer
from prism.models.kernels import tune_for_cpu

CORPUS_CAPTIONS = 20_000

Scores = dict[str, float]


@dataclass(frozen=True)
class Folders:
    """Where a build writes its models, and where it keeps images, latents and checkpoints meanwhile."""

    output: Path
    work: Path

    @property
    def pipeline(self) -> Path:
        return self.output / "text-to-image"


Part = Callable[[Folders], Scores]  # trains and writes one model; says what it scores


@dataclass(frozen=True)
class Size:
    """How large the text side and the U-Net are."""

    max_tokens: int
    vocab_size: int
    channels: tuple[int, int]


class Material(Protocol):
    """What a text-to-image model learns from, and how it is judged."""

    size: Size

    def images(self, folders: Folders) -> np.ndarray:
        """All training images, uint8 (n, size, size, 3)."""

    def captions(self, folders: Folders) -> CaptionOf:
        """The writer of captions: ``caption(index, rng)`` says what image ``index`` shows."""

    def judge_autoencoder(self, vae: AutoencoderKL, folders: Folders) -> Scores:
        """Scores on images that training has not seen."""

    def judge_pipeline(self, folders: Folders) -> Scores:
        """Scores of the finished pipeline in ``folders.pipeline``."""


def prior_parts(material: Material, settings: ZooConfig) -> dict[str, Part]:
    """Autoencoder, tiny decoder and text-to-image model, each below its folder's name, in the order of training."""
    plan, images_in_batch = schedules.of_prior(settings), settings.autoencoder_batch

    def autoencoder(folders: Folders) -> Scores:
        images = material.images(folders)
        work = folders.work
        model = train_autoencoder(
            images,
            work / "autoencoder",
            plan["autoencoder"],
            batch=images_in_batch,
            channels=settings.latent_channels,
        )
        tune_decoder(model, images, work / "autoencoder-decoder", plan["decoder"], batch=images_in_batch)
        model.half().save_pretrained(folders.pipeline / "vae")
        return material.judge_autoencoder(load_vae(folders), folders)

    def tiny(folders: Folders) -> Scores:
        images, latents = material.images(folders), scaled_latents(material, folders)
        model = train_tiny(images, latents, folders.work / "tiny", plan["tiny"], batch=images_in_batch)
        model.half().save_pretrained(folders.output / "tiny-decoder")
        return {}

    def text_to_image(folders: Folders) -> Scores:
        latents, caption_of = scaled_latents(material, folders), material.captions(folders)
        rng, size = np.random.default_rng(0), material.size
        corpus = [caption_of(index % len(latents), rng) for index in range(CORPUS_CAPTIONS)]
        pipe = train_text_to_image(
            latents,
            caption_of,
            new_tokenizer(corpus, vocab_size=size.vocab_size, max_tokens=size.max_tokens),
            load_vae(folders),
            folders.work / "text-to-image",
            plan["text_to_image"],
            batch=settings.batch,
            channels=size.channels,
        )
        save_pipeline(pipe, folders.pipeline)
        return material.judge_pipeline(folders)

    return {"text-to-image/vae": autoencoder, "tiny-decoder": tiny, "text-to-image": text_to_image}


def load_vae(folders: Folders) -> AutoencoderKL:
    """The finished autoencoder, in single precision."""
    folder = folders.pipeline / "vae"
    vae = AutoencoderKL.from_pretrained(folder, low_cpu_mem_usage=False, dtype=torch.float32)
    return tune_for_cpu(vae).eval()


def scaled_latents(material: Material, folders: Folders) -> torch.Tensor:
    """Scaled latents (n, c, size/4, size/4) of all images, computed once."""
    path = folders.work / "latents.npy"
    if not path.exists():
        vae = load_vae(folders)
        part = path.with_suffix(".part.npy")
        np.save(part, (encode(vae, material.images(folders)) * vae.config.scaling_factor).numpy())
        part.replace(path)
    return torch.from_numpy(np.load(path))


def save_pipeline(pipe: StableDiffusionPipeline, folder: Path) -> None:
    """Write a pipeline in half precision, safetensors; loading returns to fp32."""
    pipe.unet.half()
    pipe.text_encoder.half()
    pipe.vae.half()
    pipe.save_pretrained(folder, safe_serialization=True)
    # diffusers notes the folder that a part was loaded from: a path of this machine.
    for path in folder.rglob("config.json"):
        settings = read_json(path)
        if settings.pop("_name_or_path", None) is not None:
            write_json(path, settings)
