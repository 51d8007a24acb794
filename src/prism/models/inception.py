"""The Inception network of FID: the TensorFlow model of 2015 in torchvision's skeleton.

It differs from torchvision's own in its weights, its 1008 outputs, and the pooling inside its blocks: average
pooling does not count the padding, and the last block takes the maximum.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.inception import Inception3, InceptionA, InceptionC, InceptionE

from prism.artifacts import sha256_file
from prism.errors import ModelError
from prism.models.checkpoints import fit_weights, load_weights

INCEPTION_SIZE_PX = 299
WEIGHTS_FILE = "pt_inception-2015-12-05-6726825d.pth"  # ends in the first digits of its sha256
WEIGHTS_URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{WEIGHTS_FILE}"
_OUTPUTS = 1008


class _TensorFlowPooling:
    """A mixin for torchvision's blocks, whose pooled branch comes last."""

    pool: nn.Module

    def _forward(self, x: Tensor) -> list[Tensor]:
        branches = super()._forward(x)
        branches[-1] = self.branch_pool(self.pool(x))
        return branches


class _BlockA(_TensorFlowPooling, InceptionA):
    pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class _BlockC(_TensorFlowPooling, InceptionC):
    pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class _BlockE(_TensorFlowPooling, InceptionE):
    pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class _LastBlock(_TensorFlowPooling, InceptionE):
    pool = nn.MaxPool2d(3, 1, 1)


class FidInception(Inception3):
    """Pooled features (n, 2048) of images (n, 3, 299, 299) in [-1, 1]; ``fc`` is there for the inception
    score.
    """

    def __init__(self) -> None:
        super().__init__(num_classes=_OUTPUTS, aux_logits=False, transform_input=False, init_weights=False)
        self.Mixed_5b = _BlockA(192, pool_features=32)
        self.Mixed_5c = _BlockA(256, pool_features=64)
        self.Mixed_5d = _BlockA(288, pool_features=64)
        self.Mixed_6b = _BlockC(768, channels_7x7=128)
        self.Mixed_6c = _BlockC(768, channels_7x7=160)
        self.Mixed_6d = _BlockC(768, channels_7x7=160)
        self.Mixed_6e = _BlockC(768, channels_7x7=192)
        self.Mixed_7b = _BlockE(1280)
        self.Mixed_7c = _LastBlock(2048)
        self.dropout = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Pooled features (n, 2048)."""
        pooled: list[Tensor] = []
        hook = self.dropout.register_forward_hook(lambda module, inputs, output: pooled.append(output.flatten(1)))
        try:
            self._forward(images)
        finally:
            hook.remove()
        return pooled[0]


def load_inception(weights: Path | None) -> FidInception:
    """The network of FID with its weights, in evaluation mode, on the CPU.

    Args:
        weights: the file :data:`WEIGHTS_FILE` or the same tensors as safetensors; None looks in torch hub's
            cache.

    Raises:
        ModelError: the file is missing, or holds something else.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_FILE if weights is None else weights
    if not path.is_file():
        raise ModelError(f"{path}: no such file; download {WEIGHTS_URL} and name it in evaluation.extractor.weights")
    if path.name == WEIGHTS_FILE and not sha256_file(path).startswith("6726825d"):
        raise ModelError(
            f"{path}: is not what its name says (its sha256 does not start with 6726825d); download it again"
        )
    network = FidInception()
    fit_weights(network, load_weights(path), num_classes=_OUTPUTS, path=path)
    return network.eval()
