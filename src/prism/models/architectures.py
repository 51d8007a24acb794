"""What can be told of an architecture by its name. Needs torch only for names of other libraries."""

from __future__ import annotations

from prism.config.names import ARCHITECTURES, WITHOUT_BATCHNORM


def keeps_batch_statistics(architecture: str) -> bool:
    """Whether a network of that name has BatchNorm layers with running statistics.

    Those of timm and torchvision are built without memory for their weights, and asked.

    Raises:
        ModelError: nothing has that name.
    """
    if architecture in ARCHITECTURES:
        return architecture not in WITHOUT_BATCHNORM
    import torch  # late: it takes seconds, and most configurations name networks of this project

    from prism.models.classifiers import build, has_batchnorm

    with torch.device("meta"):
        return has_batchnorm(build(architecture, 2))
