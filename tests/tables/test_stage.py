"""The stage with the project's own configuration: every table and figure it names can be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prism.config import load_config
from prism.config.tables import SettingConfig
from prism.data.shards import Sample, sample_key, write_shard
from prism.errors import ConfigError, DataError
from prism.tables.registry import FIGURES, TABLES
from prism.tables.stage import context_of, write_figure, write_table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(ROOT)
    return load_config(Path("config/config.yaml"))


def test_the_configuration_names_all_tables_and_figures(config):
    assert set(config.tables.tables) == set(TABLES)
    assert set(config.tables.figures) == set(FIGURES)


def test_a_table_is_written_in_four_formats_and_the_same_each_time(config, results, tmp_path):
    write_table(config, "accuracy", results, tmp_path / "one" / "accuracy.csv")
    write_table(config, "accuracy", results[::-1], tmp_path / "two" / "accuracy")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["accuracy.csv", "accuracy.html", "accuracy.md", "accuracy.tex"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("dataset", "told"), [("ImageNet", "but on PACS-art, "), ("ImageNet-1K", "but on ImageNet-1K for ResNet-34 → ")]
)
def test_a_setting_that_no_paper_has_is_said_in_the_table(config, results, tmp_path, dataset, told):
    setting = SettingConfig(dataset=dataset, teacher="ResNet-34", student="ResNet-8")
    other = config.model_copy(update={"tables": config.tables.model_copy(update={"setting": setting})})
    write_table(other, "accuracy", results, tmp_path / "accuracy")
    text = (tmp_path / "accuracy.md").read_text(encoding="utf-8")
    assert f"No published number is for {dataset}, ResNet-34 → ResNet-8 (tables.setting), {told}" in text


def test_nothing_is_written_when_an_input_is_bad(config, write, tmp_path):
    with pytest.raises(DataError, match="bad.json"):
        write_table(config, "accuracy", [write("bad.json", "{")], tmp_path / "out" / "accuracy")
    assert not (tmp_path / "out").exists()


def test_an_unknown_table_or_figure_lists_those_there_are(config, tmp_path):
    with pytest.raises(ConfigError, match="no table 'accuracies'; it may be one of accuracy"):
        write_table(config, "accuracies", [], tmp_path / "x")
    with pytest.raises(ConfigError, match="no figure 'image'; it may be one of images"):
        write_figure(config, "image", [], tmp_path / "x.png")


def test_parts_of_the_ablation_follow_from_the_recipes(config):
    parts = context_of(config).parts
    assert parts["vanilla"] == frozenset()
    assert parts["prism"] == {"energy", "senses", "contents", "styles"}
    assert "real" not in parts


def test_a_method_with_another_energy_or_a_learned_token_takes_no_part_in_the_ablation(config):
    every = config.model_copy(update={"run": list(config.methods)})
    assert not {"prism-free", "ddis-cat", "prism+cat"} & context_of(every).parts.keys()
    assert context_of(every).parts["prism-no-styles"] == {"energy", "senses", "contents"}


def test_images_are_drawn_from_the_first_shard_of_each_method(config, tmp_path):
    shards = []
    for number, method in enumerate(("vanilla", "prism")):
        image = np.full((8, 8, 3), 60 * number, np.uint8)
        samples = [Sample(sample_key(index, 0), image, {"class_index": index}) for index in range(3)]
        shards.append(tmp_path / method / "shard-0000.tar")
        write_shard(shards[-1], samples, {"stage": "synthesis", "recipe": {"method": method}})
    write_figure(config, "images", shards, tmp_path / "one.png")
    write_figure(config, "images", [shard.with_suffix(".json") for shard in shards], tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_broken_shard_is_named(config, tmp_path):
    shard = tmp_path / "shard-0000.tar"
    write_shard(
        shard,
        [Sample(sample_key(0, 0), np.zeros((8, 8, 3), np.uint8), {"class_index": 0})],
        {"stage": "synthesis", "recipe": {"method": "vanilla"}},
    )
    shard.write_bytes(shard.read_bytes()[:600])
    with pytest.raises(DataError, match=r"shard-0000\.tar"):
        write_figure(config, "images", [shard], tmp_path / "x.png")
