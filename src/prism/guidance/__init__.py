"""Energies that steer sampling: pure functions of the teacher's logits, lower where an image is wanted.

An energy takes logits (batch, classes), labels (batch,) and a temperature, and gives (batch,) float32.
"""

from collections.abc import Callable

from torch import Tensor

from prism.guidance.cross_entropy import cross_entropy
from prism.guidance.elucidated import elucidated
from prism.guidance.free import free
from prism.guidance.joint import joint
from prism.guidance.term import Term, hinged

Energy = Callable[[Tensor, Tensor, float], Tensor]

ENERGIES: dict[str, Energy] = {
    "free": free,
    "joint": joint,
    "elucidated": elucidated,
    "cross-entropy": cross_entropy,
}

__all__ = ["ENERGIES", "Energy", "Term", "cross_entropy", "elucidated", "free", "hinged", "joint"]
