"""Feature networks: clean resizing, batches, weights that are missing or foreign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from prism.errors import ModelError
from prism.models.checkpoints import save_model
from prism.models.classifiers import build
from prism.models.features import clean_resize, load_extractor
from prism.models.inception import WEIGHTS_FILE, FidInception


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Seven noisy images, uint8 (7, 32, 32, 3)."""
    return np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def miniature_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("features") / "model.safetensors"
    facts = {
        "architecture": "miniature-student-small",
        "num_classes": 6,
        "size_px": 32,
        "mean": [0.5] * 3,
        "std": [0.25] * 3,
    }
    save_model(path, build("miniature-student-small", 6, 32, seed=1), facts)
    return path


@pytest.mark.parametrize("shape", [(32, 32), (40, 299), (299, 299), (512, 400)])
def test_resizing_is_that_of_clean_fid(shape):
    reference = pytest.importorskip("cleanfid.resize")
    pixels = np.random.default_rng(1).integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    resize = reference.build_resizer("clean")
    wanted = np.stack([resize(image) for image in pixels])
    resized = clean_resize(pixels, 299)
    assert resized.dtype == np.float32 and (resized == wanted).all()


def test_miniature_gives_penultimate_features_and_probabilities(images, miniature_weights):
    extractor = load_extractor("miniature", miniature_weights, batch=3)
    seen = extractor.extract(images)
    assert seen.features.shape == (7, extractor.dim) and seen.features.dtype == np.float32
    assert seen.probabilities.shape == (7, 6) and seen.probabilities.sum(1) == pytest.approx(1)
    assert (extractor(images) == seen.features).all() and extractor.name == "miniature"


@pytest.mark.parametrize("suffix", [".safetensors", ".th"])
def test_any_classifier_s_file_is_a_feature_network_that_is_named_in_full(images, tmp_path, suffix):
    network, weights = build("cifar-resnet8", 5, 32, seed=2).eval(), tmp_path / f"foreign{suffix}"
    save = safetensors.torch.save_file if suffix == ".safetensors" else torch.save
    save(network.state_dict(), weights)
    given = {"architecture": "cifar-resnet8", "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3), "size_px": 32}
    extractor = load_extractor("classifier", weights, given=given, batch=3)
    seen = extractor.extract(images)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(given[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        logits, features = network.logits_and_features((pixels - mean) / std)
    assert extractor.name == "classifier-cifar-resnet8" and extractor.dim == 64
    assert seen.features == pytest.approx(features.numpy(), abs=1e-5)
    assert seen.probabilities == pytest.approx(logits.double().softmax(1).numpy(), abs=1e-5)


def test_a_classifier_that_its_file_does_not_name_is_one_line(images, tmp_path, miniature_weights):
    weights = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file(build("cifar-resnet8", 5, 32, seed=2).state_dict(), weights)
    with pytest.raises(ModelError, match="metadata lacks architecture, num_classes, size_px, mean, std"):
        load_extractor("classifier", weights, given={"architecture": None})
    with pytest.raises(ModelError, match="metadata lacks size_px, mean, std"):
        load_extractor("classifier", weights, given={"architecture": "cifar-resnet8"})
    given = {"architecture": "cifar-resnet8", "mean": [0.5] * 3, "std": [0.2] * 3, "size_px": 32}
    with pytest.raises(ModelError, match="does not fit the architecture"):
        load_extractor("classifier", weights, given={**given, "architecture": "timm:test_resnet"})
    with pytest.raises(ModelError, match="is a miniature-student-small, not a cifar-resnet8"):
        load_extractor("classifier", miniature_weights, given=given)
    assert load_extractor("classifier", miniature_weights).name == "classifier-miniature-student-small"


def test_batches_change_nothing(images, miniature_weights):
    one, all_ = (load_extractor("miniature", miniature_weights, batch=size) for size in (1, 64))
    assert one(images) == pytest.approx(all_(images), abs=1e-5)
    assert one.fingerprint == all_.fingerprint


def test_other_images_and_kinds_are_refused(images, miniature_weights):
    extractor = load_extractor("miniature", miniature_weights)
    with pytest.raises(ValueError, match="must be uint8"):
        extractor(images.astype(np.float32))
    with pytest.raises(ValueError, match="must be uint8"):
        extractor(images[:0])
    with pytest.raises(ModelError, match="'clip' is unknown"):
        load_extractor("clip")
    with pytest.raises(ModelError, match="kind miniature needs a file of weights"):
        load_extractor("miniature")


def test_missing_inception_weights_are_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ModelError, match="no such file; download https://") as caught:
        load_extractor("inception")
    assert "\n" not in str(caught.value) and WEIGHTS_FILE in str(caught.value)
    impostor = tmp_path / WEIGHTS_FILE
    impostor.write_bytes(b"something else")
    with pytest.raises(ModelError, match="does not start with 6726825d"):
        load_extractor("inception", impostor)


def test_inception_is_that_of_pytorch_fid(images, tmp_path, monkeypatch):
    """With the same random weights as the reference program's network; the published ones need a download."""
    reference = pytest.importorskip("cleanfid.inception_pytorch")
    torch.manual_seed(0)
    state = FidInception().state_dict()
    for name, value in state.items():  # activations of a fresh network die out over its depth
        if name.endswith("conv.weight"):
            torch.nn.init.kaiming_normal_(value)
    weights = tmp_path / "inception.safetensors"
    safetensors.torch.save_file({name: value.contiguous() for name, value in state.items()}, weights)
    extractor = load_extractor("inception", weights, batch=2)
    seen = extractor.extract(images[:2])
    assert seen.features.shape == (2, 2048) and seen.probabilities.shape == (2, 1008)

    monkeypatch.setattr(reference, "load_state_dict_from_url", lambda *_, **__: state)
    other = reference.InceptionV3(resize_input=False).eval()
    pixels = torch.from_numpy(clean_resize(images[:2], 299)).permute(0, 3, 1, 2)
    # The reference scales by 2x / 255 - 1, the TensorFlow graph by (x - 128) / 128, as here.
    with torch.no_grad():
        wanted = other(((pixels - 128) / 128 + 1) / 2)[0].flatten(1).numpy()
    assert np.ptp(wanted) > 0.01
    assert seen.features == pytest.approx(wanted, rel=1e-3, abs=1e-4)


def test_timm_networks_load_from_a_file(images, tmp_path):
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    network = timm.create_model("test_resnet", pretrained=False).eval()
    weights = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(network.state_dict(), weights)
    extractor = load_extractor("timm:test_resnet", weights, batch=4)
    seen = extractor.extract(images)
    assert extractor.name == "timm-test_resnet"
    assert seen.features.shape == (7, network.num_features) and seen.probabilities.shape == (7, 1000)
    with pytest.raises(ModelError, match="unknown architecture"):
        load_extractor("timm:test_resnett", weights)


def test_weights_of_another_network_are_refused(miniature_weights):
    with pytest.raises(ModelError, match="does not fit the architecture"):
        load_extractor("timm:test_resnet", miniature_weights)
