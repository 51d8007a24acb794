"""The teacher: it owns its preprocessing, never changes, and must fit the classes."""

import logging
import re
from types import SimpleNamespace

import pytest
import torch

from prism.data.folders import load_images
from prism.errors import ModelError
from prism.models.checkpoints import save_model
from prism.models.classifiers import build
from prism.models.scoring import accuracy, predict
from prism.models.teacher import load_teacher


def settings(path, **changes):
    fields = {"architecture": "miniature-resnet", "weights": path, "size_px": 32, "classes": None}
    return SimpleNamespace(**{**fields, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), **changes})


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "teacher.safetensors"
    description = {"architecture": "miniature-resnet", "num_classes": 10, "size_px": 32}
    description |= {"mean": [0.5] * 3, "std": [0.25] * 3}
    save_model(path, build("miniature-resnet", 10, seed=0), description)
    return path


def test_a_teacher_never_leaves_evaluation_mode_and_is_frozen(weights):
    teacher = load_teacher(settings(weights), 10)
    before = {name: value.clone() for name, value in teacher.network.state_dict().items()}
    teacher.train()
    torch.nn.ModuleList([teacher]).train()
    teacher(torch.rand(8, 3, 32, 32))
    assert not any(module.training for module in teacher.modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.network.state_dict().items())


def test_gradients_reach_the_images(weights):
    images = torch.rand(2, 3, 48, 48, requires_grad=True)
    load_teacher(settings(weights), 10)(images).logsumexp(1).sum().backward()
    assert images.grad.isfinite().all() and images.grad.abs().sum() > 0


def test_mean_and_std_of_the_configuration_are_used_and_a_difference_is_told(weights, caplog):
    images = torch.rand(2, 3, 32, 32)
    with caplog.at_level(logging.WARNING):
        other = load_teacher(settings(weights, mean=(0.1, 0.2, 0.3)), 10)
    assert "mean" in caplog.text
    expected = other.network((images - torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)) / 0.25)
    torch.testing.assert_close(other(images), expected)


def test_another_number_of_classes_is_refused(weights):
    with pytest.raises(ModelError, match="10 outputs.*7 classes"):
        load_teacher(settings(weights), 7)


def test_another_number_of_classes_is_refused_in_a_foreign_file_too(tmp_path):
    torch.save(build("cifar-resnet8", 10).state_dict(), tmp_path / "net.th")
    with pytest.raises(ModelError, match="10 outputs.*7 classes"):
        load_teacher(settings(tmp_path / "net.th", architecture="cifar-resnet8"), 7)


def test_another_architecture_is_refused(weights, tmp_path):
    with pytest.raises(ModelError, match="is a miniature-resnet"):
        load_teacher(settings(weights, architecture="miniature-vgg"), 10)
    torch.save(build("cifar-resnet20", 10).state_dict(), tmp_path / "net.th")
    with pytest.raises(ModelError, match=r"unexpected layer1.1.conv1.weight.*more"):
        load_teacher(settings(tmp_path / "net.th", architecture="cifar-resnet8"), 10)


def test_a_class_list_of_another_length_is_refused(weights, tmp_path):
    classes = tmp_path / "classes.yaml"
    classes.write_text("- {name: a, gloss: x}\n- {name: b, gloss: y}\n")
    with pytest.raises(ModelError, match="teacher.classes"):
        load_teacher(settings(weights, classes=classes), 10)


@pytest.mark.parametrize("file", ["cifar10_resnet20-12fca82f.th", "cifar10_resnet56.safetensors"])
def test_public_cifar_weights_load_and_reach_their_accuracy(shared_data, file):
    architecture = "cifar-" + re.search(r"resnet\d+", file)[0]
    imagenet = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    teacher = load_teacher(settings(shared_data / "weights" / file, architecture=architecture, **imagenet), 10)
    images = load_images(f"{shared_data}/cifar10/cifar10_jpg.zip!cifar10/test", 32, per_class=30)
    logits = predict(teacher, images.images, batch=100, device=torch.device("cpu"))
    assert accuracy(logits, images.labels) > 0.75  # 0.81 and 0.825 on all of these compressed images
