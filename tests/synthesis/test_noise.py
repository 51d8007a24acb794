"""One view of all schedulers: the predicted clean latent, and a model output that moves it by a given shift."""

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, UniPCMultistepScheduler

from prism.synthesis.noise import Level, levels

SCHEDULERS = (DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, UniPCMultistepScheduler)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_shifted_output_moves_the_clean_latent_by_the_shift(prediction):
    level = Level(0.6, 0.8, prediction)
    noisy, output, shift = torch.randn(3, 2, 4, 8, 8)
    torch.testing.assert_close(
        level.clean(noisy, level.shifted(output, shift)), level.clean(noisy, output) + shift, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_clean_latent_is_recovered_from_the_true_prediction(prediction):
    level = Level(0.6, 0.8, prediction)
    clean, eps = torch.randn(2, 1, 4, 8, 8)
    output = {"epsilon": eps, "v_prediction": 0.6 * eps - 0.8 * clean, "sample": clean}[prediction]
    torch.testing.assert_close(level.clean(0.6 * clean + 0.8 * eps, output), clean)


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_a_perfect_model_ends_at_the_clean_latent_under_every_scheduler(kind):
    """The output that Level makes from the truth leads each scheduler to the truth."""
    scheduler = kind.from_config(
        {
            "prediction_type": "epsilon",
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "clip_sample": False,
        }
    )
    scheduler.set_timesteps(10)
    target = torch.randn(1, 4, 8, 8)
    latents = torch.randn(1, 4, 8, 8) * scheduler.init_noise_sigma
    for level, timestep in zip(levels(scheduler), scheduler.timesteps, strict=True):
        noisy = scheduler.scale_model_input(latents, timestep)
        guess = torch.zeros_like(latents)
        output = level.shifted(guess, target - level.clean(noisy, guess))
        latents = scheduler.step(output, timestep, latents).prev_sample
    torch.testing.assert_close(latents, target, atol=0.05, rtol=0)


def test_ddim_predicts_the_same_clean_latent():
    scheduler = DDIMScheduler(prediction_type="v_prediction", clip_sample=False)
    scheduler.set_timesteps(7)
    noisy, output = torch.randn(2, 2, 4, 8, 8)
    for level, timestep in zip(levels(scheduler), scheduler.timesteps, strict=True):
        expected = scheduler.step(output, timestep, noisy).pred_original_sample
        torch.testing.assert_close(level.clean(noisy, output), expected, atol=1e-4, rtol=1e-4)
