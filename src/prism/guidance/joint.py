"""Joint energy of an image and its class."""

from torch import Tensor


def joint(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> Tensor:
    """``-f_y``: free energy at T = 1 plus the class's negative log-likelihood.

    Grathwohl et al., "Your classifier is secretly an energy based model" (2020), equation 5. The temperature has
    no part in it: it would only rescale the gradient, whose length guidance sets by itself.

    Args:
        logits: (batch, classes).
        labels: (batch,) int64.
        temperature: not read.

    Returns:
        (batch,)
    """
    return -logits.float().gather(1, labels[:, None]).squeeze(1)
