"""Cross-entropy of the teacher with the prompt's class."""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> Tensor:
    """``-log softmax(f / T)_y``: classifier guidance (Dhariwal & Nichol 2021), DiffDFKD's class term.

    Args:
        logits: (batch, classes).
        labels: (batch,) int64.
        temperature: T, above 0.

    Returns:
        (batch,)
    """
    return F.cross_entropy(logits.float() / temperature, labels, reduction="none")
