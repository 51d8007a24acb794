"""Published forms of guidance on random models: what moves, by how much, and true gradients all the way."""

import copy
from dataclasses import replace

import pytest
import torch
from diffusers import PNDMScheduler

from prism.guidance import ENERGIES, Term, batch_norm
from prism.models.diffusion import TextToImage
from prism.models.statistics import StatisticsRecorder
from prism.seeds import generator
from prism.synthesis.noise import levels
from prism.synthesis.sampler import Sampler, SamplerSettings

PROMPTS = ["a photo of a crane", "a photo of a bat", "a crane, a wading bird"]
LABELS = torch.tensor([0, 1, 0])
SEEDS = [11, 22, 33]
STEPS = 4
DDIS = Term("batch-norm", 5e-4, (0.0, 0.1), through="raw", moves="noisy", step="absolute", decoder="full")
DIFFDFKD = tuple(
    Term(energy, scale, (0.0, 0.1), through="noisy", moves="noisy", step="absolute", decoder="full")
    for energy, scale in (("cross-entropy", 1.0), ("batch-norm", 0.1), ("adversarial", 1.0))
)


def half_as_sure(teacher):
    """A student that names the teacher's classes with half of its logits."""
    student = copy.deepcopy(teacher)
    for parameter in student.network.linear.parameters():
        parameter.data.mul_(0.5)
    return student


def sampler_of(model, teacher, *terms):
    made = Sampler(model, teacher, SamplerSettings(STEPS, 3.0, tuple(terms)))
    made.student = half_as_sure(teacher)
    return made


def trail(model, teacher, *terms):
    """Predicted clean latents of each step, after guidance."""
    found = []
    sampler_of(model, teacher, *terms).sample(
        PROMPTS, LABELS, SEEDS, size_px=32, on_step=lambda step, z0: found.append(z0)
    )
    return found


@pytest.fixture
def seen(monkeypatch):
    """The latents that the U-Net is asked about, without the copy for classifier-free guidance."""
    asked = []
    original = TextToImage.denoise

    def denoise(self, latents, timestep, embeddings):
        asked.append(latents.detach().chunk(2)[0].clone())
        return original(self, latents, timestep, embeddings)

    monkeypatch.setattr(TextToImage, "denoise", denoise)
    return asked


@pytest.fixture
def in_float64(model, teacher, monkeypatch):
    """Networks in float64, and no way back from it."""
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)
    for part in (teacher, model.vae, model.tiny, model.unet):
        part.double()


def slope(energy, at, direction, step=1e-6):
    with torch.no_grad():
        return float((energy(at + step * direction) - energy(at - step * direction)) / (2 * step))


def random_direction(like, seed=2):
    direction = torch.randn(like.shape, dtype=like.dtype, generator=generator(seed))
    return direction / direction.norm()


@pytest.mark.parametrize("decoder", ["full", "tiny"])
@pytest.mark.parametrize(
    ("name", "statistics"), [*((name, "image") for name in ENERGIES), ("batch-norm", "batch")], ids=str
)
def test_every_energy_s_gradient_through_the_decoder_is_that_of_finite_differences(
    model, teacher, in_float64, decoder, name, statistics
):
    term = Term(name, 1.0, statistics=statistics, decoder=decoder)
    sampler = sampler_of(model, teacher, term)
    latent = 0.3 * torch.randn(3, 4, 8, 8, dtype=torch.float64, generator=generator(1))

    def energy(z):
        return sampler._energies(z, decoder, [term], LABELS)[0].sum()

    variable = latent.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(energy(variable), variable)
    assert torch.isfinite(gradient).all() and (gradient.flatten(1).norm(dim=1) > 0).all()
    direction = random_direction(latent)
    assert slope(energy, latent, direction) == pytest.approx(float((gradient * direction).sum()), rel=1e-3, abs=1e-9)


def test_diffdfkd_s_gradient_reaches_the_noisy_latent_through_the_u_net(model, teacher, in_float64):
    """Their release asks for it where the clean latent was predicted without a graph, and so cannot run."""
    sampler = sampler_of(model, teacher, *DIFFDFKD)
    scheduler = copy.deepcopy(model.scheduler)
    scheduler.set_timesteps(STEPS)
    timestep, level = scheduler.timesteps[1], levels(scheduler)[1]
    embeddings = torch.cat([model.embed([""] * 3), model.embed(PROMPTS)]).double()
    noisy = torch.randn(3, 4, 8, 8, dtype=torch.float64, generator=generator(3))

    def energy(z):
        uncond, cond = model.unet(torch.cat([z, z]), timestep, encoder_hidden_states=embeddings, return_dict=False)[
            0
        ].chunk(2)
        images = model.decode(level.clean(z, uncond + 3.0 * (cond - uncond))).clamp(0, 1)
        with StatisticsRecorder(teacher, scope="image") as recorder:
            logits = teacher(images)
        disagreement = sampler.student(images).log_softmax(dim=1)
        agreed = (logits.argmax(dim=1) == disagreement.argmax(dim=1)).double()
        divergence = (logits.softmax(dim=1) * (logits.log_softmax(dim=1) - disagreement)).sum(dim=1)
        likelihood = logits.log_softmax(dim=1).gather(1, LABELS[:, None]).squeeze(1)
        return (-likelihood + 0.1 * batch_norm(recorder.statistics) - agreed * divergence).sum()

    with torch.no_grad():  # as in sample()
        shift = sampler._noisy_shift(noisy, timestep, embeddings, level, list(DIFFDFKD), LABELS)
    assert torch.isfinite(shift).all() and (shift.flatten(1).norm(dim=1) > 0).all()
    direction = random_direction(noisy)
    assert -float((shift * direction).sum()) == pytest.approx(slope(energy, noisy, direction), rel=1e-3)


def test_diffdfkd_moves_the_noisy_latent_and_asks_the_u_net_again(model, teacher, seen):
    trail(model, teacher, *DIFFDFKD)
    assert len(seen) == STEPS + 1, "one step is guided, and predicted twice"
    first, moved = seen[:2]
    sampler = sampler_of(model, teacher, *DIFFDFKD)
    scheduler = copy.deepcopy(model.scheduler)
    scheduler.set_timesteps(STEPS)
    embeddings = torch.cat([model.embed([""] * 3), model.embed(PROMPTS)])
    with torch.no_grad():
        alone = sum(
            sampler._noisy_shift(first, scheduler.timesteps[0], embeddings, levels(scheduler)[0], [term], LABELS)
            for term in DIFFDFKD
        )
    torch.testing.assert_close(moved - first, alone, atol=1e-5, rtol=1e-3)


def test_ddis_as_released_decodes_the_noisy_latent_and_moves_it_before_the_u_net_sees_it(model, teacher, seen):
    term = Term(**{**vars(DDIS), "scale": 0.5})  # large enough to be seen in fp32
    trail(model, teacher, term)
    assert len(seen) == STEPS
    noise = torch.stack([torch.randn(4, 8, 8, generator=generator(seed)) for seed in SEEDS])
    for row in range(3):  # a batch of one each, as released
        variable = noise[row : row + 1].clone().requires_grad_()
        with StatisticsRecorder(teacher) as recorder:
            teacher(model.decode(variable).clamp(0, 1))
        (gradient,) = torch.autograd.grad(batch_norm(recorder.statistics), variable)
        assert gradient.norm() > 0
        torch.testing.assert_close(seen[0][row : row + 1], variable.detach() - 0.5 * gradient, atol=1e-5, rtol=1e-4)


def test_an_absolute_step_moves_the_clean_latent_by_scale_times_the_gradient(model, teacher):
    term = Term("batch-norm", 0.5, (0.0, 0.1), step="absolute", decoder="full")
    before = trail(model, teacher)[0].clone().requires_grad_()
    with StatisticsRecorder(teacher, scope="image") as recorder:
        teacher(model.decode(before).clamp(0, 1))
    (gradient,) = torch.autograd.grad(batch_norm(recorder.statistics).sum(), before)
    after = trail(model, teacher, term)[0]
    torch.testing.assert_close(after, before.detach() - 0.5 * gradient, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("through", ["clean", "noisy", "raw"])
def test_a_relative_step_of_the_noisy_latent_is_the_clean_one_s_by_the_signal(model, teacher, seen, through):
    trail(model, teacher, Term("joint", 0.5, (0.0, 0.1), through=through, moves="noisy"))
    first, moved = seen[:2]
    guided = trail(model, teacher, Term("joint", 0.5, (0.0, 0.1), through=through))
    push = (guided[0] - trail(model, teacher)[0]).flatten(1).norm(dim=1)
    scheduler = copy.deepcopy(model.scheduler)
    scheduler.set_timesteps(STEPS)
    expected = levels(scheduler)[0].a * push
    torch.testing.assert_close((moved - first).flatten(1).norm(dim=1), expected, rtol=2e-2, atol=1e-4)


def test_energy_is_zero_where_every_layer_meets_its_running_statistics(model, teacher, in_float64):
    def learn(layer, inputs):
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)

    latent = 0.3 * torch.randn(3, 4, 8, 8, dtype=torch.float64, generator=generator(1))
    term = Term("batch-norm", 1.0, statistics="batch", decoder="full")
    sampler = sampler_of(model, teacher, term)
    layers = [module for module in teacher.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    handles = [layer.register_forward_pre_hook(learn) for layer in layers]
    with torch.no_grad():
        teacher(model.decode(latent).clamp(0, 1))
        for handle in handles:
            handle.remove()
        energies = sampler._energies(latent, "full", [term], LABELS)[0]
    assert energies.tolist() == pytest.approx([0, 0, 0], abs=1e-8)


def test_statistics_of_each_image_leave_it_independent_of_its_batch_and_those_of_the_batch_do_not(model, teacher):
    for scope, same in (("image", True), ("batch", False)):
        term = Term("batch-norm", 0.5, (0.0, 1.0), statistics=scope)
        sampler = sampler_of(model, teacher, term)
        together = sampler.sample(PROMPTS, LABELS, SEEDS, size_px=32)
        alone = sampler.sample(PROMPTS[:1], LABELS[:1], SEEDS[:1], size_px=32)
        assert torch.allclose(together[:1], alone, atol=2e-3) == same, scope


def test_guidance_by_statistics_lowers_their_distance(model, teacher):
    def distance(images):
        with torch.no_grad(), StatisticsRecorder(teacher, scope="image") as recorder:
            teacher(images)
        return batch_norm(recorder.statistics).mean()

    plain, guided = (
        sampler_of(model, teacher, *terms).sample(PROMPTS, LABELS, SEEDS, size_px=32)
        for terms in ((), (Term("batch-norm", 0.5, (0.0, 1.0), decoder="full"),))
    )
    assert distance(guided) < distance(plain)


def test_the_adversarial_energy_rests_until_there_is_a_student(model, teacher):
    term = Term("adversarial", 1.0, (0.0, 1.0))
    sampler = sampler_of(model, teacher, term)
    acting = sampler.sample(PROMPTS, LABELS, SEEDS, size_px=32)
    sampler.student = None
    resting = sampler.sample(PROMPTS, LABELS, SEEDS, size_px=32)
    plain = sampler_of(model, teacher).sample(PROMPTS, LABELS, SEEDS, size_px=32)
    assert torch.equal(resting, plain) and not torch.allclose(acting, plain, atol=1e-4)


def test_a_scheduler_that_asks_more_often_than_there_are_steps_is_guided_to_its_end(model, teacher, monkeypatch):
    """PNDM, Stable Diffusion's own, asks once more than there are steps: the last call is its last step."""
    pndm = replace(model, scheduler=PNDMScheduler.from_config(model.scheduler.config, skip_prk_steps=True))
    calls, acting = [], []
    active = Term.active
    monkeypatch.setattr(Term, "active", lambda self, *at: acting.append((at[0], active(self, *at))) or acting[-1][1])
    term = Term("cross-entropy", 1.0, (0.0, 1.0), last_step=False, moves="noisy", step="absolute")
    sampler_of(pndm, teacher, term).sample(
        PROMPTS, LABELS, SEEDS, size_px=32, on_step=lambda step, z0: calls.append(step)
    )
    assert calls == list(range(STEPS + 1))
    assert sorted(set(acting)) == [*((step, True) for step in range(STEPS)), (STEPS, False)]


def test_published_recipes_are_those_of_the_papers(config):
    """Steps and weights of the fact sheet; the last step is left out, whatever their number."""
    released, paper = (config.methods[name].guidance[0] for name in ("ddis-dag-released", "ddis-dag-paper"))
    assert (released.scale, released.step, released.through, released.moves) == (5e-4, "absolute", "raw", "noisy")
    assert (paper.scale, paper.step, paper.through, paper.moves) == (5e-4, "absolute", "clean", "noisy")
    terms = {term.energy: term for term in config.methods["diffdfkd"].guidance}
    assert {name: term.scale for name, term in terms.items()} == {
        "cross-entropy": 1.0,
        "batch-norm": 0.1,
        "adversarial": 1.0,
    }
    for term in (released, *terms.values()):
        acting = Term(**term.model_dump())
        for steps in (1, 10, 25, 50):
            assert [acting.active(step, steps) for step in range(steps)] == [True] * (steps - 1) + [False]
