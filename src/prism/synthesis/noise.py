"""What a step of any diffusers scheduler says about the clean latent, and how to hand back a bent one.

All schedulers of the variance-preserving family are covered by one view: at step ``i`` the model sees
``a z0 + s eps`` with ``a^2 + s^2 = 1``. Those in sigma space (Euler, DPM-Solver++) reach it by
``scale_model_input``.
"""

from dataclasses import dataclass

import torch
from diffusers import SchedulerMixin
from torch import Tensor

SMALLEST = 1e-4  # of a and s: with zero terminal SNR the first step has a = 0


@dataclass(frozen=True)
class Level:
    """Signal and noise amplitudes of one step, and what the U-Net predicts."""

    a: float
    s: float
    prediction: str

    def clean(self, noisy: Tensor, output: Tensor) -> Tensor:
        """The predicted clean latent, from the model's scaled input and its output."""
        if self.prediction == "v_prediction":
            return self.a * noisy - self.s * output
        if self.prediction == "epsilon":
            return (noisy - self.s * output) / self.a
        return output

    def shifted(self, output: Tensor, shift: Tensor) -> Tensor:
        """The model output whose predicted clean latent is ``shift`` further: any scheduler can then step."""
        if self.prediction == "v_prediction":
            return output - shift / self.s
        if self.prediction == "epsilon":
            return output - shift * (self.a / self.s)
        return output + shift


def levels(scheduler: SchedulerMixin) -> list[Level]:
    """The level of each step of ``scheduler``, whose timesteps are set."""
    prediction = scheduler.config.get("prediction_type", "epsilon")
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is not None and len(sigmas) == len(scheduler.timesteps) + 1:
        signal = 1 / (1 + torch.as_tensor(sigmas[:-1], dtype=torch.float64) ** 2)
    else:
        steps = scheduler.timesteps.long().cpu()
        signal = scheduler.alphas_cumprod.double()[steps]
    return [Level(max(float(x) ** 0.5, SMALLEST), max(float(1 - x) ** 0.5, SMALLEST), prediction) for x in signal]
