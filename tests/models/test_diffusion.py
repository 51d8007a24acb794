"""Text-to-image models from disk: what is missing, damaged, hostile or does not fit is one clear line."""

import json
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel

from prism.errors import ModelError
from prism.models.diffusion import load_text_to_image


class Hostile:
    """Unpickling it makes a file: the proof that code was run."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


@pytest.fixture
def load(random_models, tmp_path):
    """``load(**settings)`` from a copy of the random models in ``tmp_path``."""
    for name in ("text-to-image", "tiny-decoder"):
        shutil.copytree(random_models / name, tmp_path / name)
    usual = {"pipeline": str(tmp_path / "text-to-image"), "tiny_decoder": tmp_path / "tiny-decoder"}
    usual |= {"revision": None, "scheduler": "ddim"}
    return lambda **settings: load_text_to_image(SimpleNamespace(**usual | settings), torch.device("cpu"))


def refusal(load, match, **settings):
    with pytest.raises(ModelError, match=match) as caught:
        load(**settings)
    assert "\n" not in str(caught.value)


def test_everything_is_frozen_and_in_evaluation_mode(load):
    model = load()
    for part in (model.text_encoder, model.unet, model.vae, model.tiny):
        assert not part.training and not any(one.requires_grad for one in part.parameters())
    assert (model.latent_shape, model.scale_factor) == ((4, 8, 8), 4)


def test_missing_folders_are_named_with_their_key(load, tmp_path):
    refusal(load, "diffusion.pipeline: .*none cannot be loaded", pipeline=str(tmp_path / "none"))
    refusal(load, "diffusion.tiny_decoder: .*none cannot be loaded", tiny_decoder=tmp_path / "none")


@pytest.mark.parametrize(
    "file",
    [
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
        "scheduler/scheduler_config.json",
        "model_index.json",
    ],
)
def test_truncated_files_are_refused(load, tmp_path, file):
    path = tmp_path / "text-to-image" / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(load, "diffusion.pipeline: .* cannot be loaded")


@pytest.mark.parametrize(("part", "name"), [("unet", "diffusion_pytorch_model"), ("text_encoder", "pytorch_model")])
def test_code_in_pickled_weights_is_not_run(load, tmp_path, part, name):
    proof, folder = tmp_path / "proof", tmp_path / "text-to-image" / part
    (weights,) = folder.glob("*.safetensors")
    weights.unlink()
    (folder / f"{name}.bin").write_bytes(pickle.dumps(Hostile(proof)))
    refusal(load, "diffusion.pipeline.*safetensors")
    assert not proof.exists()


def test_a_tiny_decoder_of_other_latents_is_refused(load, tmp_path):
    other = {"encoder_block_out_channels": (8, 8), "decoder_block_out_channels": (8, 8)}
    blocks = {"num_encoder_blocks": (1, 1), "num_decoder_blocks": (1, 1)}
    AutoencoderTiny(latent_channels=8, **other, **blocks).save_pretrained(tmp_path / "other")
    refusal(load, "takes 8 latent channels, the pipeline has 4", tiny_decoder=tmp_path / "other")
    AutoencoderTiny(latent_channels=4, **other, **blocks).save_pretrained(tmp_path / "small")
    refusal(load, "enlarges latents 2 times, the pipeline's decoder 4 times", tiny_decoder=tmp_path / "small")


def test_without_a_tiny_decoder_a_term_that_asks_for_it_is_told(load):
    model = load(tiny_decoder=None)
    with pytest.raises(ModelError, match="diffusion.tiny_decoder"):
        model.decode(torch.zeros(1, 4, 8, 8), "tiny")


def test_a_model_that_needs_more_than_a_text_and_a_latent_is_refused(load, tmp_path):
    path = tmp_path / "text-to-image" / "unet" / "config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | {"in_channels": 9}))  # as for inpainting
    (tmp_path / "text-to-image" / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(path.parent))
    unet.save_pretrained(path.parent)
    refusal(load, "its U-Net takes 9 channels and its latents have 4; choose", tiny_decoder=None)


def test_prompts_that_are_cut_are_told(load, caplog):
    model = load()
    caplog.clear()
    short = "a photo of a crane"
    model.embed([short])
    assert not caplog.records
    model.embed([short, " ".join([short] * 30)])
    (record,) = caplog.records
    assert "1 prompts are longer than 24 tokens and are cut" in record.getMessage()
