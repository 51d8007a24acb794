"""The zoo's training loop: a killed run goes on and ends in the very weights of an uninterrupted one."""

import pytest
import torch
from torch import nn

from prism.miniature.zoo.loop import Schedule, train


def new_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))


def loss_of_model(model, die_at=None):
    calls = []

    def loss_of(rng, noise):
        if die_at is not None and len(calls) == die_at:
            raise KeyboardInterrupt
        calls.append(1)
        x = torch.randn(16, 4, generator=noise) + float(rng.normal())
        return {"fit": (model(x) - x.sum(dim=1, keepdim=True)).square().mean()}

    return loss_of


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_a_killed_run_ends_in_the_weights_of_an_uninterrupted_one(tmp_path, ema_decay):
    schedule = Schedule(steps=30, learning_rate=1e-2, warmup_steps=3, ema_decay=ema_decay, checkpoint_seconds=0)
    whole = new_model()
    train(whole, loss_of_model(whole), schedule, tmp_path / "a", name="whole")
    first = new_model()
    with pytest.raises(KeyboardInterrupt):
        train(first, loss_of_model(first, die_at=11), schedule, tmp_path / "b", name="first")
    second = new_model()
    train(second, loss_of_model(second), schedule, tmp_path / "b", name="second")
    for key, value in whole.state_dict().items():
        torch.testing.assert_close(second.state_dict()[key], value, atol=0, rtol=0)


def test_training_lowers_the_loss(tmp_path):
    model = nn.Linear(4, 1)
    loss_of, seen = loss_of_model(model), []

    def watched(rng, noise):
        losses = loss_of(rng, noise)
        seen.append(float(losses["fit"].detach()))
        return losses

    train(model, watched, Schedule(steps=200, learning_rate=2e-2, warmup_steps=5), tmp_path, name="fit")
    assert sum(seen[-20:]) < 0.3 * sum(seen[:20])


def test_learning_rate_warms_up_stays_and_decays_to_nothing():
    schedule = Schedule(steps=100, learning_rate=1.0, warmup_steps=10, decay_share=0.2)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(50) == 1.0
    assert schedule.rate(90) == pytest.approx(0.5)
    assert schedule.rate(99) == pytest.approx(0.05)
