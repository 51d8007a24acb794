"""Replicates: images of several seeds are tested as students are, and only those that differ in the seed alone."""

from __future__ import annotations

import csv
import io
import json

import pytest

from prism.config import ClaimConfig
from prism.errors import DataError
from prism.tables.claims import build
from prism.tables.context import Context
from prism.tables.frame import collect
from prism.tables.render import to_csv
from prism.tables.replicates import with_replicates

PRECISION = {"prism": (0.50, 0.54, 0.52), "vanilla": (0.40, 0.42, 0.41), "real": (0.9, 0.9, 0.9)}
FID = {"prism": (30, 33, 36), "vanilla": (40, 40, 43), "real": (1, 2, 1)}
OTHERS = ("one", "two")


@pytest.fixture
def own(write):
    return written(write, "own", 0)


@pytest.fixture
def others(write):
    return [path for seed, name in enumerate(OTHERS, start=1) for path in written(write, name, seed)]


def written(write, experiment, seed):
    """Evaluations of three methods, and the manifests of prompts, tokens and images behind them."""

    def record(name, stage, recipe, **fields):
        about = {"revision": 1, "models": {"teacher": "t"}, "recipe_hash": "0" * 16, "inputs": {}}
        return write(
            f"results/{experiment}/{name}.json", about | {"stage": stage, "recipe": {"seed": seed, **recipe}} | fields
        )

    paths = [
        record("prompts/names", "prompts", {"strategy": {"name": "names"}, "prompts": {"per_class": 20}}),
        record("tokens/names", "tokens", {"strategy": "names", "tokens": {"epochs": 15}}),
    ]
    for method in PRECISION:
        recipe, inputs = {"method": method, "evaluation": {"k": 3}}, {"shard-0000.tar": f"{method} {seed}"}
        if method == "real":
            recipe, inputs = recipe | {"real": "world:in-distribution"}, {}
        else:
            made = {"method": method, "prompts": "names", "guidance": [{"scale": 1.0}]}
            made["synthesis"] = {"images_per_class": 40}
            paths.append(record(f"synthesis/{method}/shard-0000", "synthesis", made, outputs=inputs))
        metrics = {"precision": PRECISION[method][seed], "fid": FID[method][seed]}
        protocol = {"n": 400, "names": {"precision": "precision_k3_n400", "fid": "fid_n400"}}
        measured = {"method": method, "metrics": metrics, "protocol": protocol, "inputs": inputs}
        paths.append(record(f"evaluation/{method}", "evaluation", recipe, **measured))
    return paths


def judged(own, others, **fields):
    """The row of the claim that ``fields`` make of: prism's images are better than vanilla's."""
    about = {"statement": "A.", "source": "B.", "mark": "ours", "left": "prism", "right": ["vanilla"]}
    context = Context(
        methods={"prism": "PRISM", "vanilla": "Vanilla"}, claims={"it": ClaimConfig.model_validate(about | fields)}
    )
    table = build(with_replicates(collect(own), own, others), context)
    (row,) = csv.DictReader(io.StringIO(to_csv(table)))
    return row


def change(path, keys, value):
    """Write ``value`` at ``keys`` into the JSON file ``path``."""
    content = json.loads(path.read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(content))


def the(paths, ending):
    (path,) = (path for path in paths if str(path).endswith(ending))
    return path


def test_alone_an_experiment_s_images_are_judged_by_the_margin(own):
    row = judged(own, [], kind="greater", metric="precision", margin=0.2)  # 0.50 against 0.40
    assert (row["verdict"], row["test"], row["left_n"], row["of"]) == ("undecided", "margin 0.2", "1", "")


def test_with_replicates_they_are_tested_over_the_seeds_of_the_images(own, others):
    row = judged(own, others, kind="greater", metric="precision", margin=0.2)
    # differences 0.10, 0.12, 0.11: t^2 = 3 * 11^2 = 363, and p = (1 - sqrt(t^2 / (t^2 + 2))) / 2 for two degrees
    assert float(row["difference_mean"]) == pytest.approx(0.11) and float(row["difference_sd"]) == pytest.approx(0.01)
    assert float(row["p_mean"]) == pytest.approx((1 - (363 / 365) ** 0.5) / 2)
    assert (row["verdict"], row["test"], row["of"]) == ("holds", "paired t, one-sided", "images of 3 seeds")
    assert (float(row["left_mean"]), float(row["left_sd"]), row["left_n"]) == (0.52, pytest.approx(0.02), "3")
    assert row["sources"].count("evaluation/prism.json") == 3
    # differences -10, -7, -7: mean -8, standard deviation sqrt(3), so t = -8
    row = judged(own, others, kind="less", metric="fid", factor=2)
    assert float(row["p_mean"]) == pytest.approx((1 - (64 / 66) ** 0.5) / 2) and row["verdict"] == "holds"
    assert judged(own, others, kind="greater", metric="fid", factor=2)["verdict"] == "does not hold"


def test_the_order_of_the_files_changes_nothing(own, others):
    about = {"kind": "greater", "metric": "precision", "margin": 0.2}
    assert judged(own[::-1], others[::-1], **about) == judged(own, others, **about)


def test_methods_of_a_replicate_that_are_not_ours_are_left_aside(own, others):
    fewer = [path for path in own if "vanilla" not in str(path)]
    frame = with_replicates(collect(fewer), fewer, others)
    assert set(frame["method"]) == {"prism", "real"} and len(frame) == 2 * 2 * 3


@pytest.mark.parametrize(
    ("ending", "keys", "value", "message"),
    [
        (
            "two/synthesis/prism/shard-0000.json",
            ("recipe", "synthesis", "images_per_class"),
            10,
            "recipe.synthesis.images_per_class is 10, but 40 in ",
        ),
        (
            "one/synthesis/vanilla/shard-0000.json",
            ("recipe", "guidance", 0, "scale"),
            2.0,
            "recipe.guidance[0].scale is 2.0, but 1.0 in ",
        ),
        ("one/synthesis/prism/shard-0000.json", ("recipe", "cutmix"), {"every": 5}, 'cutmix is {"every": 5}, but null'),
        ("one/prompts/names.json", ("recipe", "prompts", "per_class"), 5, "recipe.prompts.per_class is 5, but 20 in "),
        ("two/tokens/names.json", ("recipe", "tokens", "epochs"), 1, "recipe.tokens.epochs is 1, but 15 in "),
        ("two/evaluation/real.json", ("recipe", "evaluation", "k"), 5, "recipe.evaluation.k is 5, but 3 in "),
        ("two/evaluation/real.json", ("protocol", "n"), 399, "protocol.n is 399, but 400 in "),
        ("one/evaluation/prism.json", ("models", "teacher"), "u", 'models.teacher is "u", but "t" in '),
        ("one/evaluation/prism.json", ("revision",), 2, "revision is 2, but 1 in "),
    ],
)
def test_a_replicate_made_otherwise_is_one_line_with_file_and_key(own, others, ending, keys, value, message):
    change(the(others, ending), keys, value)
    with pytest.raises(DataError) as caught:
        with_replicates(collect(own), own, others)
    told = str(caught.value)
    assert f"{ending}: " in told and message in told and told.endswith("a replicate differs in recipe.seed alone")
    assert "results/own/" in told and "\n" not in told


def test_a_replicate_needs_a_seed_of_its_own(own, others, write):
    with pytest.raises(DataError, match=r"results/same/.*: recipe.seed is 0, as in .*results/own/"):
        with_replicates(collect(own), own, written(write, "same", 0))
    with pytest.raises(DataError, match=r"one/.* and .*twin/.*: both have recipe.seed=1; each replicate needs its own"):
        with_replicates(collect(own), own, [*others, *written(write, "twin", 1)])


def test_a_replicate_without_one_of_our_methods_or_without_its_recipe_is_refused(own, others):
    for ending, what in (("two/evaluation/prism.json", "evaluation"), ("two/synthesis/prism/shard-0000.json", "synth")):
        fewer = [path for path in others if path != the(others, ending)]
        with pytest.raises(DataError, match=f"among the files of seed 2 there is no {what}.* of prism"):
            with_replicates(collect(own), own, fewer)
    with pytest.raises(DataError, match="among the files of this experiment there is no prompts of names"):
        with_replicates(collect(own), [path for path in own if "prompts" not in str(path)], others)


def test_an_evaluation_of_images_that_were_made_anew_since_is_refused(own, others):
    change(the(others, "one/synthesis/prism/shard-0000.json"), ("outputs", "shard-0000.tar"), "other")
    with pytest.raises(DataError, match=r"one/evaluation/prism.json: measured another shard-0000.tar than that of"):
        with_replicates(collect(own), own, others)


def test_two_experiments_are_never_taken_for_one_without_being_asked(own, others):
    with pytest.raises(DataError, match="both hold"):
        collect([*own, *others])
