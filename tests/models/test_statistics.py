"""BatchNorm layers' statistics, and the energy that measures them."""

import pytest
import torch
from torch import nn

from prism.errors import ModelError
from prism.guidance.batch_norm import Statistics, batch_norm
from prism.models.statistics import StatisticsRecorder


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5))
    for layer in (made[1], made[4]):
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2)
    return made.double().eval()


def images(batch=6):
    return torch.rand(batch, 3, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_energy_is_zero_where_the_statistics_are_the_running_ones(network):
    layer = network[1]
    with torch.no_grad():
        seen = network[0](images())
        layer.running_mean.copy_(seen.mean(dim=(0, 2, 3)))
        layer.running_var.copy_(seen.var(dim=(0, 2, 3), correction=0))
    first = network[:2]
    with StatisticsRecorder(first) as recorder:
        first(images())
    assert float(batch_norm(recorder.statistics).detach()) == pytest.approx(0, abs=1e-12)


def test_energy_is_the_sum_of_norms(network):
    gap = Statistics(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 1.0]), torch.zeros(2), torch.ones(2))
    other = Statistics(torch.zeros(1), torch.tensor([3.0]), torch.zeros(1), torch.tensor([1.0]))
    assert float(batch_norm([gap, other])) == 7.0
    assert float(batch_norm([gap, other], first_weight=10)) == 52.0
    with pytest.raises(ValueError, match="is empty"):
        batch_norm([])


def test_statistics_of_each_image_are_those_of_a_batch_of_one(network):
    with StatisticsRecorder(network, scope="image") as each:
        network(images())
    together = batch_norm(each.statistics)
    assert together.shape == (6,)
    for index, image in enumerate(images()):
        with StatisticsRecorder(network) as one:
            network(image[None])
        assert batch_norm(one.statistics).item() == pytest.approx(together[index].item(), rel=1e-9)


@pytest.mark.parametrize("scope", ["batch", "image"])
def test_gradient_is_that_of_finite_differences(network, scope):
    pixels = images(2).requires_grad_()

    def energy(x):
        with StatisticsRecorder(network, scope=scope) as recorder:
            network(x)
        return batch_norm(recorder.statistics).sum()

    (gradient,) = torch.autograd.grad(energy(pixels), pixels)
    direction = torch.randn(pixels.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    step = 1e-6
    with torch.no_grad():
        slope = (energy(pixels + step * direction) - energy(pixels - step * direction)) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(slope), rel=1e-5)


def test_gradient_is_finite_at_the_minimum():
    mean = torch.zeros(3, requires_grad=True)
    batch_norm([Statistics(mean, torch.ones(3), torch.zeros(3), torch.ones(3))]).backward()
    assert torch.equal(mean.grad, torch.zeros(3))


def test_a_network_without_batchnorm_is_refused():
    with pytest.raises(ModelError, match="no BatchNorm layer"):
        StatisticsRecorder(nn.Sequential(nn.Linear(2, 2)))


def test_hooks_are_gone_afterwards(network):
    with StatisticsRecorder(network) as recorder:
        network(images())
    assert len(recorder.statistics) == 2
    network(images())
    assert len(recorder.statistics) == 2
