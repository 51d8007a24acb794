"""Learning rates and orders."""

import pytest
import torch

from prism.models.training.schedule import epoch_order, learning_rate, steps_per_epoch


def rates(**options):
    return [learning_rate(step, total_steps=100, peak=0.1, **options) for step in range(100)]


def test_cosine_rises_in_the_warm_up_and_falls_to_nearly_zero():
    found = rates(warmup_steps=10)
    assert found[0] == pytest.approx(0.01) and found[9] == pytest.approx(0.1) and max(found) <= 0.1
    assert found[10:] == sorted(found[10:], reverse=True)
    assert found[55] == pytest.approx(0.05, rel=0.02) and found[-1] < 1e-4


def test_step_falls_to_a_tenth_at_30_60_and_90_percent():
    found = rates(warmup_steps=0, schedule="step")
    for step, rate in ((0, 0.1), (29, 0.1), (30, 0.01), (60, 0.001), (90, 0.0001), (99, 0.0001)):
        assert found[step] == pytest.approx(rate)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="cosine or step"):
        rates(warmup_steps=0, schedule="linear")


def test_an_order_is_a_permutation_that_seed_and_epoch_decide():
    order = epoch_order(1, 0, 50)
    assert torch.equal(order.sort().values, torch.arange(50))
    assert torch.equal(order, epoch_order(1, 0, 50))
    assert not torch.equal(order, epoch_order(1, 1, 50)) and not torch.equal(order, epoch_order(2, 0, 50))


def test_only_full_batches_count_but_there_is_always_one():
    assert [steps_per_epoch(n, 32) for n in (10, 32, 63, 64)] == [1, 1, 1, 2]
