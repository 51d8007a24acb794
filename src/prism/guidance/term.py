"""One guidance term: which energy, how strongly, and in which part of the sampling."""

from dataclasses import dataclass

from torch import Tensor

THROUGH = ("clean", "noisy", "raw")
DECODERS = ("full", "tiny")


@dataclass(frozen=True)
class Term:
    """An energy's place in the sampler.

    Attributes:
        energy: a name of ``prism.guidance.ENERGIES``.
        scale: length of the push on the predicted clean latent, relative to the classifier-free update's;
            typically 0.05 to 0.5.
        interval: [start, stop) as fractions of the sampling, 0 being pure noise.
        every: guide each so many steps, counted from the start of the sampling.
        hinge: energy at or below which an image is left alone; None pushes always.
        temperature: of the energy.
        through: where the gradient is taken: ``clean``, the predicted clean latent (MPGD, no U-Net backward);
            ``noisy``, the noisy latent through the U-Net (FreeDoM); ``raw``, the noisy latent decoded as it is
            (DDIS's released code).
        decoder: ``full`` or ``tiny``, the decoder in the gradient's way.

    Raises:
        ValueError: a value is out of its range.
    """

    energy: str
    scale: float
    interval: tuple[float, float] = (0.3, 0.7)
    every: int = 1
    hinge: float | None = None
    temperature: float = 1.0
    through: str = "clean"
    decoder: str = "tiny"

    def __post_init__(self) -> None:
        start, stop = self.interval
        if not 0 <= start < stop <= 1:
            raise ValueError(f"interval={self.interval} should be (start, stop) with 0 <= start < stop <= 1")
        if self.scale < 0:
            raise ValueError(f"scale={self.scale} should be at least 0")
        if self.every < 1:
            raise ValueError(f"every={self.every} should be at least 1")
        if self.temperature <= 0:
            raise ValueError(f"temperature={self.temperature} should be above 0")
        if self.through not in THROUGH:
            raise ValueError(f"through={self.through!r} should be one of {', '.join(THROUGH)}")
        if self.decoder not in DECODERS:
            raise ValueError(f"decoder={self.decoder!r} should be one of {', '.join(DECODERS)}")

    def active(self, step: int, steps: int) -> bool:
        """Whether the term acts at ``step`` (0-based) of ``steps``."""
        start, stop = self.interval
        return self.scale > 0 and start <= step / steps < stop and step % self.every == 0


def hinged(energy: Tensor, reference: float | None) -> Tensor:
    """``relu(E - reference)``: no push at or below the reference, which guards recall (Liu et al. 2020, 3.2)."""
    return energy if reference is None else (energy - reference).clamp(min=0)
