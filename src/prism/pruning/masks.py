"""Take filters or weights out of a network by masks that ``torch.nn.utils.prune`` keeps during training.

Structured pruning removes the filters (of linear layers: the neurons) whose weights have the least L1 norm, each
layer by the same share (Li et al. 2017, arXiv 1608.08710, section 3.1). A filter goes with all that acts on its
channel alone: its bias, and scale and shift of the batch norm behind it, without which a removed channel would still
give a constant. Unstructured pruning removes the weights of least magnitude, again by layer. The last linear layer,
whose outputs are the classes, stays whole.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def prune_network(
    network: nn.Module, sparsity: float, example: Tensor, *, kind: Literal["structured", "unstructured"] = "structured"
) -> None:
    """Mask ``sparsity`` of every layer of ``network``, in place; each keeps one filter (or weight) at least.

    Args:
        network: a trained classifier, not pruned yet.
        sparsity: share to remove, in (0, 1); rounded to whole filters or weights.
        example: an input (batch, 3, height, width) as the network takes it; one pass finds each filter's batch norm,
            and the layers that are not called, as attention reads some's weights alone: those stay whole.
        kind: ``structured`` for filters, ``unstructured`` for single weights.

    Raises:
        ValueError: the share is out of its range, the kind unknown, or there is nothing to prune.
    """
    if not 0 < sparsity < 1:
        raise ValueError(f"sparsity={sparsity} must be above 0 and below 1")
    if kind not in ("structured", "unstructured"):
        raise ValueError(f"kind={kind!r} is unknown; it may be structured or unstructured")
    layers = prunable(network)
    if not layers:
        raise ValueError("network has no layer to prune; it needs a convolution or two linear layers")
    called, norms = _seen(network, layers, example)
    for layer in called:
        if kind == "unstructured":
            prune.l1_unstructured(layer, "weight", amount=_removed(layer.weight.numel(), sparsity))
            continue
        filters = layer.weight.shape[0]
        prune.ln_structured(layer, "weight", amount=_removed(filters, sparsity), n=1, dim=0)
        kept = layer.weight_mask.reshape(filters, -1)[:, 0]  # (filters,)
        for follower in (layer, norms.get(layer)):
            names = ("bias",) if follower is layer else ("weight", "bias")
            for name in names:
                if getattr(follower, name, None) is not None:
                    prune.custom_from_mask(follower, name, kept)


def prunable(network: nn.Module) -> list[nn.Module]:
    """Convolutions and linear layers but the last linear one, in the network's order."""
    found = [layer for layer in network.modules() if isinstance(layer, (*_CONVOLUTIONS, nn.Linear))]
    linear = [layer for layer in found if isinstance(layer, nn.Linear)]
    return [layer for layer in found if not linear or layer is not linear[-1]]


def removed_weights(network: nn.Module) -> tuple[int, int]:
    """How many weights of the prunable layers are masked out, and how many there are."""
    masks = [layer.weight_mask for layer in prunable(network) if prune.is_pruned(layer)]
    return sum(int((mask == 0).sum()) for mask in masks), sum(layer.weight.numel() for layer in prunable(network))


def make_permanent(network: nn.Module) -> None:
    """Write the masks into the weights and drop them: a plain network again, whose removed weights are zero."""
    for layer in network.modules():
        for name in [key.removesuffix("_mask") for key in dict(layer.named_buffers(recurse=False)) if _is_mask(key)]:
            prune.remove(layer, name)


def _is_mask(name: str) -> bool:
    return name in ("weight_mask", "bias_mask")


def _removed(count: int, sparsity: float) -> int:
    return min(round(sparsity * count), count - 1)


@torch.no_grad()
def _seen(
    network: nn.Module, layers: list[nn.Module], example: Tensor
) -> tuple[list[nn.Module], dict[nn.Module, nn.Module]]:
    """Seen in one pass over ``example``: the layers that are called, in their order, and the batch norm that is given a
    layer's output as it is, by layer.
    """
    called: set[nn.Module] = set()
    made: dict[int, nn.Module] = {}
    alive: list[Tensor] = []  # else another tensor might get the number of one that is gone
    found: dict[nn.Module, nn.Module] = {}

    def remember(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        called.add(layer)
        made[id(output)] = layer
        alive.append(output)

    def match(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made:
            found[made[id(inputs[0])]] = norm

    hooks = [layer.register_forward_hook(remember) for layer in layers]
    hooks += [
        module.register_forward_pre_hook(match) for module in network.modules() if isinstance(module, _BATCH_NORMS)
    ]
    training = network.training
    network.eval()
    try:
        network(example)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return [layer for layer in layers if layer in called], found
