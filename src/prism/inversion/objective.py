"""The objective of an inversion: a sum of weighted terms, and whose logits and statistics enter it in which step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from prism.config import InversionConfig
from prism.guidance.batch_norm import batch_norm
from prism.inversion import terms
from prism.inversion.statistics import InputMoments, Moments, StatisticsPass, smoothed
from prism.models.checkpoints import Classifier
from prism.seeds import rng

_SUBSET_SLOTS = 3  # PRISM-DD: so many places beside the primary teacher, each filled with this probability
_SUBSET_CHANCE = 0.5

Past = dict[int, list[Moments]]  # by teacher; the moving averages of G-VBSM


@dataclass(frozen=True)
class Team:
    """Who has a part in a step: the index of the teacher that classifies, those whose statistics are compared."""

    classifies: int
    compared: tuple[int, ...]


def teams(settings: InversionConfig, teachers: int, iterations: int, seed: int) -> list[Team]:
    """The team of each step. Teacher 0 is the primary one.

    ``rotate``: one teacher a step for both, in turn (G-VBSM's backbone matching). ``subset``: the primary one
    classifies; statistics are averaged over it and a random subset of the others (PRISM-DD), drawn once, or anew in
    each step.
    """
    if settings.teachers == "rotate":
        return [Team(step % teachers, (step % teachers,)) for step in range(iterations)]
    if settings.teachers == "primary":
        return [Team(0, (0,))] * iterations
    draws = rng(seed)
    if settings.teachers_drawn == "once":
        return [Team(0, (0, *_subset(teachers - 1, draws)))] * iterations
    return [Team(0, (0, *_subset(teachers - 1, draws))) for _ in range(iterations)]


def _subset(others: int, draws: object) -> tuple[int, ...]:
    filled = draws.binomial(min(_SUBSET_SLOTS, others), _SUBSET_CHANCE)
    return tuple(sorted(int(other) + 1 for other in draws.permutation(others)[:filled]))


class Objective:
    """What is lowered, as a function of a view of the pixels; nothing in it waits for a device.

    Args:
        settings: the weights.
        teachers: frozen classifiers on one device, the primary one first.
        student: the competitor of Adaptive DeepInversion, frozen; None for none.
        convolutions: for each teacher the moments of its convolutions' inputs on real images; None compares
            BatchNorm's running statistics alone.
        dtype: torch.bfloat16 for autocast of the networks, torch.float32 for none.
    """

    def __init__(
        self,
        settings: InversionConfig,
        teachers: Sequence[Classifier],
        *,
        student: Classifier | None = None,
        convolutions: Sequence[Mapping[str, InputMoments]] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if (settings.adaptive is None) != (student is None):
            raise ValueError(f"student={student} does not fit inversion.adaptive={settings.adaptive}")
        self.settings, self.teachers, self.student, self._dtype = settings, list(teachers), student, dtype
        self.primary = self.teachers[0]
        self._passes = [
            StatisticsPass(teacher.network, convolutions[index] if convolutions else None, patch_px=settings.patch_px)
            for index, teacher in enumerate(self.teachers if settings.batch_norm else [])
        ]

    def __call__(
        self,
        view: Tensor,
        labels: Tensor,
        team: Team,
        *,
        pool: int = 1,
        members: Sequence[Tensor] = (),
        past: Past | None = None,
    ) -> Tensor:
        """The objective of a view: ().

        Args:
            view: (batch, 3, side, side) in the space of ``settings.pixels``.
            labels: (batch,) int64.
            team: who has a part in it.
            pool: teachers are shown images of their size over ``pool``.
            members: rows of each class, for the densification.
            past: moving averages, brought up to date in place.
        """
        settings = self.settings
        logits, distances = self._ask(view, team, pool, {} if past is None else past)
        loss = settings.cross_entropy * functional.cross_entropy(terms.wide(logits), labels)
        if distances:
            loss = loss + settings.batch_norm * torch.stack(distances).mean()
        if settings.tv_l1:
            loss = loss + settings.tv_l1 * terms.total_variation_l1(view)
        if settings.tv_l2:
            loss = loss + settings.tv_l2 * terms.total_variation_l2(view)
        if settings.l2:
            loss = loss + settings.l2 * terms.mean_norm(view)
        if settings.densification:
            loss = loss + settings.densification * terms.densification(
                view, members, settings.densification_temperature
            )
        if settings.adaptive is not None:
            answers = self._logits(self.student, view, pool)
            competition = terms.competition(
                answers, logits, js=settings.adaptive.js, temperature=settings.adaptive.temperature
            )
            loss = loss + settings.adaptive.weight * competition
        return loss

    def _ask(self, view: Tensor, team: Team, pool: int, past: Past) -> tuple[Tensor, list[Tensor]]:
        """Logits of the one that classifies, and the distance of the statistics of each that is compared."""
        logits, distances = None, []
        for index in dict.fromkeys((team.classifies, *(team.compared if self._passes else ()))):
            if not self._passes or index not in team.compared:
                logits = self._logits(self.teachers[index], view, pool)
                continue
            with self._passes[index] as seen:
                answers = self._logits(self.teachers[index], view, pool)
            if index == team.classifies:
                logits = answers
            statistics = [*seen.statistics, *seen.patches]
            if self.settings.average:
                statistics, past[index] = smoothed(statistics, past.get(index, ()), self.settings.average)
            layers = len(seen.statistics)
            distance = batch_norm(statistics[:layers], first_weight=self.settings.first_layer)
            if seen.patches:
                distance = distance + batch_norm(statistics[layers:], first_weight=self.settings.first_layer)
            distances.append(distance)
        return logits, distances

    def _logits(self, classifier: Classifier, view: Tensor, pool: int) -> Tensor:
        """A classifier's answers; each has its own size, mean and standard deviation."""
        side = classifier.size_px // pool
        shown = view if self.settings.pixels == "unit" else to_unit(view, self.primary)
        if shown.shape[-1] != side:
            shown = functional.interpolate(shown, (side, side), mode="bilinear", align_corners=False, antialias=True)
        shown = (shown - classifier.mean.to(shown.dtype)) / classifier.std.to(shown.dtype)
        with torch.autocast(view.device.type, torch.bfloat16, enabled=self._dtype == torch.bfloat16):
            return classifier.network(shown.contiguous(memory_format=torch.channels_last))


def to_unit(normalised: Tensor, classifier: Classifier) -> Tensor:
    """Images in [0, 1] of images as ``classifier`` normalises them."""
    return normalised * classifier.std.to(normalised.dtype) + classifier.mean.to(normalised.dtype)


def to_normalised(images: Tensor, classifier: Classifier) -> Tensor:
    """The inverse of :func:`to_unit`."""
    return (images - classifier.mean.to(images.dtype)) / classifier.std.to(images.dtype)
