"""The smoke configuration on random models, and prompts for it."""

import pytest
import torch

from prism.config import load_config
from prism.data.classes import load_classes
from prism.data.prompts import PromptRecord, write_prompt_file
from prism.models.diffusion import load_text_to_image
from prism.models.teacher import load_teacher


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
