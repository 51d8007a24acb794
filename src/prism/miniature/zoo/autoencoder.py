"""The miniature's image autoencoder: a small ``AutoencoderKL`` (factor 4) and a tiny decoder distilled beside it."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import nn

from prism.miniature.zoo.loop import Losses, Schedule, autocast, train
from prism.models.kernels import tune_for_cpu

LATENT_CHANNELS = 4


def new_autoencoder(size_px: int = 32, channels: int = LATENT_CHANNELS) -> AutoencoderKL:
    """Images in [-1, 1] to latents of a quarter of their side (32x32x3 to 8x8x``channels``) and back."""
    return AutoencoderKL(
        block_out_channels=(32, 64, 96),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=16,
        sample_size=size_px,
        mid_block_add_attention=False,
    )


def new_tiny_autoencoder(channels: int = LATENT_CHANNELS) -> AutoencoderTiny:
    """A decoder (and encoder) with a fraction of the operations, for the guidance path; scaled latents."""
    return AutoencoderTiny(
        latent_channels=channels,
        encoder_block_out_channels=(24, 24, 24),
        decoder_block_out_channels=(24, 24, 24),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
        upsampling_scaling_factor=2,
        scaling_factor=1.0,
        force_upcast=False,
    )


def to_tensor(images: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) in [-1, 1], channels last in memory."""
    return torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def train_autoencoder(
    images: np.ndarray,
    work: Path,
    schedule: Schedule,
    *,
    batch: int = 64,
    channels: int = LATENT_CHANNELS,
    kl_weight: float = 1e-5,
) -> AutoencoderKL:
    """Reconstruction with a small Kullback-Leibler weight, then ``scaling_factor`` set to give unit latents."""
    torch.manual_seed(schedule.seed)
    model = tune_for_cpu(new_autoencoder(images.shape[1], channels))

    @torch.compile
    def round_trip(target: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, logvar = model.quant_conv(model.encoder(target)).chunk(2, dim=1)
        logvar = logvar.clamp(-30, 20)
        return model.decoder(model.post_quant_conv(mean + noise * (0.5 * logvar).exp())), mean, logvar

    def loss_of(rng: np.random.Generator, noise: torch.Generator) -> Losses:
        target = to_tensor(images[np.sort(rng.integers(len(images), size=batch))])
        code_shape = (batch, channels, target.shape[2] // 4, target.shape[3] // 4)
        with autocast(target.device):
            output, mean, logvar = round_trip(target, torch.randn(code_shape, generator=noise))
        # (batch, c, h, w) to a sum over each latent, averaged over images
        divergence = 0.5 * (mean.float() ** 2 + logvar.float().exp() - 1 - logvar.float()).sum(dim=(1, 2, 3)).mean()
        return {**_reconstruction(output.float(), target), "kl": kl_weight * divergence}

    train(model, loss_of, schedule, work, name="autoencoder")
    latents = encode(model, images[:4096])
    model.register_to_config(scaling_factor=round(float(1 / latents.std()), 4))
    return model


@torch.no_grad()
def encode(model: AutoencoderKL, images: np.ndarray, batch: int = 256) -> torch.Tensor:
    """Posterior means (n, c, h/4, w/4), unscaled."""
    parts = []
    for start in range(0, len(images), batch):
        x = to_tensor(images[start : start + batch])
        with autocast(x.device):
            parts.append(model.encode(x).latent_dist.mode().float())
    return torch.cat(parts)


def tune_decoder(model: AutoencoderKL, images: np.ndarray, work: Path, schedule: Schedule, *, batch: int = 64) -> None:
    """Train the decoder on, in place, with the encoder frozen: latents stay what they are."""
    model.train()
    half = _Decoder(model)

    def loss_of(rng: np.random.Generator, noise: torch.Generator) -> Losses:
        target = to_tensor(images[np.sort(rng.integers(len(images), size=batch))])
        with autocast(target.device):
            with torch.no_grad():
                posterior = model.encode(target).latent_dist
            output = half(posterior.mean + 0.5 * posterior.std * torch.randn(posterior.mean.shape, generator=noise))
        return _reconstruction(output.float(), target)

    train(half, loss_of, schedule, work, name="decoder")
    model.eval()


class _Decoder(nn.Module):
    """The decoding half of an autoencoder, sharing its weights."""

    def __init__(self, model: AutoencoderKL) -> None:
        super().__init__()
        self.post_quant_conv, self.decoder = model.post_quant_conv, model.decoder

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(code))


def _reconstruction(output: torch.Tensor, target: torch.Tensor) -> Losses:
    error = output - target
    # Edges are what the classifiers read: the gradient term weighs them above flat fill.
    edges = (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()) / 2
    return {"mse": error.square().mean(), "l1": 0.1 * error.abs().mean(), "edges": 0.1 * edges}


def train_tiny(
    images: np.ndarray, latents: torch.Tensor, work: Path, schedule: Schedule, *, batch: int = 64
) -> AutoencoderTiny:
    """Fit a tiny encoder and decoder to the full ones: ``latents`` (n, c, h/4, w/4) are scaled, of ``images``."""
    torch.manual_seed(schedule.seed)
    tiny = new_tiny_autoencoder(latents.shape[1]).to(memory_format=torch.channels_last)

    def loss_of(rng: np.random.Generator, noise: torch.Generator) -> Losses:
        rows = np.sort(rng.integers(len(images), size=batch))
        target, code = to_tensor(images[rows]), latents[torch.from_numpy(rows)]
        # Guidance decodes predicted clean latents, which are never quite clean.
        jitter = 0.1 * torch.randn(code.shape, generator=noise)
        with autocast(target.device):
            decoded = tiny.decode(code + jitter).sample.float()
            encoded = tiny.encode(target).latents.float()
        return {"decoder": F.mse_loss(decoded, target), "encoder": 0.1 * F.mse_loss(encoded, code)}

    train(tiny, loss_of, schedule, work, name="tiny autoencoder")
    return tiny


def reconstruct(model: nn.Module, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """uint8 images through encoder and decoder."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), batch):
            x = to_tensor(images[start : start + batch])
            z = model.encode(x).latent_dist.mode()
            y = model.decode(z).sample.add(1).mul(127.5).round().clamp(0, 255)
            parts.append(y.permute(0, 2, 3, 1).to(torch.uint8).numpy())
    return np.concatenate(parts)
