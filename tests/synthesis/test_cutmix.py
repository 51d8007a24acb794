"""Latent CutMix: where boxes come from, and labels whose shares are the areas."""

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, HeunDiscreteScheduler

from prism.config import CutMixConfig
from prism.errors import ModelError
from prism.synthesis.cutmix import Mixture, check_single_step, draw_box
from prism.synthesis.sampler import Sampler, SamplerSettings

LABELS = [0, 1, 0, 1, 0, 2]
SEEDS = [5, 6, 7, 8, 9, 10]
STEPS = 11


def mixture(**settings):
    return Mixture(CutMixConfig(every=3, **settings), LABELS, SEEDS, steps=STEPS, key=1)


def mixed(mixture, side=8):
    """Latents that say which row each place came from, after all steps."""
    latents = torch.arange(6.0)[:, None, None, None].expand(6, 4, side, side).contiguous()
    for step in range(STEPS):
        latents = mixture.apply(step, latents)
    return latents


@pytest.mark.parametrize("partners", ["same-class", "any"])
def test_shares_are_the_areas_of_the_boxes_in_latents_and_in_pixels(partners):
    made = mixture(partners=partners)
    latents = mixed(made)
    classes, shares = made.shares()
    pixels = torch.nn.functional.interpolate(latents, scale_factor=4, mode="nearest")  # a decoder that invents nothing
    for row in range(6):
        foreign = (latents[row, 0] != row).double().mean().item()
        assert shares[row] == pytest.approx(foreign)
        assert shares[row] == pytest.approx((pixels[row, 0] != row).double().mean().item())
        held = {LABELS[int(origin)] for origin in latents[row].unique()}
        assert held <= {LABELS[row], int(classes[row])}
    assert (shares > 0).any()


def test_partners_of_the_same_class_leave_the_label_and_a_single_image_of_a_class_as_it_is():
    made = mixture(partners="same-class")
    latents = mixed(made)
    classes, shares = made.shares()
    assert classes.tolist() == LABELS
    assert shares[5] == 0 and (latents[5] == 5).all()
    assert all(made.partners(step)[row] != row for step in (3, 6, 9) for row in range(5))


def test_pairs_of_any_class_take_from_each_other_alone():
    made = mixture(partners="any")
    partners = made.partners(3)
    assert [partners[partner] for partner in partners] == list(range(6)) and partners == made.partners(6)
    latents = mixed(made)
    for row, partner in enumerate(partners):
        assert set(latents[row].unique().tolist()) <= {float(row), float(partner)}


def test_mixing_comes_every_so_many_steps_but_never_first_or_last():
    made = mixture(partners="any")
    latents = torch.randn(6, 4, 8, 8)
    changed = [step for step in range(STEPS) if made.apply(step, latents) is not latents]
    assert changed == [3, 6, 9]
    last = Mixture(CutMixConfig(every=5), LABELS, SEEDS, steps=STEPS, key=1)
    assert [step for step in range(STEPS) if last.apply(step, latents) is not latents] == [5]


def test_boxes_follow_from_seed_and_step_alone():
    one, other = mixed(mixture()), mixed(mixture())
    assert torch.equal(one, other)
    reseeded = mixed(Mixture(CutMixConfig(every=3), LABELS, [*SEEDS[:4], 99, SEEDS[5]], steps=STEPS, key=1))
    assert not torch.equal(reseeded[4], one[4])
    assert torch.equal(reseeded[[1, 3, 5]], one[[1, 3, 5]]), "images of other classes do not meet it"


def test_boxes_lie_inside_and_have_the_area_that_is_drawn():
    """With s the box's side, s^2 uniform, and its centre uniform, s - s^2 / 4 is inside in expectation, each way:
    the mean of (s - s^2 / 4)^2 is 1/2 - 1/5 + 1/48.
    """
    areas = []
    for seed in range(400):
        top, bottom, left, right = draw_box(np.random.default_rng(seed), 1.0, 16, 16)
        assert 0 <= top <= bottom <= 16 and 0 <= left <= right <= 16
        areas.append((bottom - top) * (right - left) / 256)
    assert np.mean(areas) == pytest.approx(1 / 2 - 1 / 5 + 1 / 48, abs=0.05) and max(areas) > 0.8


def test_a_scheduler_that_steps_by_earlier_predictions_is_refused(model):
    with pytest.raises(ModelError, match="DPMSolverMultistepScheduler, which steps by what it kept"):
        check_single_step(DPMSolverMultistepScheduler())
    with pytest.raises(ModelError, match="HeunDiscreteScheduler"):
        check_single_step(HeunDiscreteScheduler())
    check_single_step(model.scheduler)


def test_mixed_images_are_sampled_to_the_end(model):
    sampler = Sampler(model, None, SamplerSettings(5, 3.0, cutmix=CutMixConfig(every=2, partners="any")))
    prompts, labels = ["a photo of a crane", "a photo of a bat"], torch.tensor([0, 1])
    plain = sampler.sample(prompts, labels, SEEDS[:2], size_px=32)
    made = Mixture(CutMixConfig(every=2, partners="any"), [0, 1], SEEDS[:2], steps=5, key=1)
    images = sampler.sample(prompts, labels, SEEDS[:2], size_px=32, mixture=made)
    assert torch.isfinite(images).all() and not torch.allclose(images, plain, atol=1e-2)
    assert made.owner(8, 8).shape == (2, 8, 8)
