"""The zoo's build, on photographs: whole, resumed, and refused."""

from __future__ import annotations

import pytest
import torch

from prism.artifacts import verify
from prism.config import DiffusionConfig
from prism.errors import ConfigError, DataError
from prism.miniature.zoo import loop, prior, stage
from prism.models.diffusion import load_text_to_image

PARTS = ["text-to-image/vae", "tiny-decoder", "text-to-image"]


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """No compiler, whose minutes a build of two steps does not repay, and the threads as they are."""
    monkeypatch.setattr(torch, "compile", lambda function: function)
    monkeypatch.setattr(stage, "set_threads", lambda: None)
    monkeypatch.setattr(prior, "CORPUS_CAPTIONS", 50)


def weights(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.safetensors")}


def test_an_interrupted_build_ends_in_the_models_of_a_whole_one(photographs, settings, tmp_path, monkeypatch):
    config = settings(photographs)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    stage.build(config, whole)
    manifest = verify(whole / "manifest.json")
    assert manifest.count == 3 and set(manifest.inputs) == {"photographs.zip", "classes.json"}
    assert not any(".work" in name for name in manifest.outputs)
    for part in PARTS:
        assert f"{part}/README.md" in manifest.outputs
    card = (whole / "text-to-image" / "vae" / "README.md").read_text(encoding="utf-8")
    assert "`mse`" in card and "2 steps of 2)" in card

    chosen = DiffusionConfig(pipeline=str(whole / "text-to-image"), tiny_decoder=whole / "tiny-decoder", size_px=32)
    model = load_text_to_image(chosen, torch.device("cpu"))
    assert model.latent_shape == (6, 8, 8) and model.tokenizer.model_max_length == 32
    latents, text = torch.zeros(1, 6, 8, 8), model.embed(["a photo of a cat, a pet"])
    assert model.denoise(latents, torch.tensor(5), text).shape == latents.shape
    assert model.decode(latents, "tiny").shape == model.decode(latents).shape == (1, 3, 32, 32)

    save, saves = loop._save, []

    def save_and_die(work, step, *state):
        save(work, step, *state)
        saves.append(work.name)
        if len(saves) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        stage.build(config, broken)
    assert not (broken / "manifest.json").exists()
    stage.build(config, broken)
    assert saves == ["autoencoder", "autoencoder-decoder", "tiny", "text-to-image"]  # none is trained twice
    # Ignoring the .work folders, whose checkpoints hold the same numbers anyway.
    assert weights(broken / "text-to-image") == weights(whole / "text-to-image")
    assert weights(broken / "tiny-decoder") == weights(whole / "tiny-decoder")

    with pytest.raises(ConfigError, match="was begun with other settings") as caught:
        stage.build(settings(photographs, seed=1), broken)
    assert "\n" not in str(caught.value)


def test_missing_photographs_are_one_line(photographs, settings, tmp_path):
    config = settings(photographs, images=[str(photographs / "gone.zip!train")])
    with pytest.raises(DataError, match="gone.zip: there is no such folder or archive") as caught:
        stage.build(config, tmp_path / "zoo")
    assert "\n" not in str(caught.value)


def test_every_kind_has_its_parts_in_the_order_of_training(photographs, settings, project_root):
    made = stage.KINDS["photographs"](settings(photographs).zoo)
    assert list(made) == PARTS
    drawn = list(stage.KINDS["miniature"](stage.ZooConfig()))
    assert [name for name in drawn if name in PARTS] == PARTS
    assert drawn.index("oracle") < drawn.index(PARTS[0])
