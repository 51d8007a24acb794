"""The guided sampler: classifier-free guidance in one batched forward, energies on the predicted clean latent.

At each step the U-Net predicts a clean latent ``z0``; every active term takes the gradient of its energy and
moves ``z0`` against it by ``scale`` times the length of the classifier-free update, image by image:

    z0 <- z0 - scale * |w (z0_cond - z0_uncond)| * g / |g|

Lengths are relative, so that a scale carries over between models, steps and energies (FreeDoM's rule, Yu et al.
2023), and no image of a batch changes another's.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prism.guidance import ENERGIES, Term, hinged
from prism.models.diffusion import TextToImage
from prism.models.teacher import Teacher
from prism.seeds import generator
from prism.synthesis.noise import Level, levels


@dataclass(frozen=True)
class SamplerSettings:
    """Steps, classifier-free guidance and energy terms of one method."""

    steps: int
    guidance_scale: float
    terms: tuple[Term, ...] = ()


class Sampler:
    """Draws images of one model under one teacher's guidance.

    Args:
        model: the text-to-image model.
        teacher: the classifier whose energies guide; may be None without terms.
        settings: see :class:`SamplerSettings`.

    Raises:
        ValueError: a term is given but no teacher, or a term names an unknown energy.
    """

    def __init__(self, model: TextToImage, teacher: Teacher | None, settings: SamplerSettings) -> None:
        for term in settings.terms:
            if term.energy not in ENERGIES:
                raise ValueError(f"energy={term.energy!r} should be one of {', '.join(ENERGIES)}")
        if settings.terms and teacher is None:
            raise ValueError("guidance terms need a teacher, and none is given")
        self.model, self.teacher, self.settings = model, teacher, settings
        self._uncond = model.embed([""])  # (1, tokens, width)

    @torch.no_grad()
    def sample(
        self,
        prompts: Sequence[str],
        labels: Tensor,
        seeds: Sequence[int],
        *,
        size_px: int,
        on_step: Callable[[int, Tensor], None] | None = None,
    ) -> Tensor:
        """Images (b, 3, size_px, size_px) in [0, 1], fp32.

        Args:
            prompts: one per image.
            labels: (b,) int64 classes, for the energies that read them.
            seeds: one per image; an image depends on its seed and prompt, not on its batch.
            size_px: side of the images.
            on_step: called with the step and the predicted clean latents, for inspection.
        """
        scheduler = copy.deepcopy(self.model.scheduler)
        scheduler.set_timesteps(self.settings.steps, device=self.model.device)
        scale = levels(scheduler)
        generators = [generator(seed) for seed in seeds]
        latents = self._initial(generators, size_px) * scheduler.init_noise_sigma
        cond = self.model.embed(list(prompts))
        embeddings = torch.cat([self._uncond.expand_as(cond), cond])  # (2b, tokens, width)
        labels = labels.to(self.model.device)
        takes_generator = "generator" in inspect.signature(scheduler.step).parameters
        options = {"generator": generators} if takes_generator else {}
        for step, timestep in enumerate(scheduler.timesteps):
            active = [term for term in self.settings.terms if term.active(step, self.settings.steps)]
            noisy = scheduler.scale_model_input(latents, timestep)
            output, z0 = self._predict(noisy, timestep, embeddings, scale[step], active, labels)
            if on_step is not None:
                on_step(step, z0)
            latents = scheduler.step(output, timestep, latents, return_dict=False, **options)[0]
        return self.model.decode(latents).clamp(0, 1)

    def _initial(self, generators: list[torch.Generator], size_px: int) -> Tensor:
        channels = self.model.latent_shape[0]
        side = size_px // self.model.scale_factor
        noise = [torch.randn(channels, side, side, generator=each) for each in generators]
        return torch.stack(noise).to(self.model.device).contiguous(memory_format=torch.channels_last)

    def _predict(
        self, noisy: Tensor, timestep: Tensor, embeddings: Tensor, level: Level, active: list[Term], labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Model output for the scheduler and its predicted clean latent, both after guidance."""
        through_unet = any(term.through == "noisy" for term in active)
        with torch.set_grad_enabled(through_unet):
            source = noisy.detach().requires_grad_(through_unet)
            uncond, cond = self.model.denoise(torch.cat([source, source]), timestep, embeddings).chunk(2)
            output = uncond + self.settings.guidance_scale * (cond - uncond)
            z0 = level.clean(source, output)
        if not active:
            return output, z0
        length = _norm(self.settings.guidance_scale * (level.clean(noisy, cond) - level.clean(noisy, uncond)).detach())
        shift = torch.zeros_like(noisy)
        for term in active:
            gradient = self._gradient(term, source, z0, labels)
            # An image at or below its hinge has no gradient, and so stays where it is.
            shift -= term.scale * length * gradient / _norm(gradient).clamp(min=1e-12)
        return level.shifted(output.detach(), shift), z0.detach() + shift

    def _gradient(self, term: Term, source: Tensor, z0: Tensor, labels: Tensor) -> Tensor:
        """Gradient (b, c, h, w) of the term's energy, summed over images: each depends on its own latent alone."""
        with torch.enable_grad():
            if term.through == "noisy":
                variable, latent = source, z0
            else:
                variable = (z0 if term.through == "clean" else source).detach().requires_grad_()
                latent = variable
            images = self.model.decode(latent, term.decoder).clamp(0, 1)
            energy = ENERGIES[term.energy](self.teacher(images), labels, term.temperature)
            # Several terms may share the U-Net's graph.
            (gradient,) = torch.autograd.grad(
                hinged(energy, term.hinge).sum(), variable, retain_graph=term.through == "noisy"
            )
        return torch.nan_to_num(gradient)


def _norm(x: Tensor) -> Tensor:
    """Length of each image's latent, (b, 1, 1, 1)."""
    return x.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
