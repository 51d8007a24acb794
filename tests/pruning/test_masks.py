"""Masks: exactly the share asked for, the least filters first, and a removed filter leaves nothing behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import prune as torch_prune

from prism.models.classifiers import build
from prism.pruning.masks import make_permanent, prunable, prune_network, removed_weights

EXAMPLE = torch.zeros(1, 3, 16, 16)


def network(name="miniature-resnet"):
    """A small network whose batch norms have statistics and parameters other than the initial ones."""
    made = build(name, 4, 16, seed=0).eval()
    draws = torch.Generator().manual_seed(1)
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight, layer.bias, layer.running_mean):
                tensor.data.copy_(torch.rand(tensor.shape, generator=draws) + 0.5)
    return made


def test_structured_pruning_zeroes_whole_filters_those_of_least_l1_norm():
    made = network()
    before = {layer: layer.weight.detach().clone() for layer in prunable(made)}
    prune_network(made, 0.6, EXAMPLE)
    for layer, weight in before.items():
        norms = weight.abs().flatten(1).sum(dim=1)
        count = min(round(0.6 * len(norms)), len(norms) - 1)
        expected = torch.ones(len(norms))
        expected[norms.argsort()[:count]] = 0
        masks = layer.weight_mask.flatten(1)
        assert torch.equal(masks.amin(dim=1), expected) and torch.equal(masks.amax(dim=1), expected)
        assert torch.equal(layer.weight.detach(), weight * expected.view(-1, *[1] * (weight.ndim - 1)))


@pytest.mark.parametrize("sparsity", [0.5, 0.7, 0.9])
def test_unstructured_pruning_removes_the_share_to_the_weight_and_the_smallest(sparsity):
    made = network()
    prune_network(made, sparsity, EXAMPLE, kind="unstructured")
    for layer in prunable(made):
        gone = layer.weight_mask == 0
        assert int(gone.sum()) == round(sparsity * gone.numel())
        assert layer.weight_orig[gone].abs().max() <= layer.weight_orig[~gone].abs().min()
    removed, weights = removed_weights(made)
    assert removed / weights == pytest.approx(sparsity, abs=1e-3)


@pytest.mark.parametrize("name", ["miniature-resnet", "miniature-vgg", "miniature-mobilenet"])
def test_a_removed_filter_s_channel_is_zero_behind_its_batch_norm_for_any_image(name):
    made = network(name)
    prune_network(made, 0.5, EXAMPLE)
    given: dict[int, nn.Module] = {}
    checked = []

    def remember(layer, inputs, output):
        given[id(output)] = layer
        checked.append(output)  # alive, so that its id stays its own

    def check(norm, inputs, output):
        gone = given[id(inputs[0])].weight_mask.flatten(1)[:, 0] == 0
        assert gone.any() and not gone.all()
        assert output[:, gone].abs().max() == 0 and output[:, ~gone].abs().max() > 0

    for layer in prunable(made):
        layer.register_forward_hook(remember)
    norms = [layer for layer in made.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.register_forward_hook(check)
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        made.train()(images)  # batch statistics too
        made.eval()(images)
    assert len(norms) == sum(hasattr(norm, "bias_mask") for norm in norms) > 2


def test_a_bias_goes_with_its_filter_where_there_is_no_batch_norm():
    layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    prune_network(layers, 0.5, EXAMPLE)
    gone = layers[0].weight_mask.flatten(1)[:, 0] == 0
    assert int(gone.sum()) == 4 and not layers[0].bias[gone].any() and layers[0].bias[~gone].all()


@pytest.mark.parametrize("kind", ["structured", "unstructured"])
def test_the_head_stays_whole_and_each_layer_keeps_something(kind):
    made = network("miniature-student-small")
    prune_network(made, 0.99, EXAMPLE, kind=kind)
    assert not torch_prune.is_pruned(made.linear)
    assert all(layer.weight_mask.sum() > 0 for layer in prunable(made))


@pytest.mark.parametrize("kind", ["structured", "unstructured"])
def test_made_permanent_it_is_a_plain_network_of_the_same_function(kind):
    made, plain = network(), network()
    prune_network(made, 0.5, EXAMPLE, kind=kind)
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = made(images)
        make_permanent(made)
        assert torch.equal(made(images), expected)
        plain.load_state_dict(made.state_dict())  # the same names as before any pruning
        assert torch.equal(plain.eval()(images), expected)
    assert not torch_prune.is_pruned(made)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0.0, EXAMPLE), "sparsity=0"), ((1.0, EXAMPLE), "sparsity=1"), ((0.5, EXAMPLE, "half"), "kind='half'")],
)
def test_wrong_arguments_are_told(arguments, message):
    share, example, *kind = arguments
    with pytest.raises(ValueError, match=message):
        prune_network(network(), share, example, kind=(kind or ["structured"])[0])


def test_a_network_with_nothing_to_prune_is_refused():
    with pytest.raises(ValueError, match="no layer to prune"):
        prune_network(nn.Sequential(nn.Flatten(), nn.Linear(768, 4)), 0.5, EXAMPLE)


@pytest.mark.parametrize("kind", ["structured", "unstructured"])
def test_weights_that_attention_reads_itself_stay_whole(kind):
    made = build("torchvision:vit_b_16", 4, 224, seed=0)
    prune_network(made, 0.5, torch.zeros(1, 3, 224, 224), kind=kind)
    masked = {
        name
        for name, layer in made.named_modules()
        if torch_prune.is_pruned(layer) and "weight_mask" in dict(layer.named_buffers(recurse=False))
    }
    assert not any("out_proj" in name for name in masked) and any("mlp.0" in name for name in masked)
    made.train()
    for _ in range(2):  # the second pass fails where a mask is applied once for all
        made(torch.rand(1, 3, 224, 224)).sum().backward()
