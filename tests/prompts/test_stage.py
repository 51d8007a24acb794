import logging
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from prism.artifacts import progress_dir, read_manifest
from prism.config import Config, load_config
from prism.data.classes import load_classes
from prism.data.prompts import read_prompts
from prism.errors import ModelError, PromptError, ShardError
from prism.miniature import captions, lexicon
from prism.miniature.zoo.language import new_chat_tokenizer, new_language_model
from prism.miniature.zoo.text import new_tokenizer
from prism.prompts.length import token_budget
from prism.prompts.stage import prompt_classes, write_prompts
from prism.prompts.writer import Writer

pytestmark = pytest.mark.usefixtures("no_real_images")  # none of it sees any


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A pipeline's tokenizer, and a language model that babbles."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models")
    phrases = [phrase for pair in captions.CONTEXT_PHRASES.values() for phrase in pair]
    words = [f"a photo of a {concept.name}, {concept.gloss}" for concept in lexicon.CONCEPTS.values()]
    corpus = [*words, *phrases, *lexicon.COLOURS, "a sketch a cartoon a painting of an"] * 4
    new_tokenizer(corpus, max_tokens=24).save_pretrained(folder / "pipeline" / "tokenizer")
    tokenizer = new_chat_tokenizer()
    tokenizer.save_pretrained(folder / "babbler")
    new_language_model(tokenizer, width=32, layers=1).save_pretrained(folder / "babbler")
    return folder


@pytest.fixture
def config_with(folder, project_root):
    def make(**prompts) -> Config:
        overrides = {
            "classes": str(project_root / "config/classes/miniature.yaml"),
            "diffusion": {"pipeline": str(folder / "pipeline")},
            "synthesis": {"images_per_class": 6, "shards": 1},
            "run": ["real", "vanilla", "prism"],
            "prompts": {"engine": "templates", "model": None, "per_class": 4} | prompts,
            "device": "cpu",
            "precision": "fp32",
        }
        return load_config(overrides=overrides, root=project_root)

    return make


@pytest.fixture
def babbling(config_with, folder) -> Config:
    return config_with(engine="transformers", model=str(folder / "babbler"), retries=1, max_new_tokens=24)


def test_every_strategy_writes_what_synthesis_reads(config_with, tmp_path):
    config = config_with()
    classes = load_classes(config.classes)
    for strategy in config.strategies:
        output = tmp_path / "results" / f"{strategy}.jsonl"
        write_prompts(config, strategy, output)
        records = read_prompts(output, classes, 6, named=config.strategies[strategy].named)
        assert [len(of_class) for of_class in records] == [6] * 10
        assert read_manifest(output.with_suffix(".json")).count == 60


def test_the_class_name_strategy_is_the_bare_name(config_with, tmp_path):
    write_prompts(config_with(), "class-name", tmp_path / "p.jsonl")
    records = read_prompts(tmp_path / "p.jsonl", load_classes(config_with().classes), 1)
    assert records[0][0].prompt == "a photo of a crane" and records[0][0].style == "photo"


def test_class_agnostic_prompts_name_nothing(config_with, tmp_path):
    write_prompts(config_with(), "class-agnostic", tmp_path / "p.jsonl")
    records = read_prompts(tmp_path / "p.jsonl", load_classes(config_with().classes), 6, named=False)
    assert {record.prompt for of_class in records for record in of_class} == {"a realistic photo"}


def test_a_learned_token_stands_before_the_name_and_changes_nothing_else(config_with, tmp_path):
    config = config_with()
    lines = {}
    for strategy in ("class-name", "class-token", "diversified", "diversified-token"):
        write_prompts(config, strategy, tmp_path / f"{strategy}.jsonl")
        lines[strategy] = read_prompts(tmp_path / f"{strategy}.jsonl", load_classes(config.classes), 6)
    assert lines["class-token"][0][0].prompt == "a photo of a <align>_1 crane"
    for without, with_token in (("class-name", "class-token"), ("diversified", "diversified-token")):
        for index, (plain, aligned) in enumerate(zip(lines[without], lines[with_token], strict=True)):
            name = load_classes(config.classes)[index].name
            for one, other in zip(plain, aligned, strict=True):
                assert other.prompt.count(f"<align>_{index + 1} {name}") == 1
                bare = other.prompt.replace(f"<align>_{index + 1} ", "")
                assert bare.replace(" an ", " a ") == one.prompt.replace(" an ", " a ")


def test_a_learned_token_counts_as_the_one_token_that_it_will_be(folder):
    plain, learned = token_budget(str(folder / "pipeline")), token_budget(str(folder / "pipeline"), pseudo_words=1000)
    bare = plain.count("a photo of a crane")
    for word in ("<align>_1", "<align>_10", "<align>_1000"):
        assert learned.count(f"a photo of a {word} crane") == bare + 1
        assert plain.count(f"a photo of a {word} crane") > bare + 1
    assert learned.count("a photo of a <align>_1001 crane") > bare + 1


def test_a_prompt_that_only_the_learned_token_makes_too_long_is_refused(folder, config_with, tmp_path):
    tight = AutoTokenizer.from_pretrained(folder / "pipeline" / "tokenizer", model_max_length=7)
    tight.save_pretrained(tmp_path / "tight" / "tokenizer")
    config = config_with()
    config = config.model_copy(
        update={"diffusion": config.diffusion.model_copy(update={"pipeline": str(tmp_path / "tight")})}
    )
    write_prompts(config, "class-name", tmp_path / "p.jsonl")
    with pytest.raises(PromptError, match="a photo of a <align>_1 crane' takes 8 tokens, the text encoder reads 7"):
        write_prompts(config, "class-token", tmp_path / "q.jsonl")


@pytest.mark.parametrize("engine", ["templates", "transformers"])
def test_the_same_configuration_gives_the_same_bytes(config_with, folder, tmp_path, engine):
    config = config_with(engine=engine, model=str(folder / "babbler"), retries=1)
    for run in ("first", "second"):
        write_prompts(config, "diversified", tmp_path / run / "p.jsonl")
    assert (tmp_path / "first/p.jsonl").read_bytes() == (tmp_path / "second/p.jsonl").read_bytes()
    first, second = (
        read_manifest(tmp_path / run / "p.json").model_copy(update={"run": {}}) for run in ("first", "second")
    )
    assert first == second


def test_babble_falls_back_to_templates_and_is_told(babbling, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        write_prompts(babbling, "diversified", tmp_path / "p.jsonl")
    assert "wrote no good line for 40 of 40 contents" in caplog.text
    manifest = read_manifest(tmp_path / "p.json")
    lines = manifest.details["lines"]
    assert (lines["wanted"], lines["asked"], lines["retried"], lines["fallback"]) == (40, 80, 40, 40)
    assert sum(lines["rejected"].values()) == 80
    assert list(manifest.models) == ["model.safetensors"]
    caplog.clear()
    write_prompts(babbling, "diversified", tmp_path / "q.jsonl", warn_above=1.0)
    assert "wrote no good line" not in caplog.text


@pytest.fixture
def stopped(babbling, tmp_path, monkeypatch):
    """A configuration, the file of a run that was stopped in its third part, and the classes of all parts to come."""
    output, write, parts = tmp_path / "p.jsonl", Writer.write, []

    def stops_at_third(self, classes, *rest):
        parts.append([one.index for one in classes])
        if len(parts) == 3:
            raise KeyboardInterrupt
        return write(self, classes, *rest)

    monkeypatch.setattr(Writer, "write", stops_at_third)
    config = babbling.model_copy(update={"prompts": babbling.prompts.model_copy(update={"batch": 4})})
    with pytest.raises(KeyboardInterrupt):
        write_prompts(config, "diversified", output)
    return config, output, parts


def test_a_stopped_run_goes_on_after_its_last_finished_part(stopped, tmp_path):
    config, output, parts = stopped
    assert not output.exists() and len(list(progress_dir(output).glob("*.json"))) == 2
    (seconds,) = progress_dir(output).glob("*.seconds")
    seconds.write_text("1000.0\n")
    write_prompts(config, "diversified", output)
    assert read_manifest(output.with_suffix(".json")).run["seconds"] >= 1000  # those of the stopped run too
    assert parts[3] == parts[2]
    assert not progress_dir(output).exists()
    write_prompts(config, "diversified", tmp_path / "whole.jsonl")
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_lines_of_another_arithmetic_are_not_gone_on_from(stopped):
    """``precision: auto`` is bf16 on one machine and fp32 on another, whose answers differ: a file is of one alone."""
    config, output, parts = stopped
    first = parts[0]
    write_prompts(config.model_copy(update={"precision": "bf16"}), "diversified", output)
    assert parts[3] == first
    assert read_manifest(output.with_suffix(".json")).run["arithmetic"] == "cpu bfloat16"


def test_a_changed_prompt_file_is_noticed(config_with, tmp_path):
    output = tmp_path / "p.jsonl"
    write_prompts(config_with(), "senses", output)
    output.write_text(output.read_text().replace("wading", "flying"))
    with pytest.raises(ShardError, match="p.jsonl"):
        read_prompts(output, load_classes(config_with().classes), 6)


def test_a_pipeline_without_tokenizer_is_one_clear_line(config_with, tmp_path):
    config = config_with()
    broken = config.model_copy(update={"diffusion": config.diffusion.model_copy(update={"pipeline": str(tmp_path)})})
    with pytest.raises(ModelError, match="no tokenizer to count prompts with") as caught:
        write_prompts(broken, "senses", tmp_path / "p.jsonl")
    assert "\n" not in str(caught.value)


def test_other_senses_of_a_name_are_known_from_the_list(tmp_path):
    listing = tmp_path / "classes.yaml"
    listing.write_text(
        "- {name: crane, sense: bird, gloss: a wading bird}\n"
        "- {name: crane, sense: machine, gloss: 'a tall lifting machine; used at ports'}\n"
    )
    bird, machine = prompt_classes(load_classes(listing))
    assert bird.other_glosses == ("a tall lifting machine",) and machine.gloss == "a tall lifting machine"
