"""What the networks say of a batch of decoded images: all that an energy may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from prism.guidance.batch_norm import Statistics


@dataclass(frozen=True)
class Answers:
    """The answers to one batch; what no term asks for is not computed, and is empty here.

    Attributes:
        logits: the teacher's, (batch, classes).
        labels: the prompts' classes, (batch,) int64.
        statistics: what the teacher's BatchNorm layers met, by scope: ``image`` or ``batch``.
        student_logits: the interleaved student's, (batch, classes); None before there is one.
    """

    logits: Tensor
    labels: Tensor
    statistics: Mapping[str, Sequence[Statistics]] = field(default_factory=dict)
    student_logits: Tensor | None = None
