"""BatchNorm in evaluation mode and its input's batch statistics, in one pass forward and one back.

``prism.models.statistics`` records the same with hooks beside the layers. An optimisation of thousands of steps
spends half of its time in that: the statistics are a second pass over every activation, and their derivative some
more. Both are affine in the activation, channel by channel, so they are added up here before it is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from prism.guidance.batch_norm import Statistics
from prism.inversion.patches import patches
from prism.models.statistics import compared_layers

_EPS = 1e-5


class Moments(NamedTuple):
    """Mean and variance by channel, (channels,) each; or by whatever the second dimension is."""

    mean: Tensor
    variance: Tensor


class InputMoments(NamedTuple):
    """What the input of a convolution is like on the training data: moments by channel, and by patch (places,) where
    these are compared too.
    """

    channels: Moments
    patches: Moments | None = None


class StatisticsPass:
    """While entered, the network's BatchNorm layers also tell the statistics of the batch they see.

    ::

        with StatisticsPass(network) as seen:
            logits = network(images)
        distance = batch_norm(seen.statistics)

    Args:
        network: a network in evaluation mode.
        convolutions: for each 2D convolution, by its name, the moments of its input on the training data; these are
            compared too, in the order in which the layers run. None looks at BatchNorm alone.
        patch_px: side of the patches of which ``convolutions`` has moments; their statistics are a list of their own,
            ``patches``, in the same order. None for no patches.

    Raises:
        ModelError: the network has no BatchNorm layer that keeps running statistics.
    """

    def __init__(
        self,
        network: nn.Module,
        convolutions: Mapping[str, InputMoments] | None = None,
        *,
        patch_px: int | None = None,
    ) -> None:
        self._layers = compared_layers(network)
        self._watched = [
            (layer, convolutions[name])
            for name, layer in network.named_modules()
            if convolutions is not None and isinstance(layer, nn.Conv2d)
        ]
        self._patch_px = patch_px
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self.statistics: list[Statistics] = []
        self.patches: list[Statistics] = []

    def __enter__(self) -> StatisticsPass:
        self.statistics, self.patches = [], []
        for layer in self._layers:
            if type(layer).forward is _BatchNorm.forward:
                layer.forward = _Observed(layer, self.statistics)
            else:  # it does something besides, as timm's, which hold the activation
                self._handles.append(layer.register_forward_pre_hook(self._record))
        for layer, real in self._watched:
            self._handles.append(layer.register_forward_pre_hook(self._compare_with(real)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for layer in self._layers:
            vars(layer).pop("forward", None)  # the class's own is there again
        while self._handles:
            self._handles.pop().remove()

    def _record(self, layer: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        self.statistics.append(_beside_running(moments(inputs[0]), layer))

    def _compare_with(self, real: InputMoments) -> Any:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.statistics.append(Statistics(*moments(inputs[0]), *real.channels))
            if self._patch_px is not None:
                seen = moments(patches(inputs[0], self._patch_px))
                self.patches.append(Statistics(*seen, *real.patches))

        return hook


def moments(seen: Tensor) -> Moments:
    """Mean and biased variance of (batch, channels, ...) over all but the channels, with gradients."""
    return Moments(*_Moments.apply(seen))


def smoothed(
    statistics: Sequence[Statistics], past: Sequence[Moments], share: float
) -> tuple[list[Statistics], list[Moments]]:
    """Statistics replaced by their moving average, the gradient going to the present ones unchanged.

    ``s <- share * past + (1 - share) * present``, the first present one being the start; G-VBSM (Shao et al. 2024)
    with share 0.4, whose code starts from zero instead.

    Args:
        statistics: of the present batch.
        past: what the last call gave; empty at the start.
        share: weight of the past.

    Returns:
        The statistics to compare, and the past for the next call.
    """
    present = [Moments(one.mean.detach(), one.variance.detach()) for one in statistics]
    if past:
        kept = [
            Moments(torch.lerp(now.mean, old.mean, share), torch.lerp(now.variance, old.variance, share))
            for now, old in zip(present, past, strict=True)
        ]
    else:
        kept = present
    compared = [
        one._replace(
            mean=average.mean + (one.mean - now.mean), variance=average.variance + (one.variance - now.variance)
        )
        for one, now, average in zip(statistics, present, kept, strict=True)
    ]
    return compared, kept


class _Observed:
    """What stands in for a layer's ``forward``."""

    def __init__(self, layer: _BatchNorm, into: list[Statistics]) -> None:
        self._layer, self._into, self._affine = layer, into, _affine(layer)

    def __call__(self, seen: Tensor) -> Tensor:
        out, *found = _Normalised.apply(seen, *self._affine)
        self._into.append(_beside_running(Moments(*found), self._layer))
        return out


class _Normalised(torch.autograd.Function):
    """(x, scale, shift) to x * scale + shift, and the moments of x; scale and shift are constants."""

    @staticmethod
    def forward(ctx: Any, seen: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance = _measure(seen)
        ctx.save_for_backward(seen, scale, mean)
        ones, zeros = _ones_and_zeros(seen)
        scale, shift = scale.to(ones.dtype), shift.to(ones.dtype)
        # Half precision is multiplied in single and rounded once.
        out, _, _ = torch.native_batch_norm(seen, scale, shift, zeros, ones, False, 0.0, 0.0)
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, grad_mean: Tensor, grad_variance: Tensor) -> tuple[Tensor, None, None]:
        seen, scale, mean = ctx.saved_tensors
        scale = scale.to(seen.dtype).view(1, -1, *(1,) * (seen.dim() - 2))
        return _moments_backward(seen, mean, grad_mean, grad_variance).addcmul_(grad, scale), None, None


class _Moments(torch.autograd.Function):
    """The moments alone."""

    @staticmethod
    def forward(ctx: Any, seen: Tensor) -> tuple[Tensor, Tensor]:
        mean, variance = _measure(seen)
        ctx.save_for_backward(seen, mean)
        return mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_mean: Tensor, grad_variance: Tensor) -> Tensor:
        return _moments_backward(*ctx.saved_tensors, grad_mean, grad_variance)


def _measure(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance, of half precision in single, by torch's own BatchNorm in training mode: on CPUs 7 times
    as fast as var_mean, and with weights, though they are ones, up to 6 times as fast as without.
    """
    ones, zeros = _ones_and_zeros(seen)
    _, mean, inverse = torch.native_batch_norm(seen, ones, zeros, None, None, True, 0.0, _EPS)
    return mean, inverse.square().reciprocal().sub(_EPS).clamp_(min=0)


def _ones_and_zeros(seen: Tensor) -> tuple[Tensor, Tensor]:
    """(channels,) each, in single precision at least."""
    ones = torch.ones(seen.shape[1], dtype=torch.promote_types(seen.dtype, torch.float32), device=seen.device)
    return ones, torch.zeros_like(ones)


def _moments_backward(seen: Tensor, mean: Tensor, grad_mean: Tensor, grad_variance: Tensor) -> Tensor:
    """``grad_mean / n + grad_variance * 2 (x - mean) / n``: one affine map of x for each channel."""
    shape, count = (1, -1, *(1,) * (seen.dim() - 2)), seen.numel() // seen.shape[1]
    slope = grad_variance * (2 / count)
    offset = grad_mean / count - slope * mean
    return torch.addcmul(offset.to(seen.dtype).view(shape), seen, slope.to(seen.dtype).view(shape))


def _beside_running(found: Moments, layer: _BatchNorm) -> Statistics:
    dtype = found.mean.dtype
    return Statistics(*found, layer.running_mean.to(dtype), layer.running_var.to(dtype))


def _affine(layer: _BatchNorm) -> tuple[Tensor, Tensor]:
    """The layer in evaluation mode as ``x * scale + shift``, (channels,) each."""
    scale = torch.rsqrt(layer.running_var + layer.eps)
    if layer.weight is not None:
        scale = scale * layer.weight
    shift = -layer.running_mean * scale
    if layer.bias is not None:
        shift = shift + layer.bias
    return scale.detach(), shift.detach()
