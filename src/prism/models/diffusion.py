"""Text-to-image models in diffusers' format: loading, prompts to embeddings, latents to images."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Protocol

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    SchedulerMixin,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from prism.errors import ModelError
from prism.models.hub import refusal
from prism.models.kernels import tune_for_cpu

log = logging.getLogger(__name__)


class DiffusionSettings(Protocol):
    """The diffusion section of the configuration, as far as it is read here."""

    pipeline: str
    revision: str | None
    tiny_decoder: Path | None
    scheduler: str


@dataclass(frozen=True)
class TextToImage:
    """A frozen text-to-image model, its parts on one device.

    ``autocast`` is the U-Net's arithmetic; decoders and everything that carries a gradient stay in fp32.
    """

    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    tiny: AutoencoderTiny | None
    scheduler: SchedulerMixin
    device: torch.device
    autocast: torch.dtype = torch.float32

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of a latent at the U-Net's own size."""
        size = self.unet.config.sample_size
        return self.unet.config.in_channels, size, size

    @property
    def scale_factor(self) -> int:
        """Pixels per latent, along a side."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @torch.no_grad()
    def embed(self, prompts: list[str], batch: int = 256) -> Tensor:
        """Text embeddings (n, tokens, width); equal prompts are encoded once, too long ones are cut with a warning."""
        unique = list(dict.fromkeys(prompts))
        longest = self.tokenizer.model_max_length
        parts = []
        for start in range(0, len(unique), batch):
            texts = unique[start : start + batch]
            tokens = self.tokenizer(
                texts, padding="max_length", truncation=True, max_length=longest, return_tensors="pt"
            ).input_ids
            # Only a text that fills its row may have been cut.
            full = [text for text, row in zip(texts, tokens, strict=True) if row[-2] != row[-1]]
            cut = [text for text in full if len(self.tokenizer(text, verbose=False).input_ids) > longest]
            if cut:
                log.warning(
                    "%d prompts are longer than %d tokens and are cut, as %r", len(cut), longest, shorten(cut[0], 80)
                )
            parts.append(self.text_encoder(tokens.to(self.device)).last_hidden_state.float())
        table = torch.cat(parts)
        row = {prompt: index for index, prompt in enumerate(unique)}
        return table[[row[prompt] for prompt in prompts]]

    def denoise(self, latents: Tensor, timestep: Tensor, embeddings: Tensor) -> Tensor:
        """The U-Net's output (b, c, h, w) in fp32."""
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast != torch.float32):
            output = self.unet(latents, timestep, encoder_hidden_states=embeddings, return_dict=False)[0]
        return output.float()

    def decode(self, latents: Tensor, decoder: str = "full") -> Tensor:
        """Scaled latents (b, c, h, w) to images (b, 3, H, W), nominally in [0, 1] but not clipped."""
        if decoder == "tiny":
            if self.tiny is None:
                raise ModelError("diffusion.tiny_decoder: a guidance term asks for the tiny decoder; name its folder")
            decoded = self.tiny.decode(latents / self.tiny.config.scaling_factor, return_dict=False)[0]
        else:
            unscaled = latents / self.vae.config.scaling_factor + (self.vae.config.shift_factor or 0)
            decoded = self.vae.decode(unscaled, return_dict=False)[0]
        return decoded / 2 + 0.5


def _check_conditioning(pipe: StableDiffusionPipeline, name: str) -> None:
    """Refuse a model that needs more than a text and a latent, such as SDXL or one for inpainting."""
    unet, width = pipe.unet.config, pipe.text_encoder.config.hidden_size
    if unet.addition_embed_type is not None:
        what = f"its U-Net asks for {unet.addition_embed_type} embeddings too"
    elif unet.in_channels != pipe.vae.config.latent_channels:
        what = f"its U-Net takes {unet.in_channels} channels and its latents have {pipe.vae.config.latent_channels}"
    elif unet.cross_attention_dim != width:
        what = f"its U-Net reads texts of width {unet.cross_attention_dim} and its text encoder gives {width}"
    else:
        return
    raise ModelError(f"diffusion.pipeline: {name}: {what}; choose a text-to-image model of Stable Diffusion 1 or 2")


def load_text_to_image(
    settings: DiffusionSettings, device: torch.device, autocast: torch.dtype = torch.float32
) -> TextToImage:
    """Load a Stable Diffusion pipeline (folder or hub id) and, if named, its tiny decoder.

    Only safetensors are read and no remote code is run.

    Raises:
        ModelError: a folder is missing or damaged, or the hub cannot be reached.
    """
    pipe = _load(
        StableDiffusionPipeline, settings.pipeline, "diffusion.pipeline", settings.revision, safety_checker=None
    )
    _check_conditioning(pipe, settings.pipeline)
    tiny = None
    if settings.tiny_decoder is not None:
        tiny = _load(AutoencoderTiny, str(settings.tiny_decoder), "diffusion.tiny_decoder", None)
        if tiny.config.latent_channels != pipe.unet.config.in_channels:
            raise ModelError(
                f"diffusion.tiny_decoder: {settings.tiny_decoder} takes {tiny.config.latent_channels} latent channels, "
                f"the pipeline has {pipe.unet.config.in_channels}"
            )
        factors = [
            2 ** (len(blocks) - 1)
            for blocks in (tiny.config.decoder_block_out_channels, pipe.vae.config.block_out_channels)
        ]
        if factors[0] != factors[1]:
            raise ModelError(
                f"diffusion.tiny_decoder: {settings.tiny_decoder} enlarges latents {factors[0]} times, the pipeline's "
                f"decoder {factors[1]} times"
            )
    if pipe.scheduler.config.get("prediction_type", "epsilon") not in ("epsilon", "v_prediction", "sample"):
        raise ModelError(f"diffusion.pipeline: {settings.pipeline} predicts neither noise, v nor the sample")
    parts: list[nn.Module] = [pipe.text_encoder, pipe.unet, pipe.vae] + ([tiny] if tiny else [])
    for part in parts:
        part.requires_grad_(False).eval().to(device)
    if device.type == "cpu":
        tune_for_cpu(pipe.unet)
        tune_for_cpu(pipe.vae)
    return TextToImage(
        tokenizer=pipe.tokenizer,
        text_encoder=pipe.text_encoder,
        unet=pipe.unet,
        vae=pipe.vae,
        tiny=tiny,
        scheduler=make_scheduler(settings.scheduler, pipe.scheduler),
        device=device,
        autocast=autocast,
    )


def make_scheduler(name: str, original: SchedulerMixin) -> SchedulerMixin:
    """The sampler ``ddim``, ``dpm-solver++`` or ``pipeline`` (the original) on the pipeline's own noise schedule."""
    if name == "ddim":
        return DDIMScheduler.from_config(original.config, clip_sample=False)
    if name == "dpm-solver++":
        return DPMSolverMultistepScheduler.from_config(original.config, algorithm_type="dpmsolver++")
    if name == "pipeline":
        return original
    raise ValueError(f"scheduler={name!r} should be ddim, dpm-solver++ or pipeline")


def _load(kind: type, source: str, key: str, revision: str | None, **options: object) -> object:
    folder = Path(source)
    try:
        return kind.from_pretrained(
            folder if folder.is_dir() else source,
            revision=revision,
            use_safetensors=True,
            local_files_only=folder.is_dir(),
            low_cpu_mem_usage=False,
            dtype=torch.float32,
            **options,
        )
    except Exception as error:  # the libraries raise many kinds for one cause: files that are not a model
        raise refusal(key, source, error) from error
