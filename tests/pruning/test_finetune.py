"""Fine-tuning: what was removed stays removed, what is left learns, and a killed run ends in the same bytes."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from prism.config import PruningConfig, load_config
from prism.data.classes import load_classes
from prism.errors import ModelError
from prism.miniature.sources import world_images
from prism.models.checkpoints import Classifier
from prism.models.classifiers import build
from prism.models.scoring import agreement, predict
from prism.models.teacher import Teacher, load_teacher
from prism.pruning.finetune import FineTuning, moved
from prism.pruning.masks import prunable, prune_network
from prism.pruning.stage import masked_copy
from prism.seeds import generator

DEVICE = torch.device("cpu")
NAME = "miniature-student-small"
ABOUT = {"architecture": NAME, "num_classes": 4, "size_px": 16, "mean": (0.5,) * 3, "std": (0.25,) * 3}
SETTINGS = PruningConfig(epochs=3, batch=8, learning_rate=0.05, crop_padding=0.125, flip=True)


class KilledError(Exception):
    """Stands for a signal in the middle of a step."""


def teacher():
    return Teacher(build(NAME, 4, 16, seed=1), **ABOUT)


def images(count=26):
    return torch.randint(0, 256, (count, 16, 16, 3), generator=generator(0)).to(torch.uint8)


def tuning(settings=SETTINGS, seed=0, sparsity=0.5, kind="structured", **options):
    network = build(NAME, 4, 16, seed=1)
    prune_network(network, sparsity, torch.zeros(1, 3, 16, 16), kind=kind)
    return FineTuning(Classifier(network, **ABOUT), teacher(), images(), settings, seed=seed, device=DEVICE, **options)


def state(of):
    return {name: value.clone() for name, value in of.pruned.network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("kind", ["structured", "unstructured"])
def test_removed_weights_stay_zero_and_the_others_change(kind):
    run = tuning(kind=kind)
    before = {layer: layer.weight.detach().clone() for layer in prunable(run.pruned.network)}
    masks = {layer: layer.weight_mask.clone() for layer in before}
    run.run()
    run.pruned(torch.rand(2, 3, 16, 16))  # the masks are applied as the network is called
    for layer, weight in before.items():
        gone = masks[layer] == 0
        assert torch.equal(layer.weight_mask, masks[layer]) and gone.any()
        assert not layer.weight[gone].any() and not torch.equal(layer.weight, weight)


def test_the_loss_is_the_soft_label_loss_of_the_whole_teacher_and_falls():
    run = tuning(SETTINGS.model_copy(update={"crop_padding": 0.0, "flip": False, "epochs": 12, "batch": 26}))
    pixels = images().permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        wanted = functional.softmax(run.teacher(pixels) / 4, dim=1)
        found = functional.log_softmax(run.pruned.train()(pixels) / 4, dim=1)
        expected = 16 * (wanted * (wanted.log() - found)).sum(dim=1).mean()
    losses = run.run()
    assert losses[0] == pytest.approx(float(expected), rel=1e-4)
    assert len(losses) == 12 and losses[-1] < 0.7 * losses[0]


def test_half_of_the_shipped_teacher_s_filters_are_missed_and_made_up_for(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    config = load_config(overrides={"pruning": {"epochs": 8, "batch": 20}})
    classes = load_classes(config.classes)
    whole, pruned = load_teacher(config.teacher, len(classes)), masked_copy(config, 0.5, classes)
    learn, test = (torch.from_numpy(world_images("in-distribution", 10, seed).images) for seed in (1, 2))
    right = predict(whole, test, batch=100, device=DEVICE)
    before = agreement(predict(pruned, test, batch=100, device=DEVICE), right)
    FineTuning(pruned, whole, learn, config.pruning, seed=0, device=DEVICE).run()
    after = agreement(predict(pruned, test, batch=100, device=DEVICE), right)
    assert before < 0.3 and after > before + 0.3


def test_the_teacher_does_not_change():
    run = tuning()
    before = {name: value.clone() for name, value in run.teacher.state_dict().items()}
    run.run()
    assert same(before, run.teacher.state_dict())


def test_equal_seeds_end_in_equal_bytes_and_another_seed_does_not():
    one, other, third = tuning(), tuning(), tuning(seed=1)
    assert one.run() == other.run() and same(state(one), state(other))
    third.run()
    assert not same(state(one), state(third))


@pytest.mark.parametrize("dies_at", [(0, 2), (1, 0), (2, 1)])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, monkeypatch, dies_at):
    whole = tuning()
    expected = whole.run()
    options = {"checkpoint": tmp_path / "progress" / "checkpoint.pt", "checkpoint_seconds": 0.0}
    step = FineTuning.step

    def dying(self, epoch, number, indices):
        if (epoch, number) == dies_at:
            raise KilledError
        step(self, epoch, number, indices)

    monkeypatch.setattr(FineTuning, "step", dying)
    with pytest.raises(KilledError):
        tuning(**options).run()
    steps = []
    monkeypatch.setattr(FineTuning, "step", lambda self, e, n, i: (steps.append((e, n)), step(self, e, n, i)))
    resumed = tuning(**options)
    torch.manual_seed(99)  # the global generator is not part of the result
    assert resumed.run() == expected and same(state(resumed), state(whole))
    assert steps[0] == dies_at  # nothing that was saved is done twice


def test_a_checkpoint_of_another_sparsity_or_a_damaged_one_is_left_aside(tmp_path, caplog):
    path = tmp_path / "checkpoint.pt"
    whole = tuning()
    whole.run()
    tuning(sparsity=0.7, checkpoint=path, checkpoint_seconds=0.0).run()
    for content in (path.read_bytes(), b"garbage", path.read_bytes()[:1000]):
        path.write_bytes(content)
        again = tuning(checkpoint=path, checkpoint_seconds=1e9)
        again.run()
        assert same(state(again), state(whole))
    assert caplog.text.count("starting anew") == 3


def test_a_loss_that_is_no_number_is_told_in_one_line():
    with pytest.raises(ModelError, match=r"lower pruning\.learning_rate"):
        tuning(SETTINGS.model_copy(update={"learning_rate": 1e30})).run()


def test_images_are_shifted_by_whole_pixels_with_mirrored_borders():
    given = torch.rand(6, 3, 8, 8, generator=generator(3))
    shifted = moved(given, 2, False, generator(4))
    padded = functional.pad(given, (2, 2, 2, 2), mode="reflect")
    for one, image in zip(shifted, padded, strict=True):
        assert any(torch.equal(one, image[:, y : y + 8, x : x + 8]) for y in range(5) for x in range(5))
    assert not torch.equal(shifted, given)
    assert torch.equal(moved(given, 0, False, generator(4)), given)


def test_a_flipped_image_is_its_mirror():
    given = torch.rand(16, 3, 8, 8, generator=generator(3))
    flipped = moved(given, 0, True, generator(4))
    kinds = {torch.equal(one, image) for one, image in zip(flipped, given, strict=True)}
    assert kinds == {True, False}
    assert all(
        torch.equal(one, image) or torch.equal(one, image.flip(2)) for one, image in zip(flipped, given, strict=True)
    )
