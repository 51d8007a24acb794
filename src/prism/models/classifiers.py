"""The registry of classifiers: a name makes a network, ours or one of timm's or torchvision's.

``build("miniature-resnet", 10)`` and ``build("timm:resnet34", 1000, in_size_px=224)`` give modules with the
same two methods: ``forward(x)`` for logits and ``features(x)`` for the pooled penultimate activations.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from prism.errors import ModelError
from prism.models.networks import (
    CifarResNet,
    MiniatureMixer,
    MiniatureMobileNet,
    MiniatureResNet,
    MiniatureStudent,
    MiniatureVGG,
    Network,
)
from prism.models.statistics import batchnorm_layers

# Each constructor takes the number of classes and the side of the image in pixels.
ARCHITECTURES: dict[str, Callable[[int, int], Network]] = {
    "cifar-resnet8": lambda classes, size_px: CifarResNet(8, classes),
    "cifar-resnet20": lambda classes, size_px: CifarResNet(20, classes),
    "cifar-resnet32": lambda classes, size_px: CifarResNet(32, classes),
    "cifar-resnet44": lambda classes, size_px: CifarResNet(44, classes),
    "cifar-resnet56": lambda classes, size_px: CifarResNet(56, classes),
    "miniature-resnet": lambda classes, size_px: MiniatureResNet(classes),
    "miniature-vgg": lambda classes, size_px: MiniatureVGG(classes),
    "miniature-mobilenet": lambda classes, size_px: MiniatureMobileNet(classes),
    "miniature-mixer": lambda classes, size_px: MiniatureMixer(classes, size_px),
    "miniature-oracle": lambda classes, size_px: MiniatureResNet(classes, (48, 96, 160)),
    "miniature-student": lambda classes, size_px: MiniatureStudent(classes),
    "miniature-student-small": lambda classes, size_px: MiniatureStudent(classes, (8, 16, 24, 32)),
}
LIBRARIES: tuple[str, ...] = ("timm", "torchvision")


class LibraryNetwork(Network):
    """A timm or torchvision classifier with our two methods; its state dict keeps the library's own names.

    ``features`` is what the last linear layer is given, flattened.
    """

    def __init__(self, net: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.feature_dim = head.in_features
        self._pooled: Tensor | None = None
        head.register_forward_pre_hook(self._remember)

    def _remember(self, head: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._pooled = inputs[0]

    def features(self, x: Tensor) -> Tensor:
        return self.logits_and_features(x)[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.logits_and_features(x)[0]

    def logits_and_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both from one pass: (batch, classes) and (batch, feature_dim)."""
        logits = self.net(x)
        if isinstance(logits, tuple):  # with those of auxiliary heads behind it, in training mode
            logits = logits[0]
        pooled, self._pooled = self._pooled, None  # kept, it would hold the graph of this batch
        return logits, pooled.flatten(1)

    def state_dict(
        self, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """The library network's own state dict: published checkpoints keep their names."""
        if destination is None:
            return self.net.state_dict(prefix=prefix, keep_vars=keep_vars)
        return self.net.state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)

    def load_state_dict(self, state_dict: dict[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load the library network's own state dict."""
        return self.net.load_state_dict(state_dict, strict=strict, assign=assign)


def build(architecture: str, num_classes: int, in_size_px: int = 32, *, seed: int | None = None) -> Network:
    """A network with fresh weights.

    Args:
        architecture: a key of :data:`ARCHITECTURES`, or ``timm:<name>`` or ``torchvision:<name>``.
        num_classes: number of logits.
        in_size_px: side of the square image; only networks that count their positions use it.
        seed: seed of the weights, which leaves the global generator alone; None draws from the latter.

    Raises:
        ModelError: nothing has that name (the nearest one is suggested).
        ValueError: ``num_classes`` is not positive.
    """
    if num_classes < 1:
        raise ValueError(f"num_classes={num_classes} must be at least 1")
    if seed is None:
        return _construct(architecture, num_classes, in_size_px)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _construct(architecture, num_classes, in_size_px)


def has_batchnorm(module: nn.Module) -> bool:
    """Whether the module keeps running batch statistics, which batch-norm guidance needs."""
    return bool(batchnorm_layers(module))


def check_architecture(architecture: str) -> None:
    """Refuse an unknown architecture without building it.

    Raises:
        ModelError: nothing has that name.
    """
    library, separator, name = architecture.partition(":")
    if not separator:
        if architecture not in ARCHITECTURES:
            raise _unknown(architecture, list(ARCHITECTURES), "")
    elif library not in LIBRARIES:
        raise ModelError(f"architecture {architecture!r}: use timm:<name> or torchvision:<name>, not {library}")
    elif not _library_has(library, name):
        raise _unknown(architecture, _library_names(library), f"{library}:")


def _construct(architecture: str, num_classes: int, in_size_px: int) -> Network:
    check_architecture(architecture)
    library, separator, name = architecture.partition(":")
    if not separator:
        return ARCHITECTURES[architecture](num_classes, in_size_px)
    if library == "timm":
        return _build_timm(name, num_classes, in_size_px)
    import torchvision

    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}  # as it is, without a warning
    net = torchvision.models.get_model(name, weights=None, num_classes=num_classes, **options)
    return LibraryNetwork(net, _last_linear(net, architecture))


def _build_timm(name: str, num_classes: int, in_size_px: int) -> Network:
    import timm

    options = {"pretrained": False, "num_classes": num_classes}
    try:
        net = timm.create_model(name, img_size=in_size_px, **options)
    except TypeError:  # convolutional networks take any size and no such argument
        net = timm.create_model(name, **options)
    return LibraryNetwork(net, _last_linear(net, f"timm:{name}"))


def _last_linear(net: nn.Module, architecture: str) -> nn.Linear:
    linears = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    if not linears:
        raise ModelError(f"architecture {architecture!r} does not end in a linear layer; choose one that does")
    return linears[-1]


def _library_has(library: str, name: str) -> bool:
    if library == "timm":
        import timm

        return timm.is_model(name)  # knows tagged names too, such as resnet34.a1_in1k
    return name in _library_names(library)


def _library_names(library: str) -> list[str]:
    if library == "timm":
        import timm

        return timm.list_models()
    import torchvision

    return torchvision.models.list_models(module=torchvision.models)


def _unknown(architecture: str, names: list[str], prefix: str) -> ModelError:
    nearest = difflib.get_close_matches(architecture.removeprefix(prefix), names, n=1, cutoff=0.3)
    hint = f"; did you mean {prefix + nearest[0]!r}?" if nearest else f"; known are {', '.join(names[:12])}"
    return ModelError(f"unknown architecture {architecture!r}{hint}")
