"""The guided sampler: classifier-free guidance in one batched forward, energies on the predicted clean latent.

At each step the U-Net predicts a clean latent ``z0``; every active term takes the gradient of its energy and
moves ``z0`` against it by ``scale`` times the length of the classifier-free update, image by image:

    z0 <- z0 - scale * |w (z0_cond - z0_uncond)| * g / |g|

Lengths are relative, so that a scale carries over between models, steps and energies (FreeDoM's rule, Yu et al.
2023), and no image of a batch changes another's. A term may ask for the published forms instead: a step of
``scale * g``, and the noisy latent as what moves, which the U-Net then sees.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from prism.config import CutMixConfig
from prism.guidance import ENERGIES, Answers, Energy, Term, hinged
from prism.memory import Pieces
from prism.models.checkpoints import Classifier
from prism.models.diffusion import TextToImage
from prism.models.statistics import StatisticsRecorder
from prism.models.teacher import Teacher
from prism.seeds import generator
from prism.synthesis.cutmix import Mixture, check_single_step
from prism.synthesis.noise import Level, levels


@dataclass(frozen=True)
class SamplerSettings:
    """Steps, classifier-free guidance, energy terms and Latent CutMix of one method; energies by the terms' names."""

    steps: int
    guidance_scale: float
    terms: tuple[Term, ...] = ()
    cutmix: CutMixConfig | None = None
    energies: Mapping[str, Energy] = field(default_factory=lambda: ENERGIES)

    @property
    def reads_batches(self) -> bool:
        """Whether a term reads statistics of the batch."""
        return any(term.statistics == "batch" and self.energies[term.energy].statistics for term in self.terms)

    @property
    def of_batches(self) -> bool:
        """Whether an image depends on the others of its batch, so that a batch is drawn as a whole."""
        return self.reads_batches or self.cutmix is not None


class _Prediction(NamedTuple):
    """What the U-Net says of a noisy latent ``source``: its output and clean latent under classifier-free
    guidance, and the length (b, 1, 1, 1) of that guidance's update of the clean latent.
    """

    source: Tensor
    output: Tensor
    z0: Tensor
    length: Tensor | None = None


class Sampler:
    """Draws images of one model under one teacher's guidance.

    Attributes:
        student: the student that the adversarial energy asks; terms of that energy rest while it is None.
        pieces: how many images a network sees at once. Where memory runs out it is half as many, but for terms that
            read statistics of the batch.

    Args:
        model: the text-to-image model.
        teacher: the classifier whose energies guide; may be None without terms.
        settings: see :class:`SamplerSettings`.

    Raises:
        ValueError: a term is given but no teacher, or a term names an unknown energy.
    """

    def __init__(self, model: TextToImage, teacher: Teacher | None, settings: SamplerSettings) -> None:
        for term in settings.terms:
            if term.energy not in settings.energies:
                raise ValueError(f"energy={term.energy!r} should be one of {', '.join(settings.energies)}")
        if settings.terms and teacher is None:
            raise ValueError("guidance terms need a teacher, and none is given")
        self.model, self.teacher, self.settings = model, teacher, settings
        self.student: Classifier | None = None
        self.pieces = Pieces()
        self._uncond = model.embed([""])  # (1, tokens, width)

    @torch.no_grad()
    def sample(
        self,
        prompts: Sequence[str],
        labels: Tensor,
        seeds: Sequence[int],
        *,
        size_px: int,
        mixture: Mixture | None = None,
        on_step: Callable[[int, Tensor], None] | None = None,
    ) -> Tensor:
        """Images (b, 3, size_px, size_px) in [0, 1], fp32.

        Args:
            prompts: one per image.
            labels: (b,) int64 classes, for the energies that read them.
            seeds: one per image; an image depends on its seed and prompt, not on its batch (but for a mixture and
                for statistics of the batch).
            size_px: side of the images.
            mixture: mixes the latents of this batch (Latent CutMix).
            on_step: called with the step and the predicted clean latents, for inspection.
        """
        scheduler = copy.deepcopy(self.model.scheduler)
        if mixture is not None:
            check_single_step(scheduler)
        scheduler.set_timesteps(self.settings.steps, device=self.model.device)
        scale = levels(scheduler)
        calls = len(scheduler.timesteps)  # of some schedulers one more than the steps, or twice as many
        generators = [generator(seed) for seed in seeds]
        latents = self._initial(generators, size_px) * scheduler.init_noise_sigma
        cond, labels = self.model.embed(list(prompts)), labels.to(self.model.device)
        takes_generator = "generator" in inspect.signature(scheduler.step).parameters
        options = {"generator": generators} if takes_generator else {}
        for step, timestep in enumerate(scheduler.timesteps):
            if mixture is not None:
                latents = mixture.apply(step, latents)
            noisy = scheduler.scale_model_input(latents, timestep)
            part = partial(self._predict_rows, (step, calls), timestep, scale[step], noisy, cond, labels)
            shift, output, z0 = self._in_pieces(part, len(noisy))
            if shift is not None:
                latents = latents + shift / float(
                    scheduler.scale_model_input(torch.ones((), device=shift.device), timestep)
                )
            if on_step is not None:
                on_step(step, z0)
            latents = scheduler.step(output, timestep, latents, return_dict=False, **options)[0]
        (images,) = self._in_pieces(lambda rows: (self.model.decode(latents[rows]).clamp(0, 1),), len(latents))
        return images

    def _in_pieces(self, function: Callable[[slice], tuple[Tensor | None, ...]], count: int) -> list[Tensor | None]:
        """What ``function`` gives for all rows of a batch; for all at once if images depend on their batch."""
        if self.settings.reads_batches:
            return list(function(slice(0, count)))
        columns = zip(*self.pieces.run(function, count), strict=True)
        return [None if parts[0] is None else torch.cat(parts) for parts in columns]

    def _predict_rows(
        self,
        step: tuple[int, int],
        timestep: Tensor,
        level: Level,
        noisy: Tensor,
        cond: Tensor,
        labels: Tensor,
        rows: slice,
    ) -> tuple[Tensor | None, Tensor, Tensor]:
        """For some rows of a batch: how far their noisy latents move (None: not at all), and then what :meth:`_guided`
        gives.
        """
        noisy, cond, labels = noisy[rows], cond[rows], labels[rows]
        embeddings = torch.cat([self._uncond.expand_as(cond), cond])  # (2b, tokens, width)
        shift = None
        if before := self._active(step, "noisy"):
            shift = self._noisy_shift(noisy, timestep, embeddings, level, before, labels)
            noisy = noisy + shift
        return shift, *self._guided(noisy, timestep, embeddings, level, self._active(step, "clean"), labels)

    def _initial(self, generators: list[torch.Generator], size_px: int) -> Tensor:
        channels = self.model.latent_shape[0]
        side = size_px // self.model.scale_factor
        noise = [torch.randn(channels, side, side, generator=each) for each in generators]
        return torch.stack(noise).to(self.model.device).contiguous(memory_format=torch.channels_last)

    def _active(self, step: tuple[int, int], moves: str) -> list[Term]:
        """The terms that act at ``step``, of so many, and move that latent."""
        return [
            term
            for term in self.settings.terms
            if term.moves == moves
            and term.active(*step)
            and (self.student is not None or not self.settings.energies[term.energy].student)
        ]

    def _predict(
        self, noisy: Tensor, timestep: Tensor, embeddings: Tensor, level: Level, active: list[Term]
    ) -> _Prediction:
        through_unet = any(term.through == "noisy" for term in active)
        weight = self.settings.guidance_scale
        with torch.set_grad_enabled(through_unet):
            source = noisy.detach().requires_grad_(through_unet)
            uncond, cond = self.model.denoise(torch.cat([source, source]), timestep, embeddings).chunk(2)
            output = uncond + weight * (cond - uncond)
            z0 = level.clean(source, output)
        if not active:
            return _Prediction(source, output, z0)
        length = _norm(weight * (level.clean(noisy, cond) - level.clean(noisy, uncond)).detach())
        return _Prediction(source, output, z0, length)

    def _guided(
        self, noisy: Tensor, timestep: Tensor, embeddings: Tensor, level: Level, active: list[Term], labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Model output for the scheduler and its predicted clean latent, both after guidance."""
        seen = self._predict(noisy, timestep, embeddings, level, active)
        if not active:
            return seen.output, seen.z0
        shift = self._shift(active, seen, seen.length, labels)
        return level.shifted(seen.output.detach(), shift), seen.z0.detach() + shift

    def _noisy_shift(
        self, noisy: Tensor, timestep: Tensor, embeddings: Tensor, level: Level, active: list[Term], labels: Tensor
    ) -> Tensor:
        """How far the terms move the noisy latent, before the U-Net is asked for the step itself."""
        if all(term.through == "raw" and term.step == "absolute" for term in active):
            return self._shift(active, _Prediction(noisy, noisy, noisy), None, labels)  # no U-Net needed
        seen = self._predict(noisy, timestep, embeddings, level, active)
        # A clean latent that moves by d moves the noisy one by a d, the noise held.
        return self._shift(active, seen, level.a * seen.length, labels)

    def _shift(self, terms: list[Term], seen: _Prediction, length: Tensor | None, labels: Tensor) -> Tensor:
        """The sum of the terms' moves, (b, c, h, w)."""
        shift = torch.zeros_like(seen.source)
        for sight in dict.fromkeys((term.through, term.decoder) for term in terms):
            together = [term for term in terms if (term.through, term.decoder) == sight]
            for factor, gradient in self._gradients(together, seen, labels):
                if factor is None:
                    shift -= gradient
                else:
                    # An image at or below its hinge has no gradient, and so stays where it is.
                    shift -= factor * length * gradient / _norm(gradient).clamp(min=1e-12)
        return shift

    def _gradients(self, terms: list[Term], seen: _Prediction, labels: Tensor) -> list[tuple[float | None, Tensor]]:
        """Of terms that decode the same latent with the same decoder: (scale, gradient) of each relative one, and
        (None, sum of scale times gradient) of all absolute ones.

        Energies are summed over images: each depends on its own latent alone, or is the batch's.
        """
        through, decoder = terms[0].through, terms[0].decoder
        with torch.enable_grad():
            if through == "noisy":
                variable, latent = seen.source, seen.z0
            else:
                variable = (seen.z0 if through == "clean" else seen.source).detach().requires_grad_()
                latent = variable
            energies = self._energies(latent, decoder, terms, labels)
            wanted = [(t.scale, e.sum()) for t, e in zip(terms, energies, strict=True) if t.step == "relative"]
            absolute = [t.scale * e.sum() for t, e in zip(terms, energies, strict=True) if t.step == "absolute"]
            if absolute:
                wanted.append((None, sum(absolute)))
            found = []
            for place, (factor, energy) in enumerate(wanted):
                # Several terms may share the U-Net's graph.
                retained = through == "noisy" or place < len(wanted) - 1
                (gradient,) = torch.autograd.grad(energy, variable, retain_graph=retained)
                found.append((factor, torch.nan_to_num(gradient)))
        return found

    def _energies(self, latent: Tensor, decoder: str, terms: list[Term], labels: Tensor) -> list[Tensor]:
        """Each term's energy (b,) of a latent, after its hinge; the networks are asked once for all of them."""
        images = self.model.decode(latent, decoder).clamp(0, 1)
        asked = [self.settings.energies[term.energy] for term in terms]
        scopes = {term.statistics for term, energy in zip(terms, asked, strict=True) if energy.statistics}
        with ExitStack() as recording:
            recorders = {
                scope: recording.enter_context(StatisticsRecorder(self.teacher, scope=scope))
                for scope in sorted(scopes)
            }
            logits = self.teacher(images)
        student_logits = self.student(images) if any(energy.student for energy in asked) else None
        statistics = {scope: recorder.statistics for scope, recorder in recorders.items()}
        answers = Answers(logits, labels, statistics, student_logits)
        return [hinged(energy.of(answers, term), term.hinge) for term, energy in zip(terms, asked, strict=True)]


def _norm(x: Tensor) -> Tensor:
    """Length of each image's latent, (b, 1, 1, 1)."""
    return x.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
