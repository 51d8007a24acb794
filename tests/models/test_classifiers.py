"""Classifiers: every name builds, answers with both methods, and is what its size promises."""

import pytest
import torch
from torch import nn

from prism.config.names import ARCHITECTURES as NAMES_IN_CONFIG
from prism.errors import ModelError
from prism.models.classifiers import ARCHITECTURES, build, has_batchnorm
from prism.models.networks import CifarResNet

LIBRARY_NAMES = [
    "timm:resnet18",
    "torchvision:mobilenet_v2",
    "torchvision:vgg11_bn",
    "timm:vit_tiny_patch16_224",
]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_are_the_head_of_the_features(name):
    network = build(name, 7, seed=0).eval()
    images = torch.randn(2, 3, 32, 32)
    features = network.features(images)
    assert features.shape == (2, network.feature_dim)
    torch.testing.assert_close(network(images), network.linear(features))
    assert network(images).shape == (2, 7)


@pytest.mark.parametrize("name", LIBRARY_NAMES)
def test_library_networks_offer_the_same_two_methods(name):
    network = build(name, 7, in_size_px=64, seed=0).eval()
    images = torch.randn(2, 3, 64, 64)
    logits, features = network.logits_and_features(images)
    assert logits.shape == (2, 7) and features.shape == (2, network.feature_dim)
    torch.testing.assert_close(network.features(images), features)


def test_library_networks_keep_the_librarys_names_in_their_state():
    import timm

    network = build("timm:mobilenetv3_small_050", 7)
    assert network.state_dict().keys() == timm.create_model("mobilenetv3_small_050", num_classes=7).state_dict().keys()
    network.load_state_dict(network.state_dict())


def test_a_library_network_keeps_no_graph_of_the_last_batch():
    network = build("timm:mobilenetv3_small_050", 7, in_size_px=32)
    network(torch.randn(2, 3, 32, 32))
    assert network._pooled is None


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("cifar-resnet20", 269_722), ("cifar-resnet44", 658_586), ("cifar-resnet56", 853_018)],
)
def test_cifar_resnets_have_the_published_number_of_parameters(name, parameters):
    assert sum(p.numel() for p in build(name, 10).parameters()) == parameters


def test_option_a_shortcut_subsamples_and_pads_channels_on_both_sides():
    block = build("cifar-resnet8", 10).layer2[0].eval()
    nn.init.zeros_(block.bn2.weight)  # the residual is zero: what comes out is the shortcut
    x = torch.rand(1, 16, 8, 8)
    shortcut = block(x)
    torch.testing.assert_close(shortcut[:, 8:24], x[:, :, ::2, ::2])
    assert not shortcut[:, :8].any() and not shortcut[:, 24:].any()


@pytest.mark.parametrize("depth", [7, 21, 2])
def test_a_depth_that_is_not_6n_plus_2_is_refused(depth):
    with pytest.raises(ValueError, match="6n"):
        CifarResNet(depth, 10)


def test_miniature_teachers_are_small_and_only_the_mixer_has_no_batchnorm():
    for name in ("miniature-resnet", "miniature-vgg", "miniature-mobilenet", "miniature-mixer"):
        network = build(name, 10)
        assert sum(p.numel() for p in network.parameters()) <= 400_000
        assert has_batchnorm(network) == (name != "miniature-mixer")


def test_the_student_is_smaller_than_every_teacher():
    size = sum(p.numel() for p in build("miniature-student", 10).parameters())
    assert 30_000 <= size <= 60_000
    assert sum(p.numel() for p in build("miniature-student-small", 10).parameters()) < size


def test_convolutional_networks_take_other_sizes_and_the_mixer_is_built_for_one():
    assert build("miniature-resnet", 10)(torch.randn(2, 3, 64, 64)).shape == (2, 10)
    assert build("miniature-mixer", 10, in_size_px=64)(torch.randn(2, 3, 64, 64)).shape == (2, 10)
    with pytest.raises(ValueError, match="multiple"):
        build("miniature-mixer", 10, in_size_px=30)


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, other = build("miniature-student", 10, seed=3), build("miniature-student", 10, seed=3)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.linear.weight, other.linear.weight)
    assert not torch.equal(one.linear.weight, build("miniature-student", 10, seed=4).linear.weight)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("miniature-resnt", "miniature-resnet"),
        ("timm:resnet188", "timm:resnet18"),
        ("torchvision:resnt18", "torchvision:resnet18"),
        ("keras:resnet18", "timm:<name>"),
    ],
)
def test_an_unknown_architecture_is_refused_with_the_nearest_name(wrong, hint):
    with pytest.raises(ModelError, match=hint):
        build(wrong, 10)


def test_no_classes_are_refused():
    with pytest.raises(ValueError, match="num_classes=0"):
        build("miniature-resnet", 0)


def test_the_configuration_knows_exactly_these_names():
    assert set(NAMES_IN_CONFIG) == set(ARCHITECTURES)


def test_networks_with_auxiliary_heads_give_the_main_one_s_logits():
    network = build("torchvision:googlenet", 5, seed=0)
    logits, features = network.train().logits_and_features(torch.randn(2, 3, 96, 96))
    assert logits.shape == (2, 5) and features.shape == (2, network.feature_dim)
