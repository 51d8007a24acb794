import json
import shutil
from pathlib import Path

import pytest
import torch

from prism.errors import ModelError
from prism.miniature.zoo.language import new_chat_tokenizer, new_language_model
from prism.models.chats import caption_request
from prism.models.language import NucleusSampling, TransformersEngine

SETTINGS = {"max_new_tokens": 12, "temperature": 0.8, "top_p": 0.9}
CHATS = [
    caption_request(name="crane", gloss="a wading bird", style="photo", hints=["at night"], lines=1),
    caption_request(name="bat", gloss=None, style="pencil sketch", hints=["at sea", "indoors"], lines=4),
]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory) -> Path:
    """A model of the miniature's kind with random weights: it babbles, but deterministically."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("language-model")
    tokenizer = new_chat_tokenizer()
    tokenizer.save_pretrained(folder)
    new_language_model(tokenizer, width=32, layers=2).save_pretrained(folder)
    return folder


def test_same_seeds_give_the_same_answers_and_others_do_not(model_folder):
    engine = TransformersEngine(str(model_folder))
    first = engine.complete(CHATS, seeds=[1, 2], **SETTINGS)
    again = TransformersEngine(str(model_folder)).complete(CHATS, seeds=[1, 2], **SETTINGS)
    assert first == again
    assert first != engine.complete(CHATS, seeds=[3, 4], **SETTINGS)


def test_an_answer_does_not_depend_on_its_neighbours(model_folder):
    engine = TransformersEngine(str(model_folder))
    together = engine.complete(CHATS, seeds=[1, 2], **SETTINGS)
    alone = [engine.complete([chat], seeds=[seed], **SETTINGS)[0] for chat, seed in zip(CHATS, (1, 2), strict=True)]
    assert together == alone
    assert engine.complete(CHATS[::-1], seeds=[2, 1], **SETTINGS) == together[::-1]


def test_temperature_zero_ignores_seeds(model_folder):
    engine, greedy = TransformersEngine(str(model_folder)), SETTINGS | {"temperature": 0.0}
    assert engine.complete(CHATS, seeds=[1, 2], **greedy) == engine.complete(CHATS, seeds=[3, 4], **greedy)


def test_nucleus_sampling_draws_by_probability_from_the_nucleus_alone():
    scores = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().repeat(4000, 1)
    drawn = NucleusSampling(range(4000), temperature=1.0, top_p=0.75)(None, scores).argmax(-1)
    shares = torch.bincount(drawn, minlength=4) / 4000
    assert shares[2:].sum() == 0  # 0.5 + 0.3 reach 0.75
    assert shares[0] == pytest.approx(0.5 / 0.8, abs=0.03)


@pytest.mark.parametrize("name", ["/no/such/folder", "./none", "a/b/c"])
def test_missing_folders_are_one_clear_line(name):
    with pytest.raises(ModelError, match="there is no such folder"):
        TransformersEngine(name)


def test_folders_that_are_no_model_are_one_clear_line(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"')
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        TransformersEngine(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_not_loaded(model_folder, tmp_path):
    for file in model_folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        TransformersEngine(str(tmp_path))


def test_models_without_a_chat_template_are_refused(model_folder, tmp_path):
    for file in model_folder.iterdir():
        if file.suffix != ".jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="no chat template"):
        TransformersEngine(str(tmp_path))


def test_a_model_s_own_penalty_does_not_come_before_the_sampling(model_folder, tmp_path):
    wanted = TransformersEngine(str(model_folder)).complete(CHATS, seeds=[1, 2], **SETTINGS)
    shutil.copytree(model_folder, tmp_path / "penalised")
    settings = tmp_path / "penalised" / "generation_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"repetition_penalty": 5.0}))
    assert TransformersEngine(str(tmp_path / "penalised")).complete(CHATS, seeds=[1, 2], **SETTINGS) == wanted
