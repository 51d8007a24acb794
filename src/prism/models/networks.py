"""The small image classifiers: networks for 32 x 32 px, written out so that nothing has to be downloaded.

Every network is a :class:`Network`: ``features`` gives the pooled penultimate activations, ``forward`` the
logits. The CIFAR ResNets follow He et al. 2016 (section 4.2, option A shortcuts) and name their parameters as
the public CIFAR checkpoints do; the miniature's networks are three families with batch normalisation and one
without.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Network(nn.Module):
    """A classifier whose head is one linear layer on ``feature_dim`` pooled features."""

    feature_dim: int
    linear: nn.Linear

    def features(self, x: Tensor) -> Tensor:
        """Pooled activations (batch, feature_dim) before the head, of normalised images (batch, 3, h, w)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Logits (batch, classes) of normalised images (batch, 3, height, width)."""
        return self.linear(self.features(x))

    def logits_and_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both from one pass: (batch, classes) and (batch, feature_dim)."""
        features = self.features(x)
        return self.linear(features), features


class _BasicBlock(nn.Module):
    """Two 3 x 3 convolutions; a shortcut that subsamples and pads channels with zeros."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.padding = channels - channels_in

    def forward(self, x: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.stride != 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.padding:
            x = functional.pad(x, (0, 0, 0, 0, self.padding // 2, self.padding - self.padding // 2))
        return functional.relu(residual + x)


class CifarResNet(Network):
    """ResNet of 6n+2 layers for 32 x 32 px: three stages of n blocks, 16, 32 and 64 channels wide by default.

    Raises:
        ValueError: ``depth`` is not 6n+2.
    """

    def __init__(self, depth: int, num_classes: int, widths: tuple[int, int, int] = (16, 32, 64)) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f"depth={depth} is not 6n+2; use 8, 20, 32, 44 or 56")
        blocks = (depth - 2) // 6
        self.feature_dim = widths[-1]
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = self._stage(widths[0], widths[0], blocks, 1)
        self.layer2 = self._stage(widths[0], widths[1], blocks, 2)
        self.layer3 = self._stage(widths[1], widths[2], blocks, 2)
        self.linear = nn.Linear(widths[2], num_classes)

    @staticmethod
    def _stage(channels_in: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        first = _BasicBlock(channels_in, channels, stride)
        return nn.Sequential(first, *(_BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))

    def features(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x))).mean(dim=(2, 3))


def _conv_bn(channels_in: int, channels: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution and batch normalisation, the size kept where the stride is one."""
    convolution = nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(channels)]


class _ConvTrunk(Network):
    """A sequence of layers, an average over positions, a linear head."""

    def __init__(self, layers: list[nn.Module], feature_dim: int, num_classes: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.trunk = nn.Sequential(*layers)
        self.linear = nn.Linear(feature_dim, num_classes)

    def features(self, x: Tensor) -> Tensor:
        return self.trunk(x).mean(dim=(2, 3))


class MiniatureResNet(_ConvTrunk):
    """Residual blocks at 16, 8 and 4 px behind a stem that halves the image."""

    def __init__(self, num_classes: int, widths: tuple[int, ...] = (32, 64, 96)) -> None:
        layers: list[nn.Module] = [*_conv_bn(3, widths[0], 5, 2), nn.ReLU()]
        channels_in = widths[0]
        for stage, channels in enumerate(widths):
            layers.append(_BasicBlock(channels_in, channels, 1 if stage == 0 else 2))
            channels_in = channels
        super().__init__([*layers, _BasicBlock(channels_in, channels_in, 1)], widths[-1], num_classes)


class MiniatureVGG(_ConvTrunk):
    """Pairs of plain convolutions with max pooling between them (Simonyan & Zisserman 2015)."""

    def __init__(self, num_classes: int, widths: tuple[int, ...] = (20, 40, 72, 112)) -> None:
        layers: list[nn.Module] = []
        channels_in = 3
        for stage, channels in enumerate(widths):
            layers += [*_conv_bn(channels_in, channels), nn.ReLU()]
            if stage:
                layers += [*_conv_bn(channels, channels), nn.ReLU()]
            if stage < len(widths) - 1:
                layers.append(nn.MaxPool2d(2))
            channels_in = channels
        super().__init__(layers, widths[-1], num_classes)


class _InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, channels_in: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        self.layers = nn.Sequential(
            *_conv_bn(channels_in, hidden, 1),
            nn.ReLU6(),
            *_conv_bn(hidden, hidden, 3, stride, groups=hidden),
            nn.ReLU6(),
            *_conv_bn(hidden, channels, 1),
        )
        self.adds = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.adds else self.layers(x)


class MiniatureMobileNet(_ConvTrunk):
    """Inverted residuals with depthwise convolutions (Sandler et al. 2018) at 16, 8 and 4 px."""

    def __init__(self, num_classes: int, widths: tuple[int, ...] = (16, 32, 64)) -> None:
        feature_dim = 160
        layers = [*_conv_bn(3, widths[0], 3, 2), nn.ReLU6()]
        channels_in = widths[0]
        for stage, channels in enumerate(widths):
            layers.append(_InvertedResidual(channels_in, channels, 1 if stage == 0 else 2, 4))
            layers.append(_InvertedResidual(channels, channels, 1, 4))
            channels_in = channels
        super().__init__([*layers, *_conv_bn(channels_in, feature_dim, 1), nn.ReLU6()], feature_dim, num_classes)


class _MixerBlock(nn.Module):
    """One mix over positions, one over channels, each behind a layer normalisation."""

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.positions = nn.Sequential(nn.Linear(tokens, tokens), nn.GELU(), nn.Linear(tokens, tokens))
        self.channels = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.positions(self.norm1(x).transpose(1, 2)).transpose(1, 2)  # (batch, tokens, dim)
        return x + self.channels(self.norm2(x))


class MiniatureMixer(Network):
    """MLP-Mixer (Tolstikhin et al. 2021) on 4 px patches: layer normalisation only, no batch statistics.

    Raises:
        ValueError: ``in_size_px`` is not a multiple of the patch.
    """

    def __init__(self, num_classes: int, in_size_px: int = 32, dim: int = 96, depth: int = 4) -> None:
        super().__init__()
        patch_px = 4
        if in_size_px % patch_px:
            raise ValueError(f"in_size_px={in_size_px} is not a multiple of the patch of {patch_px} px")
        self.feature_dim = dim
        # Overlapping patches: with few images a linear 4 px patch alone learns edges slowly.
        self.stem = nn.Conv2d(3, dim, 2 * patch_px - 1, patch_px, patch_px - 1)
        tokens = (in_size_px // patch_px) ** 2
        self.blocks = nn.Sequential(*(_MixerBlock(tokens, dim) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.linear = nn.Linear(dim, num_classes)

    def features(self, x: Tensor) -> Tensor:
        tokens = self.stem(x).flatten(2).transpose(1, 2)  # (batch, tokens, dim)
        return self.norm(self.blocks(tokens)).mean(dim=1)


class MiniatureStudent(_ConvTrunk):
    """Four strided convolutions with batch normalisation: what fits where the teacher does not."""

    def __init__(self, num_classes: int, widths: tuple[int, ...] = (16, 32, 48, 64)) -> None:
        layers: list[nn.Module] = []
        channels_in = 3
        for stage, channels in enumerate(widths):
            layers += [*_conv_bn(channels_in, channels, 3, 1 if stage == len(widths) - 1 else 2), nn.ReLU()]
            channels_in = channels
        super().__init__(layers, widths[-1], num_classes)
