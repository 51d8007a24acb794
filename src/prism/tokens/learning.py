"""Class alignment tokens (CAT of DDIS, arXiv 2506.15381), learned for many classes at once.

The token of a class is one embedding, moved so that the teacher takes the images drawn with it for the class:

    min_S  mean_j CE(f(x_j(S)), c),   x_j drawn from the prompt "a photo of a S name" and noise j

with the gradient through the last denoising step alone. Images depend on their own token only, and each row of
embeddings has an optimiser of its own: learning ten classes together is learning each alone, in fewer, fuller batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from prism.config import TokensConfig
from prism.errors import ModelError
from prism.memory import Pieces
from prism.models.pseudo_words import PseudoWordEmbedding
from prism.models.teacher import Teacher
from prism.tokens.adam import Adam
from prism.tokens.drawing import Drawing
from prism.tokens.state import State

EPOCH, UPDATE, BATCH, STEPS = range(4)  # of the clock

Place = tuple[int, int]  # class, image of the epoch


class Learner:
    """Learns the rows of ``words``.

    Attributes:
        pieces: how many images are learned from at once; half as many where memory runs out.

    Args:
        drawing: draws the images; its text encoder has ``words``.
        words: the pseudo-words' embedding; its rows are overwritten.
        teacher: the frozen classifier.
        prompts: of each class, those of an epoch's images, taken in turn.
        seeds: ``seeds[c][j]`` gives the noise of image ``j`` of class ``c``, the same in every epoch.
        settings: see the configuration.
    """

    def __init__(
        self,
        drawing: Drawing,
        words: PseudoWordEmbedding,
        teacher: Teacher,
        *,
        prompts: Sequence[Sequence[str]],
        seeds: Sequence[Sequence[int]],
        settings: TokensConfig,
    ) -> None:
        self.drawing, self.words, self.teacher = drawing, words, teacher
        self.prompts, self.seeds, self.settings = prompts, seeds, settings
        decay = settings.weight_decay if settings.optimizer == "adamw" else 0.0
        self.pieces = Pieces()
        self._adam = Adam(settings.learning_rate, decay, settings.clamp)

    def run(self, state: State, after_batch: Callable[[State], None] = lambda state: None) -> State:
        """Go on from ``state``, which is changed, until every class is finished.

        ``after_batch`` is called with a state from which this goes on in the same way. What is learned is
        ``state.best``: for each class the embedding of the epoch that the teacher agreed with most, of equals that
        with the lowest loss. Where an epoch has several updates that is the embedding of its last images.
        """
        while bool(state.active.any()) and state.clock[EPOCH] < self.settings.epochs:
            for places in self._batches(state)[int(state.clock[BATCH]) :]:
                self._gather(state, places)
                state.clock[BATCH] += 1
                after_batch(state)
            self._update(state)
        return state

    def _batches(self, state: State) -> list[list[Place]]:
        """The images of the next update in batches, each of as many classes as there are."""
        start = int(state.clock[UPDATE]) * self.settings.accumulate
        active = torch.nonzero(state.active).flatten().tolist()
        places = [(c, j) for j in range(start, start + self.settings.accumulate) for c in active]
        size = self.settings.batch
        return [places[begin : begin + size] for begin in range(0, len(places), size)]

    def _gather(self, state: State, places: Sequence[Place]) -> None:
        """Draw images; add up their gradients, losses and the teacher's agreement, by class."""
        labels = torch.tensor([c for c, _ in places], device=state.rows.device)
        parts = self.pieces.run(lambda part: self.gradient(state.rows, places[part]), len(places))
        losses, hits, gradients = zip(*parts, strict=True)
        loss, hit, gradient = torch.cat(losses), torch.cat(hits), sum(gradients[1:], gradients[0])
        bad = torch.nonzero(~(loss.isfinite() & gradient[labels].isfinite().all(dim=1))).flatten().tolist()
        if bad:
            raise ModelError(
                f"tokens: the loss of class {places[bad[0]][0]}, or its gradient, is not finite; lower "
                "tokens.learning_rate, or set tokens.clamp"
            )
        epoch = int(state.clock[EPOCH])
        state.gradient += gradient / self.settings.accumulate
        state.losses[epoch].index_add_(0, labels, loss.double())
        state.hits[epoch].index_add_(0, labels, hit.long())

    def gradient(self, rows: Tensor, places: Sequence[Place]) -> tuple[Tensor, Tensor, Tensor]:
        """Cross-entropy (b,) and agreement (b,) of some images, and the gradient (classes, width) of their sum."""
        self.words.rows.data.copy_(rows)
        self.words.rows.requires_grad_(True)
        labels = torch.tensor([c for c, _ in places], device=rows.device)
        with torch.enable_grad():
            cond = self.drawing.encode([self.prompts[c][j % len(self.prompts[c])] for c, j in places])
            last = self.drawing.approach(cond.detach(), [self.seeds[c][j] for c, j in places])
            logits = self.teacher(self.drawing.finish(last, cond))
            loss = cross_entropy(logits, labels, reduction="none")
            (gradient,) = torch.autograd.grad(loss.sum(), self.words.rows)
        self.words.rows.requires_grad_(False)
        return loss.detach(), logits.detach().argmax(dim=1) == labels, gradient

    def _update(self, state: State) -> None:
        """Move the rows by the gradient gathered; after an epoch's last images first look which are finished."""
        settings, clock = self.settings, state.clock
        if clock[UPDATE] + 1 == settings.images // settings.accumulate:
            self._close_epoch(state)
            clock[UPDATE] = 0
        else:
            clock[UPDATE] += 1
        clock[STEPS] += 1
        clock[BATCH] = 0
        self._adam.update(state.rows, state.first, state.second, state.gradient, state.active, int(clock[STEPS]))
        state.gradient.zero_()

    def _close_epoch(self, state: State) -> None:
        epoch = int(state.clock[EPOCH])
        hits, losses = state.hits[epoch], state.losses[epoch]
        best = best_epochs(state)
        better = (
            (state.epochs == 0)
            | (hits > _at(state.hits, best))
            | ((hits == _at(state.hits, best)) & (losses < _at(state.losses, best)))
        )
        better &= state.active
        state.best[better] = state.rows[better]
        state.epochs[state.active] += 1
        state.active &= hits.double() / self.settings.images <= self.settings.stop_above
        state.clock[EPOCH] += 1


def best_epochs(state: State) -> Tensor:
    """(classes,) the epoch that each class's ``best`` is of, among the epochs that it has finished."""
    best = torch.zeros_like(state.epochs)
    for epoch in range(1, len(state.hits)):
        hits, losses = state.hits[epoch], state.losses[epoch]
        better = (hits > _at(state.hits, best)) | ((hits == _at(state.hits, best)) & (losses < _at(state.losses, best)))
        best = torch.where(better & (epoch < state.epochs), epoch, best)
    return best


def _at(table: Tensor, epochs: Tensor) -> Tensor:
    """Entry (classes,) of each class in its own epoch, of a table (epochs, classes)."""
    return table.gather(0, epochs[None]).squeeze(0)
