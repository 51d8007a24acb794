"""The guided sampler on random models: agreement with diffusers, independence of the batch, true gradients."""

import pytest
import torch
from diffusers import StableDiffusionPipeline

from prism.guidance import Term, free
from prism.models.diffusion import TextToImage, load_text_to_image
from prism.seeds import generator
from prism.synthesis.sampler import Sampler, SamplerSettings

PROMPTS = ["a photo of a crane", "a photo of a bat", "a crane, a wading bird", "a photo of a mouse"]
LABELS = torch.tensor([0, 1, 0, 2])
SEEDS = [11, 22, 33, 44]


def sample(model, teacher, terms=(), steps=6, rows=(0, 1, 2, 3), scale=3.0):
    sampler = Sampler(model, teacher, SamplerSettings(steps, scale, tuple(terms)))
    rows = list(rows)
    return sampler.sample([PROMPTS[r] for r in rows], LABELS[rows], [SEEDS[r] for r in rows], size_px=32)


def test_without_guidance_the_images_are_those_of_diffusers_own_pipeline(model, random_models):
    pipe = StableDiffusionPipeline.from_pretrained(
        random_models / "text-to-image", safety_checker=None, low_cpu_mem_usage=False
    )
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        PROMPTS,
        num_inference_steps=6,
        guidance_scale=3.0,
        generator=[generator(seed) for seed in SEEDS],
        height=32,
        width=32,
        output_type="pt",
    ).images
    torch.testing.assert_close(sample(model, None), theirs, atol=2e-3, rtol=0)


@pytest.mark.parametrize("terms", [(), (Term("joint", 0.3, (0.0, 1.0)),)], ids=["unguided", "guided"])
def test_an_image_does_not_depend_on_its_batch(model, teacher, terms):
    together = sample(model, teacher, terms)
    alone = torch.cat([sample(model, teacher, terms, rows=[row]) for row in range(4)])
    shuffled = sample(model, teacher, terms, rows=[2, 0, 3, 1])[[1, 3, 0, 2]]
    torch.testing.assert_close(together, alone, atol=2e-3, rtol=0)
    torch.testing.assert_close(together, shuffled, atol=2e-3, rtol=0)


def test_the_seed_makes_the_image(model):
    again = sample(model, None)
    torch.testing.assert_close(sample(model, None), again, atol=0, rtol=0)
    assert not torch.allclose(again[0], again[2], atol=1e-2)


@pytest.mark.parametrize("through", ["clean", "noisy", "raw"])
@pytest.mark.parametrize("decoder", ["full", "tiny"])
def test_guidance_moves_the_predicted_latent_by_its_scale_relative_to_the_classifier_free_update(
    model, teacher, through, decoder
):
    """Only the first step is guided, so both runs see the same prediction there."""
    trails = {}
    for scale in (0.0, 0.5):
        term = Term("joint", scale, (0.0, 0.1), through=through, decoder=decoder)
        sampler = Sampler(model, teacher, SamplerSettings(4, 3.0, (term,)))
        trail = trails.setdefault(scale, [])
        sampler.sample(PROMPTS, LABELS, SEEDS, size_px=32, on_step=lambda step, z0, trail=trail: trail.append(z0))
    moved = (trails[0.5][0] - trails[0.0][0]).flatten(1).norm(dim=1)
    cond = Sampler(model, teacher, SamplerSettings(4, 1.0)), []
    uncond = Sampler(model, teacher, SamplerSettings(4, 0.0)), []
    for sampler, trail in (cond, uncond):
        sampler.sample(PROMPTS, LABELS, SEEDS, size_px=32, on_step=lambda step, z0, trail=trail: trail.append(z0))
    update = 3.0 * (cond[1][0] - uncond[1][0]).flatten(1).norm(dim=1)
    torch.testing.assert_close(moved, 0.5 * update, rtol=2e-2, atol=1e-4)


@pytest.mark.parametrize("through", ["clean", "noisy"])
def test_guidance_lowers_the_energy(model, teacher, through):
    term = Term("free", 0.5, (0.0, 1.0), through=through, decoder="full")
    with torch.no_grad():
        before = free(teacher(sample(model, teacher)), LABELS)
        after = free(teacher(sample(model, teacher, [term])), LABELS)
    assert after.mean() < before.mean()


def test_a_hinge_above_every_energy_leaves_the_images_alone(model, teacher):
    pushed = sample(model, teacher, [Term("free", 0.5, (0.0, 1.0))])
    kept = sample(model, teacher, [Term("free", 0.5, (0.0, 1.0), hinge=1e6)])
    torch.testing.assert_close(kept, sample(model, teacher), atol=1e-5, rtol=0)
    assert not torch.allclose(pushed, kept, atol=1e-3)


@pytest.mark.parametrize("decoder", ["full", "tiny"])
def test_gradient_through_the_decoder_matches_finite_differences_in_float64(model, teacher, decoder):
    teacher.double()
    model.vae.double()
    model.tiny.double()
    torch.manual_seed(1)
    latent = 0.3 * torch.randn(2, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([3, 7])

    def energy(z):
        return (-teacher(model.decode(z, decoder)).gather(1, labels[:, None])).sum()

    (gradient,) = torch.autograd.grad(energy(latent), latent)
    assert torch.isfinite(gradient).all() and (gradient.flatten(1).norm(dim=1) > 0).all()
    direction = torch.randn_like(latent)
    direction /= direction.norm()
    step = 1e-6
    with torch.no_grad():
        slope = (energy(latent + step * direction) - energy(latent - step * direction)) / (2 * step)
    assert float(slope) == pytest.approx(float((gradient * direction).sum()), rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("scheduler", ["dpm-solver++", "pipeline"])
def test_other_schedulers_sample_and_are_guided(config, teacher, scheduler):
    settings = config.diffusion.model_copy(update={"scheduler": scheduler})
    other = load_text_to_image(settings, torch.device("cpu"))
    plain = sample(other, teacher)
    guided = sample(other, teacher, [Term("free", 0.5, (0.0, 1.0))])
    assert plain.shape == (4, 3, 32, 32) and torch.isfinite(plain).all()
    assert not torch.allclose(plain, guided, atol=1e-3)


def test_terms_without_a_teacher_are_refused(model):
    with pytest.raises(ValueError, match="teacher"):
        Sampler(model, None, SamplerSettings(4, 3.0, (Term("free", 0.1),)))


def test_an_unknown_energy_is_named(model, teacher):
    with pytest.raises(ValueError, match="'fre'.*free"):
        Sampler(model, teacher, SamplerSettings(4, 3.0, (Term("fre", 0.1),)))


class Small:
    """A device that holds ``images`` images in the U-Net, as both halves of the guidance, and in the decoder."""

    def __init__(self, images, monkeypatch):
        self.images, self.sizes = images, []
        for name, rows in (("denoise", 2), ("decode", 1)):
            monkeypatch.setattr(TextToImage, name, self.checked(getattr(TextToImage, name), rows))

    def checked(self, function, rows):
        def call(model, latents, *rest):
            self.sizes.append(len(latents) // rows)
            if self.sizes[-1] > self.images:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return function(model, latents, *rest)

        return call


@pytest.mark.parametrize("through", ["none", "clean", "noisy"])
def test_where_memory_runs_out_fewer_are_drawn_at_once_and_the_images_stay(model, teacher, monkeypatch, through):
    terms = () if through == "none" else (Term("joint", 0.5, (0.0, 1.0), through=through),)
    whole = sample(model, teacher, terms)
    small = Small(2, monkeypatch)
    sampler = Sampler(model, teacher, SamplerSettings(6, 3.0, terms))
    pieces = sampler.sample(PROMPTS, LABELS, SEEDS, size_px=32)
    assert sampler.pieces.facts() == {"rows_at_once": 2} and small.sizes.count(4) == 1
    torch.testing.assert_close((pieces * 255).round(), (whole * 255).round(), atol=1, rtol=0)
    torch.testing.assert_close(pieces, whole, atol=2e-3, rtol=0)


def test_batches_whose_statistics_are_read_are_never_cut(model, teacher, monkeypatch):
    small = Small(2, monkeypatch)
    sampler = Sampler(
        model, teacher, SamplerSettings(2, 3.0, (Term("batch-norm", 0.5, (0.0, 1.0), statistics="batch"),))
    )
    with pytest.raises(torch.OutOfMemoryError):
        sampler.sample(PROMPTS, LABELS, SEEDS, size_px=32)
    assert small.sizes == [4]
