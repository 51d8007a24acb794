"""The shipped models are whole, small, described, and good enough to carry the science."""

import numpy as np
import pytest
import torch

from prism.artifacts import verify
from prism.miniature.lexicon import CONCEPTS
from prism.miniature.sources import world_images
from prism.miniature.world import draw, sample_broad
from prism.miniature.zoo.autoencoder import to_tensor
from prism.miniature.zoo.measure import answers, reconstruction_agreement, sense_shares
from prism.models.checkpoints import load_classifier
from prism.models.classifiers import has_batchnorm
from prism.models.diffusion import load_text_to_image

TEACHERS = ("miniature-resnet", "miniature-vgg", "miniature-mobilenet", "miniature-mixer")


@pytest.fixture(scope="module")
def assets(project_root):
    return project_root / "assets" / "miniature"


@pytest.fixture(scope="module")
def oracle(assets):
    return load_classifier(assets / "oracle" / "model.safetensors")


@pytest.fixture(scope="module")
def broad():
    """200 scenes of the broad world and their images."""
    rng = np.random.default_rng(12345)
    scenes = [sample_broad(rng) for _ in range(200)]
    return scenes, np.stack([draw(scene, rng) for scene in scenes])


@pytest.fixture
def model(assets, project_root, monkeypatch):
    from prism.config import load_config

    monkeypatch.chdir(project_root)
    return load_text_to_image(load_config(project_root / "config/config.yaml").diffusion, torch.device("cpu"))


def test_every_file_is_the_one_of_the_manifest(assets):
    manifest = verify(assets / "manifest.json")
    weights = {path.relative_to(assets).as_posix() for path in assets.rglob("*.safetensors")}
    assert weights <= set(manifest.outputs)


def test_they_are_small_and_hold_no_pickles(assets):
    files = [path for path in assets.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 30e6
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".md", ".jinja", ".txt"}


def test_no_configuration_names_a_folder_of_the_machine_that_made_it(assets):
    for path in assets.rglob("*.json"):
        assert "_name_or_path" not in path.read_text(encoding="utf-8"), path


def test_every_model_has_a_card(assets):
    for weights in assets.rglob("*.safetensors"):
        assert any((folder / "README.md").is_file() for folder in weights.parents if assets in folder.parents), weights


@pytest.mark.parametrize("architecture", TEACHERS)
def test_teachers_know_the_in_distribution_world(assets, architecture):
    teacher = load_classifier(assets / "teachers" / architecture / "model.safetensors")
    held_out = world_images("in-distribution", 20, seed=987)
    with torch.no_grad():
        found = teacher(to_tensor(held_out.images) / 2 + 0.5).argmax(1).numpy()
    assert (found == held_out.labels).mean() >= 0.95
    assert has_batchnorm(teacher) == (architecture != "miniature-mixer")


def test_the_oracle_tells_every_concept(oracle, broad):
    scenes, images = broad
    truth = np.array([list(CONCEPTS).index(scene.concept) for scene in scenes])
    assert (answers(oracle, images) == truth).mean() >= 0.97


def test_reconstruction_keeps_what_the_oracle_sees(model, oracle, broad):
    assert reconstruction_agreement(model.vae, broad[1], oracle)["oracle_kept"] >= 0.97


def test_the_tiny_decoder_is_close_to_the_full_one(model, broad):
    x = to_tensor(broad[1][:64])
    with torch.no_grad():
        z = model.vae.encode(x).latent_dist.mode() * model.vae.config.scaling_factor
        gap = (model.decode(z, "tiny") - model.decode(z)).square().mean()
        spread = model.decode(z).var()
    assert gap < 0.1 * spread


@pytest.mark.slow
def test_prompts_that_name_the_sense_draw_it_and_bare_names_draw_both(assets, oracle):
    shares = sense_shares(assets / "text-to-image", oracle, per_caption=12)
    assert shares["right_with_sense"] >= 0.9
    assert shares["either_sense"] >= 0.9
    assert shares["rarest_sense"] >= 0.25
