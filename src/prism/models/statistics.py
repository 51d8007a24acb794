"""What a network's BatchNorm layers meet: statistics of the present input beside those of the training data."""

from __future__ import annotations

from types import TracebackType

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from prism.errors import ModelError
from prism.guidance.batch_norm import Statistics


def batchnorm_layers(network: nn.Module) -> list[_BatchNorm]:
    """The layers that keep running statistics."""
    return [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.track_running_stats]


def compared_layers(network: nn.Module) -> list[_BatchNorm]:
    """The same, of which there must be one at least.

    Raises:
        ModelError: there is none.
    """
    layers = batchnorm_layers(network)
    if not layers:
        raise ModelError("the network has no BatchNorm layer with running statistics to compare with")
    return layers


class StatisticsRecorder:
    """Records, while it is entered, what every BatchNorm layer of a network sees; gradients flow through it.

    ::

        with StatisticsRecorder(teacher, scope="image") as recorder:
            logits = teacher(images)
        energy = batch_norm(recorder.statistics)  # (batch,)

    Args:
        network: a network with BatchNorm layers, in evaluation mode.
        scope: ``batch``, mean and variance over batch and space, (channels,); ``image``, over space alone,
            (batch, channels): no image then changes another's.

    Raises:
        ModelError: the network has no BatchNorm layer that keeps running statistics.
    """

    def __init__(self, network: nn.Module, *, scope: str = "batch") -> None:
        if scope not in ("batch", "image"):
            raise ValueError(f"scope={scope!r} should be batch or image")
        self._layers = compared_layers(network)
        self._scope = scope
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self.statistics: list[Statistics] = []

    def __enter__(self) -> StatisticsRecorder:
        self.statistics = []
        self._handles = [layer.register_forward_pre_hook(self._record) for layer in self._layers]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _record(self, layer: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        seen = inputs[0]
        if seen.dtype in (torch.float16, torch.bfloat16):
            seen = seen.float()
        space = tuple(range(2, seen.dim()))
        over = (0, *space) if self._scope == "batch" else space
        if not over:
            raise ModelError("scope image needs layers with height and width; a BatchNorm1d has none")
        variance, mean = torch.var_mean(seen, dim=over, correction=0)
        self.statistics.append(
            Statistics(
                mean, variance, layer.running_mean.detach().to(seen.dtype), layer.running_var.detach().to(seen.dtype)
            )
        )
