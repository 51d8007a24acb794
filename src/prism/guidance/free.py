"""Free energy: how far an image lies from everything that the classifier was trained on."""

import torch
from torch import Tensor


def free(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> Tensor:
    """``-T logsumexp_k(f_k / T)``, the negative log of the classifier's unnormalised density.

    Liu et al., "Energy-based Out-of-distribution Detection" (2020), equation 4. It pulls toward any class of the
    classifier; the prompt alone says which.

    Args:
        logits: (batch, classes).
        labels: (batch,), not read.
        temperature: T, above 0.

    Returns:
        (batch,)
    """
    return -temperature * torch.logsumexp(logits.float() / temperature, dim=1)
