"""The text-to-image model of the zoo: a small latent diffusion model in the format of Stable Diffusion."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from prism.miniature.zoo.loop import Losses, Schedule, autocast, train
from prism.miniature.zoo.text import new_text_encoder
from prism.models.kernels import tune_for_cpu

CAPTION_DROPOUT = 0.1
MIN_SNR_GAMMA = 5.0

CaptionOf = Callable[[int, np.random.Generator], str]


def new_unet(*, channels: tuple[int, int] = (96, 160), text_width: int = 128, latent_channels: int = 4, size: int = 8):
    """Cross attention at the coarse level only: half the time of attention at both, at this size no worse."""
    return UNet2DConditionModel(
        sample_size=size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=text_width,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_scheduler() -> DDIMScheduler:
    """Stable Diffusion's noise schedule with zero terminal SNR (Lin et al. 2024), so v-prediction."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,  # without effect under trailing spacing; diffusers asks for it
    )


class _Denoiser(nn.Module):
    """Text encoder and U-Net as one module, for one checkpoint."""

    def __init__(self, text_encoder: CLIPTextModel, unet: UNet2DConditionModel):
        super().__init__()
        self.text_encoder, self.unet = text_encoder, unet

    def forward(self, noisy: torch.Tensor, steps: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return self.unet(noisy, steps, self.text_encoder(tokens).last_hidden_state).sample


def train_text_to_image(
    latents: torch.Tensor,
    caption_of: CaptionOf,
    tokenizer: CLIPTokenizer,
    vae: AutoencoderKL,
    work: Path,
    schedule: Schedule,
    *,
    batch: int = 128,
    channels: tuple[int, int] = (96, 160),
) -> StableDiffusionPipeline:
    """Train text encoder and U-Net on scaled ``latents`` (n, c, h, w); ``caption_of(index, rng)`` writes the text.

    v-prediction (Salimans & Ho 2022) with min-SNR weights (Hang et al. 2023), one caption in ten left empty for
    classifier-free guidance. Returns the pipeline, averaged weights, without a safety checker.
    """
    torch.manual_seed(schedule.seed)
    scheduler = new_scheduler()
    unet = new_unet(channels=channels, latent_channels=latents.shape[1], size=latents.shape[-1])
    model = _Denoiser(new_text_encoder(tokenizer), tune_for_cpu(unet))
    device = latents.device
    model.to(device)
    alphas = scheduler.alphas_cumprod.to(device)

    def loss_of(rng: np.random.Generator, noise: torch.Generator) -> Losses:
        rows = rng.integers(len(latents), size=batch)
        texts = ["" if rng.random() < CAPTION_DROPOUT else caption_of(int(row), rng) for row in rows]
        tokens = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids.to(device)
        clean = latents[torch.from_numpy(rows).to(device)]
        eps = torch.randn(clean.shape, generator=noise, device=device)
        steps = torch.randint(len(alphas), (batch,), generator=noise, device=device)
        alpha = alphas[steps].view(-1, 1, 1, 1)  # (batch, 1, 1, 1)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * eps
        target = alpha.sqrt() * eps - (1 - alpha).sqrt() * clean
        with autocast(device):
            output = model(noisy.contiguous(memory_format=torch.channels_last), steps, tokens).float()
        snr = (alpha / (1 - alpha)).flatten()
        weights = snr.clamp(max=MIN_SNR_GAMMA) / (snr + 1)
        # Noise-dominated steps choose the sense of a bare name; by their SNR alone they would hardly be trained.
        weights = torch.where(snr < 1, 0.5, weights.clamp(min=0.2))
        return {"v": (weights * (output - target).square().mean(dim=(1, 2, 3))).mean()}

    train(model, loss_of, schedule, work, name="text-to-image")
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=model.text_encoder,
        tokenizer=tokenizer,
        unet=model.unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
