"""Is the zoo good enough to carry the science? The oracle's answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from prism.config.diffusion import DiffusionConfig
from prism.miniature.captions import compose
from prism.miniature.lexicon import CONCEPTS, NAMES, senses
from prism.miniature.zoo.autoencoder import reconstruct
from prism.models.checkpoints import Classifier
from prism.models.diffusion import TextToImage, load_text_to_image

IMAGES_PER_CAPTION = 24
IMAGES_PER_NAME = 96  # a share of a quarter is then known to 0.09
GUIDANCE_SCALE = 1.5  # the miniature's default


def answers(oracle: Classifier, images: np.ndarray) -> np.ndarray:
    """Index (n,) of the concept that the oracle sees in uint8 images (n, 32, 32, 3)."""
    found = []
    with torch.no_grad():
        for start in range(0, len(images), 500):
            x = torch.from_numpy(np.array(images[start : start + 500])).permute(0, 3, 1, 2).float() / 255
            found.append(oracle(x)[:, : len(CONCEPTS)].argmax(1).numpy())
    return np.concatenate(found)


def reconstruction_agreement(vae: AutoencoderKL, images: np.ndarray, oracle: Classifier) -> dict[str, float]:
    """Share of images whose concept the oracle still sees after encoding and decoding, and the mean squared error."""
    again = reconstruct(vae, images)
    kept = answers(oracle, images) == answers(oracle, again)
    return {"oracle_kept": float(kept.mean()), "mse": squared_error(again, images)}


def squared_error(images: np.ndarray, wanted: np.ndarray) -> float:
    """Mean squared difference of uint8 images, as numbers in [-1, 1]."""
    return float((((images.astype(np.float64) - wanted) / 127.5) ** 2).mean())


def sense_shares(pipeline: Path, oracle: Classifier, *, per_caption: int = IMAGES_PER_CAPTION) -> dict[str, float]:
    """What the oracle sees in images of prompts with and without the sense.

    Returns:
        ``right_with_sense``: share of images of "a photo of a crane, a wading bird" that show that concept;
        ``rarest_sense``: over ambiguous names, the smallest share that one of the two senses has among images of
        the bare name in which either is seen; ``either_sense``: share of those images.
    """
    settings = DiffusionConfig(pipeline=f"./{pipeline}" if not pipeline.is_absolute() else str(pipeline), size_px=32)
    model = load_text_to_image(settings, torch.device("cpu"))
    order = {key: index for index, key in enumerate(CONCEPTS)}
    prompts, wanted = [], []
    for key, concept in CONCEPTS.items():
        text = compose(concept, style="a photo", colour=None, context=None, name_sense=True)
        prompts += [text] * per_caption
        wanted += [order[key]] * per_caption
    right = answers(oracle, _draw(model, prompts)) == np.array(wanted)
    shares, either = [], []
    for name in NAMES:
        pair = senses(name)
        if len(pair) < 2:
            continue
        bare = compose(pair[0], style="a photo", colour=None, context=None, name_sense=False)
        seen = answers(oracle, _draw(model, [bare] * IMAGES_PER_NAME))
        counts = np.array([(seen == order[one.key]).sum() for one in pair])
        either.append(counts.sum() / len(seen))
        shares.append(counts.min() / max(1, counts.sum()))
    return {
        "right_with_sense": float(right.mean()),
        "rarest_sense": float(min(shares)),
        "either_sense": float(np.mean(either)),
    }


@torch.no_grad()
def _draw(
    model: TextToImage, prompts: list[str], *, steps: int = 25, guidance_scale: float = GUIDANCE_SCALE
) -> np.ndarray:
    """uint8 images (n, 32, 32, 3) by plain classifier-free guidance."""
    images = []
    uncond = model.embed([""])
    for start in range(0, len(prompts), 96):
        cond = model.embed(prompts[start : start + 96])
        generator = torch.Generator().manual_seed(start)
        z = torch.randn(len(cond), *model.latent_shape, generator=generator)
        model.scheduler.set_timesteps(steps)
        both = torch.cat([uncond.expand_as(cond), cond])
        for timestep in model.scheduler.timesteps:
            plain, told = model.denoise(torch.cat([z, z]), timestep, both).chunk(2)
            z = model.scheduler.step(plain + guidance_scale * (told - plain), timestep, z).prev_sample
        pixels = model.decode(z).clamp(0, 1).mul(255).round().to(torch.uint8)
        images.append(pixels.permute(0, 2, 3, 1).numpy())
    return np.concatenate(images)
