"""The discounted joint energy of elucidated classifier guidance."""

import torch
from torch import Tensor

DISCOUNT = 0.5


def elucidated(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> Tensor:
    """``-(f_y - logsumexp_k(d f_k))``, d = 0.5, logits divided by T: cross-entropy has d = 1, joint has d = 0.

    Ma et al., "Elucidating the design space of classifier-guided diffusion generation" (2024); d is the default of
    its released ImageNet-128 script.

    Args:
        logits: (batch, classes).
        labels: (batch,) int64.
        temperature: T, above 0.

    Returns:
        (batch,)
    """
    scaled = logits.float() / temperature
    return torch.logsumexp(DISCOUNT * scaled, dim=1) - scaled.gather(1, labels[:, None]).squeeze(1)
