"""Checkpoints: ours say what they are, foreign ones are data, damaged or hostile ones are refused."""

import argparse
import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from prism.errors import ModelError
from prism.models.checkpoints import fit_weights, load_classifier, load_weights, read_metadata, save_model
from prism.models.classifiers import build

DESCRIPTION = {
    "architecture": "miniature-student-small",
    "num_classes": 4,
    "size_px": 32,
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.3, 0.4],
    "class_names": ["crane", "bat", "mouse", "bow"],
}


class Hostile:
    """Unpickling it makes a file: the proof that code was run."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return os.system, (f"touch {self.proof}",)


@pytest.fixture
def network():
    return build("miniature-student-small", 4, seed=0).eval()


@pytest.fixture
def saved(network, tmp_path):
    save_model(tmp_path / "student.safetensors", network, DESCRIPTION)
    return tmp_path / "student.safetensors"


def test_a_classifier_comes_back_whole_in_one_call(network, saved):
    classifier = load_classifier(saved)
    images = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(DESCRIPTION[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(classifier(images), network((images - mean) / std))
    torch.testing.assert_close(classifier.logits_and_features(images)[1], network.features((images - mean) / std))
    assert not classifier.training
    assert classifier.class_names == ("crane", "bat", "mouse", "bow")
    assert (classifier.architecture, classifier.num_classes, classifier.size_px) == (
        "miniature-student-small",
        4,
        32,
    )
    assert classifier.metadata == DESCRIPTION


def test_images_of_another_size_are_resized_antialiased(saved):
    classifier = load_classifier(saved)
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::2] = 1  # without antialiasing a half-size image would be all zero or all one
    seen = classifier.preprocess(stripes) * classifier.std + classifier.mean
    torch.testing.assert_close(seen[..., 2:-2], torch.full((1, 3, 32, 28), 0.5), atol=0.02, rtol=0)


def test_equal_models_make_equal_bytes(network, saved, tmp_path):
    save_model(tmp_path / "again.safetensors", network, dict(reversed(DESCRIPTION.items())))
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


def test_channels_last_weights_are_saved_as_they_are(network, saved, tmp_path):
    save_model(tmp_path / "other.safetensors", network.to(memory_format=torch.channels_last), DESCRIPTION)
    assert (tmp_path / "other.safetensors").read_bytes() == saved.read_bytes()


def test_metadata_without_a_required_key_is_refused(network, tmp_path):
    with pytest.raises(ValueError, match="lacks std"):
        save_model(tmp_path / "x.safetensors", network, {k: v for k, v in DESCRIPTION.items() if k != "std"})
    assert not list(tmp_path.iterdir())


def test_torch_files_are_unwrapped_and_lose_the_prefix_of_data_parallelism(network, tmp_path):
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "best": 91.8}, tmp_path / "net.th")
    loaded = load_weights(tmp_path / "net.th")
    assert loaded.keys() == network.state_dict().keys()
    fit_weights(network, loaded, num_classes=4, path="net.th")


@pytest.mark.parametrize("name", ["evil.pth", "evil.th", "evil.pkl"])
@pytest.mark.parametrize("protocol", ["zip", "pickle"])
def test_code_in_a_checkpoint_is_not_run(tmp_path, name, protocol):
    proof = tmp_path / "proof"
    content = {"state_dict": Hostile(proof)}
    if protocol == "zip":
        torch.save(content, tmp_path / name)
    else:
        (tmp_path / name).write_bytes(pickle.dumps(content))
    with pytest.raises(ModelError, match=name) as error:
        load_weights(tmp_path / name)
    assert not proof.exists()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["bad.safetensors", "bad.pth"])
@pytest.mark.parametrize("content", [b"", b"not a model", b"\x80\x02}q\x00", os.urandom(4096)])
def test_damaged_files_are_refused_in_one_line_that_names_them(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name) as error:
        load_weights(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_files_are_refused(saved, network, tmp_path, share):
    torch.save(network.state_dict(), tmp_path / "whole.pth")
    for whole in (saved, tmp_path / "whole.pth"):
        cut = tmp_path / f"cut{whole.suffix}"
        cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        with pytest.raises(ModelError, match="cut"):
            load_weights(cut)


def test_a_missing_file_and_a_file_without_tensors_are_refused(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        load_weights(tmp_path / "none.safetensors")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(ModelError, match="no tensors"):
        load_weights(tmp_path / "empty.pth")


def test_a_foreign_safetensors_file_is_no_classifier(network, tmp_path):
    safetensors.torch.save_file(network.state_dict(), tmp_path / "foreign.safetensors")
    assert read_metadata(tmp_path / "foreign.safetensors") == {}
    with pytest.raises(ModelError, match="architecture"):
        load_classifier(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("linear.bias"), "lacks linear.bias"),
        (lambda state: state.update(extra=torch.zeros(1)), "unexpected extra"),
        (lambda state: state.update({"linear.weight": torch.zeros(9, 32)}), "9 outputs .* 4 classes"),
        (lambda state: state.update({"trunk.0.weight": torch.zeros(8, 3, 5, 5)}), "trunk.0.weight has shape"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_leave_the_network_alone(network, change, message):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = dict(before)
    change(state)
    with pytest.raises(ModelError, match=message):
        fit_weights(network, state, num_classes=4, path="x.pth")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_many_missing_keys_are_named_by_the_first_three(network):
    with pytest.raises(ModelError, match="and .* more"):
        fit_weights(network, {}, num_classes=4, path="x.pth")


def test_what_is_more_than_tensors_or_no_number_is_named(tmp_path):
    path = tmp_path / "run.pt"
    torch.save({"state_dict": {"a": torch.ones(1)}, "args": argparse.Namespace(lr=1)}, path)
    with pytest.raises(
        ModelError, match="holds more than tensors, as argparse.Namespace; nothing .* state_dict"
    ) as caught:
        load_weights(path)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    torch.save({"conv.weight": torch.tensor([1.0, float("nan")])}, path)
    with pytest.raises(ModelError, match="run.pt: conv.weight holds values that are not finite"):
        load_weights(path)
