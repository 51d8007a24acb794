"""A text-to-image model, its tiny decoder and a teacher: real formats, random weights, small enough for tests."""

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, StableDiffusionPipeline

from prism.config import load_config
from prism.data.classes import load_classes
from prism.data.prompts import PromptRecord, write_prompt_file
from prism.miniature.zoo.diffusion import new_scheduler, new_unet
from prism.miniature.zoo.text import new_text_encoder, new_tokenizer
from prism.models.checkpoints import save_model
from prism.models.classifiers import build
from prism.models.diffusion import load_text_to_image
from prism.models.teacher import load_teacher

TEACHER = {"architecture": "miniature-resnet", "num_classes": 10, "size_px": 32, "mean": [0.5] * 3, "std": [0.25] * 3}


@pytest.fixture(scope="session")
def random_models(tmp_path_factory):
    """Folder with text-to-image/, tiny-decoder/ and teacher.safetensors."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    tokenizer = new_tokenizer(["a photo of a crane, a wading bird, in the snow"] * 3, vocab_size=600)
    vae = AutoencoderKL(
        block_out_channels=(16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=8,
        mid_block_add_attention=False,
        scaling_factor=0.7,
    )
    unet = new_unet(channels=(16, 32), text_width=32)
    # Untrained weights give outputs near zero; larger ones make guidance and text visible.
    for parameter in [*unet.conv_out.parameters(), *vae.decoder.conv_out.parameters()]:
        parameter.data.mul_(4)
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=new_text_encoder(tokenizer, width=32, layers=1),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "text-to-image")
    AutoencoderTiny(
        latent_channels=4,
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
    ).save_pretrained(folder / "tiny-decoder")
    save_model(folder / "teacher.safetensors", build("miniature-resnet", 10, seed=0), TEACHER)
    return folder


@pytest.fixture
def config(random_models, project_root, monkeypatch):
    """The smoke configuration on the random models."""
    monkeypatch.chdir(project_root)
    return load_config(
        project_root / "config/config.yaml",
        project_root / "config/smoke.yaml",
        overrides={
            "teacher": {"weights": str(random_models / "teacher.safetensors")},
            "diffusion": {
                "pipeline": str(random_models / "text-to-image"),
                "tiny_decoder": str(random_models / "tiny-decoder"),
                "steps": 4,
                "batch": 8,
            },
            "device": "cpu",
            "precision": "fp32",
        },
    )


@pytest.fixture
def model(config):
    return load_text_to_image(config.diffusion, torch.device("cpu"))


@pytest.fixture
def teacher(config):
    return load_teacher(config.teacher, 10)


@pytest.fixture
def prompt_file(config, tmp_path):
    """Two prompts a class."""
    records = [
        PromptRecord(
            class_index=index,
            prompt=f"a photo of a {one.name}",
            sense="",
            content="",
            style="",
            engine="templates",
            seed=j,
        )
        for index, one in enumerate(load_classes(config.classes))
        for j in range(2)
    ]
    path = tmp_path / "results" / "x" / "prompts" / "class-name.jsonl"
    write_prompt_file(path, records)
    return path
