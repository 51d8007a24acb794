"""The loop lowers its objective, keeps to valid colours, and goes on from a checkpoint in the same bytes."""

import pytest
import torch
from torch.nn import functional

from prism.inversion import optimise
from prism.inversion.objective import Objective, to_unit
from prism.inversion.optimise import Batch, Inversion

from .conftest import classifier, settings

CPU = torch.device("cpu")


def batch(**fields):
    return Batch(**{"labels": torch.tensor([0, 1, 2] * 3), "seeds": list(range(9)), "seed": 7, **fields})


def inversion(given=None, networks=1, **fields):
    teachers = [classifier(seed, torch.float32) for seed in range(networks)]
    return Inversion(Objective(settings(**fields), teachers), given or batch(), device=CPU)


EVERYTHING = {
    "coarse_iterations": 4,
    "iterations": 9,
    "batch_norm": 0.1,
    "tv_l2": 1e-3,
    "l2": 1e-4,
    "jitter_px": 2,
    "flip": True,
    "crop_scale": [0.3, 1.0],
    "teachers": "rotate",
    "average": 0.4,
    "densification": 1.0,
}
GROWING = {"iterations": 3, "pixels": "unit", "jitter_px": 2, "growth": {"steps": 4, "repeat": 2}}
ANEW = {"iterations": 8, "batch_norm": 0.1, "teachers": "subset", "teachers_drawn": "anew"}


@pytest.mark.parametrize(
    "fields", [{}, {"jitter_px": 3}, {"coarse_iterations": 2}, {"crop_scale": [0.4, 1.0]}], ids=str
)
def test_the_first_step_moves_each_pixel_against_its_own_gradient(fields):
    """Adam's first step is the rate times g / (|g| + eps), whatever the layout in memory."""
    made = inversion(**fields, clip=False, learning_rate=0.1)
    start = made.pixels.detach().clone()
    pixels = start.clone().requires_grad_()
    loss = made.objective(made.views(pixels, 0), made.batch.labels, made.team_of_step[0], pool=made.phase.pool)
    (gradient,) = torch.autograd.grad(loss, pixels)
    made.step(0, 0)
    wanted = -0.1 * gradient / (gradient.abs() + 1e-8)
    torch.testing.assert_close(made.pixels.detach() - start, wanted, rtol=1e-3, atol=1e-4)
    assert int((wanted.abs() > 0.05).sum()) > 100


def test_the_teacher_comes_to_agree():
    made = inversion(iterations=40, learning_rate=0.1)
    teacher, labels = made.objective.primary, made.batch.labels
    teacher.network.linear.weight.mul_(8)  # untrained, it hardly tells one image from another
    before = functional.cross_entropy(teacher(made.images()), labels)
    after = functional.cross_entropy(teacher(made.run()), labels)
    assert float(after) < 0.7 * float(before)


def test_pixels_keep_to_the_valid_range_of_colours():
    made = inversion(iterations=5, learning_rate=5.0)
    made.run()
    unit = to_unit(made.pixels.detach(), made.objective.primary)
    assert float(unit.min()) >= -1e-6 and float(unit.max()) <= 1 + 1e-6
    loose = inversion(iterations=5, learning_rate=5.0, clip=False)
    loose.run()
    assert float(to_unit(loose.pixels.detach(), loose.objective.primary).max()) > 2


@pytest.mark.parametrize("fields", [EVERYTHING, GROWING, ANEW], ids=["everything", "growing", "anew"])
def test_killed_at_any_step_and_run_again_the_bytes_are_those_of_an_uninterrupted_run(fields, tmp_path):
    wanted = inversion(networks=2, **fields).run()
    total = inversion(networks=2, **fields).steps
    for last in range(1, total, 3):
        checkpoint, done = tmp_path / f"{last}.pt", []

        def dies(steps, done=done, last=last):
            done.append(steps)
            if sum(done) == last:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            inversion(networks=2, **fields).run(checkpoint=checkpoint, seconds=0, advance=dies)
        again = []
        got = inversion(networks=2, **fields).run(checkpoint=checkpoint, seconds=1e9, advance=again.append)
        assert torch.equal(got, wanted), f"killed in step {last}"
        assert again[0] == last - 1, "saved before each step, so that one step is lost"
        assert sum(again) == total


def test_a_checkpoint_of_another_batch_is_left_aside(tmp_path, caplog):
    wanted, path = inversion().run(), tmp_path / "batch.pt"
    inversion(batch(seeds=list(range(9, 18)))).run(checkpoint=path, seconds=0)
    assert torch.equal(inversion().run(checkpoint=path), wanted)
    assert "starting anew" in caplog.text


def test_checkpoints_are_written_every_so_many_seconds(tmp_path, monkeypatch):
    clock = iter(range(1000))  # a second a look
    monkeypatch.setattr(optimise.time, "monotonic", lambda: float(next(clock)))
    saved = []
    made = inversion(iterations=20)
    monkeypatch.setattr(made, "_save", lambda path, phase, step: saved.append(step))
    made.run(checkpoint=tmp_path / "batch.pt", seconds=5)
    assert 2 <= len(saved) <= 5 and len(set(saved)) == len(saved)


def test_real_images_are_the_start_where_they_are_given():
    start = torch.rand(9, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for pixels in ("normalised", "unit"):
        made = inversion(batch(start=start), pixels=pixels)
        torch.testing.assert_close(made.images(), start)


def test_an_image_s_noise_is_its_own_and_a_batch_s_draws_are_its_own():
    one, other = inversion(batch(seeds=list(range(9)))), inversion(batch(seeds=[0, *range(10, 18)]))
    assert torch.equal(one.pixels[0], other.pixels[0]) and not torch.equal(one.pixels[1], other.pixels[1])
    assert not torch.equal(inversion(jitter_px=3).run(), inversion(batch(seed=8), jitter_px=3).run())


def test_a_later_level_takes_fewer_steps():
    assert [inversion(batch(level=k), iterations=8, early_late=4).steps for k in range(4)] == [8, 6, 4, 2]


def test_the_global_generator_has_no_part_in_it():
    torch.manual_seed(1)
    first = inversion(networks=2, **EVERYTHING).run()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(inversion(networks=2, **EVERYTHING).run(), first)
    assert torch.equal(torch.get_rng_state(), state)
