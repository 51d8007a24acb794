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
from prism.pruning.finetune import FineTuning
from prism.pruning.masks import prunable, prune_network
from prism.pruning.stage import masked_copy
from prism.seeds import generator

from ..trainings import ABOUT, NAME, classifier, ends_as_if_never_killed, options, same, weights

DEVICE = torch.device("cpu")
SETTINGS = PruningConfig(epochs=3, batch=8, learning_rate=0.05, crop_padding=0.125, flip=True)


def images(count=26):
    return torch.randint(0, 256, (count, 16, 16, 3), generator=generator(0)).to(torch.uint8)


def tuning(settings=SETTINGS, seed=0, sparsity=0.5, kind="structured", **changes):
    network = build(NAME, 4, 16, seed=1)
    prune_network(network, sparsity, torch.zeros(1, 3, 16, 16), kind=kind)
    pruned = Classifier(network, **ABOUT)
    return FineTuning(pruned, classifier(1, Teacher), images(), settings, options(seed, **changes))


@pytest.mark.parametrize("kind", ["structured", "unstructured"])
def test_removed_weights_stay_zero_and_the_others_change(kind):
    run = tuning(kind=kind)
    before = {layer: layer.weight.detach().clone() for layer in prunable(run.student.network)}
    masks = {layer: layer.weight_mask.clone() for layer in before}
    run.run()
    run.student(torch.rand(2, 3, 16, 16))  # the masks are applied as the network is called
    for layer, weight in before.items():
        gone = masks[layer] == 0
        assert torch.equal(layer.weight_mask, masks[layer]) and gone.any()
        assert not layer.weight[gone].any() and not torch.equal(layer.weight, weight)


def test_the_loss_is_the_soft_label_loss_of_the_whole_teacher_and_falls():
    run = tuning(SETTINGS.model_copy(update={"crop_padding": 0.0, "flip": False, "epochs": 12, "batch": 26}))
    pixels = images().permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        wanted = functional.softmax(run.teacher(pixels) / 4, dim=1)
        found = functional.log_softmax(run.student.train()(pixels) / 4, dim=1)
        expected = 16 * (wanted * (wanted.log() - found)).sum(dim=1).mean()
    losses = [line["loss"] for line in run.run()]
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
    FineTuning(pruned, whole, learn, config.pruning, options()).run()
    after = agreement(predict(pruned, test, batch=100, device=DEVICE), right)
    assert before < 0.3 and after > before + 0.3


def test_equal_seeds_end_in_equal_bytes_and_another_seed_does_not():
    one, other, third = tuning(), tuning(), tuning(seed=1)
    assert one.run() == other.run() and same(weights(one), weights(other))
    third.run()
    assert not same(weights(one), weights(third))


@pytest.mark.parametrize("dies_at", [(0, 2), (1, 0), (2, 1)])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, monkeypatch, dies_at):
    assert ends_as_if_never_killed(tuning, dies_at, tmp_path / "progress" / "checkpoint.pt", monkeypatch)


def test_a_checkpoint_of_another_sparsity_or_temperature_is_left_aside(tmp_path, caplog):
    whole = tuning()
    whole.run()
    for other in ({"sparsity": 0.7}, {"settings": SETTINGS.model_copy(update={"temperature": 2.0})}):
        path = tmp_path / f"{next(iter(other))}.pt"
        tuning(**other, checkpoint=path, checkpoint_seconds=0.0).run()
        again = tuning(checkpoint=path, checkpoint_seconds=1e9)
        again.run()
        assert same(weights(again), weights(whole))
    assert caplog.text.count("starting anew") == 2


def test_a_loss_that_is_no_number_is_told_in_one_line():
    with pytest.raises(ModelError, match=r"lower pruning\.learning_rate"):
        tuning(SETTINGS.model_copy(update={"learning_rate": 1e30})).run()


def test_images_are_shifted_and_mirrored_as_the_settings_say(monkeypatch):
    seen = []
    forward = Teacher.forward
    monkeypatch.setattr(Teacher, "forward", lambda self, x: (seen.append(x.clone()), forward(self, x))[1])
    indices = torch.arange(8)
    for settings in (SETTINGS, SETTINGS.model_copy(update={"crop_padding": 0.0, "flip": False})):
        tuning(settings).step(0, 0, indices)
    moved, plain = seen
    assert torch.equal(plain, images()[:8].permute(0, 3, 1, 2) / 255)
    padded = functional.pad(plain, (2, 2, 2, 2), mode="reflect")  # an eighth of 16 px
    kinds = set()
    for one, image in zip(moved, padded, strict=True):
        places = [image[:, y : y + 16, x : x + 16] for y in range(5) for x in range(5)]
        kinds.add((any(torch.equal(one, part) for part in places), any(torch.equal(one.flip(2), p) for p in places)))
    assert kinds == {(True, False), (False, True)}
