"""A learner of three classes on random networks, small enough that a whole learning takes seconds."""

import copy
import dataclasses
from types import SimpleNamespace

import pytest
import torch

from prism.config import TokensConfig, load_config
from prism.data.pseudo_words import pseudo_word
from prism.models.diffusion import TextToImage, load_text_to_image
from prism.models.pseudo_words import add_pseudo_words, initial_row
from prism.models.teacher import load_teacher
from prism.tokens.drawing import Drawing, DrawingSettings
from prism.tokens.learning import Learner
from prism.tokens.state import State

NAMES = ("crane", "bird", "snow")
SIZE_PX = 16
STEPS = 3


class Double(TextToImage):
    """The same model without the rounding of the U-Net's output to fp32."""

    def denoise(self, latents, timestep, embeddings):
        return self.unet(latents, timestep, encoder_hidden_states=embeddings, return_dict=False)[0]


@pytest.fixture
def overrides(random_models):
    """Keys that put the smoke configuration on the random models."""
    return {
        "teacher": {"weights": str(random_models / "teacher.safetensors")},
        "diffusion": {
            "pipeline": str(random_models / "text-to-image"),
            "tiny_decoder": str(random_models / "tiny-decoder"),
            "steps": STEPS,
            "size_px": SIZE_PX,
            "batch": 8,
        },
        "tokens": {
            "optimizer": "adam",
            "learning_rate": 0.01,
            "epochs": 2,
            "images": 2,
            "accumulate": 2,
            "clamp": None,
            "stop_above": 1.0,
            "decoder": "tiny",
            "batch": 7,
        },
        "device": "cpu",
        "precision": "fp32",
    }


@pytest.fixture
def config_with(overrides, project_root, monkeypatch):
    """``config_with(**tokens)``: the smoke configuration with other keys of the section ``tokens``."""
    monkeypatch.chdir(project_root)

    def make(**tokens):
        changed = {**overrides, "tokens": {**overrides["tokens"], **tokens}}
        return load_config(project_root / "config/config.yaml", project_root / "config/smoke.yaml", overrides=changed)

    return make


@pytest.fixture
def settings():
    """``settings(**changes)``: the section for a few images."""
    usual = {"optimizer": "adam", "learning_rate": 0.01, "epochs": 2, "images": 2, "accumulate": 2, "clamp": None}
    usual |= {"stop_above": 1.0, "decoder": "tiny", "batch": 4}
    return lambda **changes: TokensConfig(**usual | changes)


@pytest.fixture(scope="session")
def models(random_models):
    """The random text-to-image model and teacher, loaded once; who changes them takes a copy."""
    source = {"pipeline": str(random_models / "text-to-image"), "tiny_decoder": random_models / "tiny-decoder"}
    model = load_text_to_image(SimpleNamespace(**source, revision=None, scheduler="ddim"), torch.device("cpu"))
    facts = {"architecture": "miniature-resnet", "size_px": 32, "mean": [0.5] * 3, "std": [0.25] * 3}
    teacher = load_teacher(SimpleNamespace(weights=random_models / "teacher.safetensors", classes=None, **facts), 10)
    return model, teacher


@pytest.fixture
def learner_of(models):
    """``learner_of(settings, double=False)``: a learner on copies of the models, and its first state."""

    def make(settings, *, double=False, scheduler=None):
        model, teacher = copy.deepcopy(models)
        if scheduler is not None:
            model = dataclasses.replace(model, scheduler=scheduler.from_config(model.scheduler.config))
        if double:
            parts = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
            model.text_encoder.set_attn_implementation("sdpa")  # the eager one takes its softmax in fp32
            for part in (model.text_encoder, model.unet, model.vae, model.tiny, teacher):
                part.double()
            model = Double(**parts)
        initial = initial_row(model, settings.initial)
        state = State.new(initial, len(NAMES), settings.epochs)
        words = add_pseudo_words(model, state.rows)
        drawing = Drawing(model, DrawingSettings(STEPS, 2.0, SIZE_PX, settings.decoder))
        if double:
            drawing._uncond = drawing.encode([""]).detach()  # embed() rounds to fp32
        prompts = [[f"a photo of a {pseudo_word(c)} {name}"] for c, name in enumerate(NAMES)]
        seeds = [[1000 * c + j for j in range(settings.images)] for c in range(len(NAMES))]
        return Learner(drawing, words, teacher, prompts=prompts, seeds=seeds, settings=settings), state

    return make
