"""Replicates in the configuration: which files they are, and a name that is no further seed is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from prism.config import check_paths, load_config
from prism.config.replicates import replicate_files
from prism.errors import ConfigError

ROOT = Path(__file__).parents[2]


def load(**overrides):
    return load_config(overrides=overrides, root=ROOT)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["miniature"], "tables.replicates[0]: miniature is this experiment itself; name others"),
        (["one", "two", "one"], "tables.replicates[2]: one is given twice"),
        (["../one"], "tables.replicates[0]=../one should be made of a-z"),
    ],
)
def test_a_name_that_is_no_further_seed_is_refused(names, message):
    with pytest.raises(ConfigError) as caught:
        load(tables={"replicates": names})
    assert str(caught.value).startswith(f"config: {message}") and "\n" not in str(caught.value)


def test_its_files_are_the_evaluations_and_what_their_images_are_made_from():
    config = load(
        run=["real", "vanilla", "ddis-cat", "sre2l", "few"],
        methods={"few": {"prompts": "senses", "images_per_class": 1}},  # too few to be evaluated
    )
    assert replicate_files(config, "other") == [
        "results/other/prompts/class-name.json",
        "results/other/prompts/class-token.json",
        "results/other/tokens/class-token.json",
        "results/other/synthesis/vanilla/shard-0000.json",
        "results/other/synthesis/ddis-cat/shard-0000.json",
        "results/other/synthesis/sre2l/shard-0000.json",
        "results/other/evaluation/real.json",
        "results/other/evaluation/vanilla.json",
        "results/other/evaluation/ddis-cat.json",
        "results/other/evaluation/sre2l.json",
    ]


def test_one_that_is_not_finished_is_one_line_with_its_first_missing_file(tmp_path):
    config = load(run=["vanilla"], tables={"replicates": ["done", "half"]})
    for file in [*replicate_files(config, "done"), *replicate_files(config, "half")[:-1]]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(ConfigError) as caught:
        check_paths(config, tmp_path)
    assert [line for line in str(caught.value).splitlines() if "replicates" in line] == [
        "config: tables.replicates[1]: there is no results/half/evaluation/vanilla.json; run the target evaluation "
        "with experiment=half and another seed first"
    ]


def test_they_are_no_part_of_any_recipe():
    assert load(tables={"replicates": ["one"]}).recipe("tables") == load().recipe("tables")
