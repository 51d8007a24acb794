"""Images with a gradient through the last denoising step alone ("gradient skipping", DDIS, arXiv 2506.15381).

Everything before the last step is sampling as usual and has no gradient. The last call of the U-Net, the scheduler's
last step and the decoder have one, by the text embedding: the memory of one step, whatever their number.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import SchedulerMixin
from torch import Tensor

from prism.models.diffusion import TextToImage
from prism.seeds import generator


@dataclass(frozen=True)
class DrawingSettings:
    """Steps, classifier-free guidance, size of the images and the decoder of the final latent."""

    steps: int
    guidance_scale: float
    size_px: int
    decoder: str = "full"


@dataclass(frozen=True)
class LastStep:
    """Latents (b, c, h, w) before the last step, the scheduler that takes it, and each image's generator."""

    latents: Tensor
    scheduler: SchedulerMixin
    generators: list[torch.Generator]


class Drawing:
    """Draws images of a model; each depends on its seed and prompt, not on its batch."""

    def __init__(self, model: TextToImage, settings: DrawingSettings) -> None:
        self.model, self.settings = model, settings
        self._uncond = model.embed([""])  # (1, tokens, width)

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Text embeddings (b, tokens, width), with a gradient by what the text encoder has to learn."""
        unique = list(dict.fromkeys(prompts))
        model = self.model
        ids = model.tokenizer(
            unique,
            padding="max_length",
            truncation=True,
            max_length=model.tokenizer.model_max_length,
            return_tensors="pt",
        ).input_ids
        table = model.text_encoder(ids.to(model.device)).last_hidden_state
        row = {prompt: index for index, prompt in enumerate(unique)}
        return table[[row[prompt] for prompt in prompts]]

    @torch.no_grad()
    def approach(self, cond: Tensor, seeds: Sequence[int]) -> LastStep:
        """Sample up to the last step; ``cond`` (b, tokens, width) is read without its gradient."""
        model, settings = self.model, self.settings
        scheduler = copy.deepcopy(model.scheduler)
        scheduler.set_timesteps(settings.steps, device=model.device)
        generators = [generator(seed) for seed in seeds]
        side = settings.size_px // model.scale_factor
        noise = torch.stack([torch.randn(model.latent_shape[0], side, side, generator=each) for each in generators])
        latents = noise.to(cond).contiguous(memory_format=torch.channels_last) * scheduler.init_noise_sigma
        options = _options(scheduler, generators)
        both = torch.cat([self._uncond.to(cond).expand_as(cond), cond])  # (2b, tokens, width)
        for timestep in scheduler.timesteps[:-1]:
            noisy = scheduler.scale_model_input(latents, timestep)
            uncond, guided = model.denoise(torch.cat([noisy, noisy]), timestep, both).chunk(2)
            output = uncond + settings.guidance_scale * (guided - uncond)
            latents = scheduler.step(output, timestep, latents, return_dict=False, **options)[0]
        return LastStep(latents, scheduler, generators)

    def finish(self, last: LastStep, cond: Tensor) -> Tensor:
        """Images (b, 3, size_px, size_px) in [0, 1], with a gradient by ``cond``; ``last`` may be used again."""
        model = self.model
        scheduler = copy.deepcopy(last.scheduler)
        timestep = scheduler.timesteps[-1]
        noisy = scheduler.scale_model_input(last.latents, timestep)
        with torch.no_grad():  # the empty prompt has nothing to learn
            uncond = model.denoise(noisy, timestep, self._uncond.to(cond).expand_as(cond))
        output = uncond + self.settings.guidance_scale * (model.denoise(noisy, timestep, cond) - uncond)
        options = _options(scheduler, [each.clone_state() for each in last.generators])
        latents = scheduler.step(output, timestep, last.latents, return_dict=False, **options)[0]
        return model.decode(latents, self.settings.decoder).clamp(0, 1)


def _options(scheduler: SchedulerMixin, generators: list[torch.Generator]) -> dict[str, Any]:
    """What a step of this scheduler takes: some draw noise."""
    return {"generator": generators} if "generator" in inspect.signature(scheduler.step).parameters else {}
