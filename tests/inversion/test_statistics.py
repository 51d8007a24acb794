"""The fused layer against torch's own, and moving averages whose gradient is the present batch's."""

import pytest
import torch
from timm import create_model

from prism.errors import ModelError
from prism.guidance.batch_norm import Statistics, batch_norm
from prism.inversion.statistics import InputMoments, Moments, StatisticsPass, moments, smoothed
from prism.models.classifiers import build
from prism.models.statistics import StatisticsRecorder

from .conftest import classifier


def pixels(batch=4, seed=3):
    return torch.rand(batch, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_outputs_and_statistics_are_those_of_torch_s_own_layers():
    network = classifier(1).network
    with StatisticsRecorder(network) as recorder:
        wanted = network(pixels())
    with StatisticsPass(network) as seen:
        got = network(pixels())
    torch.testing.assert_close(got, wanted)
    assert len(seen.statistics) == len(recorder.statistics) > 1
    for one, other in zip(seen.statistics, recorder.statistics, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


def test_a_layer_that_does_more_than_normalise_still_does_it():
    """timm's BatchNorm holds the activation that follows."""
    network = create_model("mobilenetv2_050", pretrained=False, num_classes=5).eval()
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(3)).requires_grad_()
    with StatisticsRecorder(network) as recorder:
        wanted = network(images)
    with StatisticsPass(network) as seen:
        got = network(images)
    torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(batch_norm(seen.statistics), batch_norm(recorder.statistics), rtol=1e-4, atol=1e-4)
    (gradient,) = torch.autograd.grad(batch_norm(seen.statistics), images)
    (theirs,) = torch.autograd.grad(batch_norm(recorder.statistics), images)
    torch.testing.assert_close(gradient, theirs, rtol=1e-3, atol=1e-4)


def test_statistics_of_half_precision_are_those_of_its_values():
    layer = torch.nn.BatchNorm2d(6).eval()
    layer.running_mean.normal_(), layer.running_var.uniform_(0.5, 2)
    seen = (torch.randn(8, 6, 9, 9, generator=torch.Generator().manual_seed(1)) * 2 + 5).bfloat16()
    with StatisticsPass(layer) as watched:
        out = layer(seen)
    variance, mean = torch.var_mean(seen.double(), dim=(0, 2, 3), correction=0)
    assert out.dtype == torch.bfloat16 and watched.statistics[0].mean.dtype == torch.float32
    torch.testing.assert_close(watched.statistics[0].mean.double(), mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(watched.statistics[0].variance.double(), variance, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(out, layer(seen.float()).bfloat16(), rtol=2**-7, atol=0)  # rounded once


def test_gradients_of_logits_and_distance_together_are_torch_s_own():
    network, found = classifier(1).network, []
    for watch in (StatisticsRecorder, StatisticsPass):
        images = pixels().requires_grad_()
        with watch(network) as seen:
            logits = network(images)
        loss = logits.square().sum() + 0.3 * batch_norm(seen.statistics, first_weight=10)
        found.append(torch.autograd.grad(loss, images)[0])
    torch.testing.assert_close(found[1], found[0], rtol=1e-8, atol=1e-10)


def test_moments_have_the_gradient_of_finite_differences():
    seen = pixels(3)[:, :, :3, :3].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: moments(x).mean, (seen,))
    assert torch.autograd.gradcheck(lambda x: moments(x).variance, (seen,))
    variance, mean = torch.var_mean(seen, dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(tuple(moments(seen)), (mean, variance))


def test_the_network_is_as_before_when_left():
    network = classifier(1).network
    wanted = network(pixels())
    with pytest.raises(KeyboardInterrupt), StatisticsPass(network):
        raise KeyboardInterrupt
    assert not any("forward" in vars(layer) for layer in network.modules())
    torch.testing.assert_close(network(pixels()), wanted, rtol=0, atol=0)


def test_distance_is_zero_where_the_batch_has_the_running_statistics():
    network = classifier(1).network
    layer = next(one for one in network.modules() if isinstance(one, torch.nn.BatchNorm2d))
    with StatisticsPass(network) as seen:
        network(pixels())
    layer.running_mean.copy_(seen.statistics[0].mean)
    layer.running_var.copy_(seen.statistics[0].variance)
    with StatisticsPass(network) as seen:
        network(pixels())
    assert float(batch_norm(seen.statistics[:1])) == pytest.approx(0, abs=1e-9)


def test_convolutions_are_compared_in_the_order_in_which_layers_run():
    network = classifier(1).network
    names = [name for name, one in network.named_modules() if isinstance(one, torch.nn.Conv2d)]
    channels = {name: dict(network.named_modules())[name].in_channels for name in names}
    real = {name: InputMoments(Moments(torch.zeros(channels[name]), torch.ones(channels[name]))) for name in names}
    with StatisticsPass(network, real) as seen:
        network(pixels())
    assert len(seen.statistics) == len(names) + sum(isinstance(x, torch.nn.BatchNorm2d) for x in network.modules())
    torch.testing.assert_close(seen.statistics[0].mean, pixels().mean(dim=(0, 2, 3)))  # of the first convolution


def test_a_network_without_batchnorm_is_refused():
    with pytest.raises(ModelError, match="no BatchNorm layer"):
        StatisticsPass(build("miniature-mixer", 3, 16, seed=0))


def test_the_average_moves_and_the_gradient_is_the_present_one_s():
    present = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    one = Statistics(present, 3 * present, torch.zeros(1), torch.zeros(1))
    first, past = smoothed([one], [], 0.4)
    assert float(first[0].mean.detach()) == 2 and float(past[0].mean) == 2, "the first batch is the start"
    second, past = smoothed([one], [Moments(torch.tensor([7.0]).double(), torch.tensor([1.0]).double())], 0.4)
    assert float(second[0].mean.detach()) == pytest.approx(0.4 * 7 + 0.6 * 2)
    assert float(second[0].variance.detach()) == pytest.approx(0.4 * 1 + 0.6 * 6)
    (gradient,) = torch.autograd.grad(second[0].mean + second[0].variance, present)
    assert float(gradient) == 4, "1 + 3: as if the average were the present value"
    assert float(past[0].mean) == pytest.approx(4.0) and not past[0].mean.requires_grad
