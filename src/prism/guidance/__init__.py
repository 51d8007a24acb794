"""Energies that steer sampling: pure functions of what the networks answer, lower where an image is wanted.

An energy of the registry takes the answers and the term that asks, and gives (batch,) floats. A new one is a
function and a line in :data:`ENERGIES` (and its name in ``prism.config.names``); one of a user's own is a function and
such a line in a file of theirs (docs/extend.md).
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from prism.guidance.adversarial import adversarial, divergence
from prism.guidance.answers import Answers
from prism.guidance.batch_norm import batch_norm
from prism.guidance.cross_entropy import cross_entropy
from prism.guidance.elucidated import elucidated
from prism.guidance.free import free
from prism.guidance.joint import joint
from prism.guidance.term import Term, hinged
from prism.guidance.trial import gradient_gap


@dataclass(frozen=True)
class Energy:
    """An energy, and what it reads beside the teacher's logits.

    Attributes:
        of: the energy (batch,) of the answers, as the term asks for it.
        statistics: whether it reads the statistics of the teacher's BatchNorm layers.
        student: whether it reads the interleaved student's logits; without a student it does not act.
    """

    of: Callable[[Answers, Term], Tensor]
    statistics: bool = False
    student: bool = False


def _of_logits(function: Callable[[Tensor, Tensor, float], Tensor]) -> Energy:
    """An energy of the teacher's logits, the labels and a temperature alone."""
    return Energy(lambda answers, term: function(answers.logits, answers.labels, term.temperature))


def _batch_norm(answers: Answers, term: Term) -> Tensor:
    # Of a batch's statistics there is one energy; each image has it as its own, so that the gradient by an image
    # keeps its length whatever the size of the batch.
    energy = batch_norm(answers.statistics[term.statistics], first_weight=term.first_weight)
    return energy.expand(len(answers.logits))


def _adversarial(answers: Answers, term: Term) -> Tensor:
    return adversarial(answers.logits, answers.student_logits, term.temperature)


ENERGIES: dict[str, Energy] = {
    "free": _of_logits(free),
    "joint": _of_logits(joint),
    "elucidated": _of_logits(elucidated),
    "cross-entropy": _of_logits(cross_entropy),
    "batch-norm": Energy(_batch_norm, statistics=True),
    "adversarial": Energy(_adversarial, student=True),
}

__all__ = [
    "ENERGIES",
    "Answers",
    "Energy",
    "Term",
    "adversarial",
    "batch_norm",
    "cross_entropy",
    "divergence",
    "elucidated",
    "free",
    "gradient_gap",
    "hinged",
    "joint",
]
