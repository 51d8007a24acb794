"""One guidance term: which energy, how strongly, and in which part of the sampling."""

from dataclasses import dataclass

from torch import Tensor

CHOICES = {
    "through": ("clean", "noisy", "raw"),
    "decoder": ("full", "tiny"),
    "step": ("relative", "absolute"),
    "moves": ("clean", "noisy"),
    "statistics": ("image", "batch"),
}


@dataclass(frozen=True)
class Term:
    """An energy's place in the sampler.

    Attributes:
        energy: a name of ``prism.guidance.ENERGIES``, or of one of the user's own as the configuration writes it.
        scale: with step ``relative``, the length of the push relative to the classifier-free update's, typically
            0.05 to 0.5; with ``absolute``, the factor of the gradient.
        interval: [start, stop) as fractions of the sampling, 0 being pure noise.
        every: guide each so many steps, counted from the start of the sampling.
        last_step: whether the last step of the sampling is guided too, where the interval has it.
        hinge: energy at or below which an image is left alone; None pushes always.
        temperature: of the energy.
        through: where the gradient is taken: ``clean``, the predicted clean latent (MPGD, no U-Net backward);
            ``noisy``, the noisy latent through the U-Net (FreeDoM); ``raw``, the noisy latent decoded as it is
            (DDIS's released code).
        decoder: ``full`` or ``tiny``, the decoder in the gradient's way.
        step: ``relative``, a push of that length whatever the gradient's; ``absolute``, scale times the
            gradient, as in DDIS and DiffDFKD.
        moves: what is pushed: ``clean``, the predicted clean latent, after classifier-free guidance; ``noisy``,
            the noisy latent, before it, so that the U-Net sees the pushed one (DDIS, DiffDFKD).
        statistics: of energy ``batch-norm``: ``image``, each image's own over space (a batch of one, as
            released); ``batch``, over the batch, which makes an image depend on its batch.
        first_weight: of energy ``batch-norm``, the weight of the teacher's first BatchNorm layer.

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
    step: str = "relative"
    moves: str = "clean"
    statistics: str = "image"
    first_weight: float = 1.0
    last_step: bool = True

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
        if self.first_weight < 0:
            raise ValueError(f"first_weight={self.first_weight} should be at least 0")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)!r} should be one of {', '.join(choices)}")

    def active(self, step: int, steps: int) -> bool:
        """Whether the term acts at ``step`` (0-based) of ``steps``."""
        start, stop = self.interval
        acts = start <= step / steps < stop and step % self.every == 0
        return self.scale > 0 and acts and (self.last_step or step < steps - 1)


def hinged(energy: Tensor, reference: float | None) -> Tensor:
    """``relu(E - reference)``: no push at or below the reference, which guards recall (Liu et al. 2020, 3.2)."""
    return energy if reference is None else (energy - reference).clamp(min=0)
