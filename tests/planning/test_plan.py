"""Hours and disk that follow from throughputs by hand, what is done already, and what is not known."""

import json
from pathlib import Path

import pytest

from prism.config import load_config
from prism.data.soft_labels import LabelFacts
from prism.errors import ConfigError, DataError
from prism.planning import measured_rows, plan_text
from prism.planning.throughput import COLUMNS, measured, read_throughputs
from prism.planning.work import jobs_of, label_bytes, shared_jobs

HEAD = ",".join(COLUMNS)
# 10 classes of 360 images are 3,600 images; 60 epochs of them are 216,000 views
ROWS = """
box,prompts,templates,0,100,,by hand
box,synthesis,vanilla,32,2,500,by hand
box,evaluation,miniature,32,100,,by hand
box,distillation,miniature-student,32,1000,,by hand
other,synthesis,vanilla,64,10,,elsewhere
other,synthesis,prism,64,5,,elsewhere
"""


@pytest.fixture
def config(project_root):
    return load_config(
        project_root / "config/config.yaml",
        overrides={"run": ["real", "vanilla", "prism"], "synthesis": {"images_per_class": 360, "shards": 4}},
        root=project_root,
    )


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "throughput.csv"
    path.write_text(HEAD + ROWS.rstrip() + "\n")
    return path


def cells(text: str, name: str) -> dict[str, str]:
    """One line of the plan, by its headings; the columns are right-aligned."""
    lines = text.splitlines()
    found = next(line for line in lines if line.startswith(name)).replace(name, " " * len(name), 1)
    ends = {word: lines[0].index(word) + len(word) for word in lines[0].split()}
    return {
        word: found[start:end].strip() for (word, end), start in zip(ends.items(), (0, *ends.values()), strict=False)
    }


def test_hours_are_work_over_throughput_and_other_methods_are_scaled_by_their_ratio_elsewhere(config, table, tmp_path):
    text = plan_text(config, 10, table, results=str(tmp_path / "none"))
    vanilla, prism, every = (cells(text, name) for name in ("Vanilla", "PRISM", "all"))
    assert vanilla["images"] == "3,600"  # of the figure
    assert vanilla["evaluation"] == prism["evaluation"] == "0.01"
    hours = {name: float(values["hours"].rstrip("+")) for name, values in (("vanilla", vanilla), ("prism", prism))}
    assert hours["vanilla"] == pytest.approx(0.5 + 36 / 3600 + 0.06, abs=0.01)
    assert hours["prism"] == pytest.approx(1.0 + 36 / 3600 + 0.06, abs=0.05)
    assert "scaled from vanilla by the ratio at 64 px: synthesis: prism" in text
    assert every["images"] == "7,200" and float(every["synthesis"]) == pytest.approx(1.5)
    # the diversified prompts are a language model's, whose throughput nobody measured
    assert "left out of the sums (+): prompts: language-model" in text and every["hours"].endswith("+")


def test_disk_is_that_of_images_and_soft_labels(config, table, tmp_path, project_root):
    facts = LabelFacts(epochs=60, images=100, classes=10, source_px=32, size_px=32, pixels="")
    with_labels = load_config(
        project_root / "config/config.yaml", overrides={"run": ["sre2l-ipc10"]}, root=project_root
    )
    wanted = sum(facts.bytes(name) for name in ("logits", "boxes", "flips", "partners", "patches"))
    assert label_bytes(with_labels, "sre2l-ipc10", 10) == wanted
    assert label_bytes(config, "vanilla", 10) == 0
    text = plan_text(config, 10_000, table, results=str(tmp_path / "none"))
    assert float(cells(text, "Vanilla")["GB"]) == pytest.approx(10_000 * 360 * 500 / 1e9)


def test_disk_that_nobody_knows_is_not_told_as_none(config, table, tmp_path):
    """Neither of images whose size is unknown though their speed is not, nor of those of which nothing is known."""
    table.write_text(table.read_text().replace(",2,500,", ",2,,"))
    text = plan_text(config, 10, table, results=str(tmp_path / "none"))
    assert [cells(text, name)["GB"] for name in ("Vanilla", "PRISM", "all")] == ["?"] * 3
    assert cells(text, "Real images")["GB"] == "0.00"  # they are there already
    assert "images of unknown size, left out of the gigabytes (+): vanilla, prism." in text
    shard = next(job for job in jobs_of(config, "vanilla", 10, str(tmp_path)) if job.stage == "synthesis")
    finish(shard.facts, run={"seconds": 90.0}, details={"bytes": 900_000_000})
    other = config.model_copy(update={"run": ["vanilla", "deepinversion"]})
    text = plan_text(other, 10, table, results=str(tmp_path))
    assert [cells(text, name)["GB"] for name in ("Vanilla", "DeepInversion", "all")] == ["3.6", "?", "3.6+"]


def finish(path: Path, **facts) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts))


def test_what_is_done_is_counted_and_measures_the_rest(config, table, tmp_path):
    shards = [job for job in jobs_of(config, "vanilla", 10, str(tmp_path)) if job.stage == "synthesis"]
    assert [job.units for job in shards] == [900] * 4
    finish(shards[0].facts, run={"seconds": 90.0}, details={"bytes": 900_000})
    text = plan_text(config, 10, table, results=str(tmp_path))
    vanilla = cells(text, "Vanilla")
    assert vanilla["done"] == "1 of 6"
    assert float(vanilla["images"].replace(",", "")) == 3600
    assert float(vanilla["hours"]) == pytest.approx(360 / 3600 + 0.07, abs=0.01)  # 10 images a second, not 2
    assert float(vanilla["left"]) == pytest.approx(270 / 3600 + 0.07, abs=0.01)
    rows = measured_rows(config, 10, "here", str(tmp_path)).splitlines()
    assert rows == ["here,synthesis,vanilla,32,10,1000,measured: miniature"]
    table.write_text("\n".join([HEAD, *rows]) + "\n")
    assert read_throughputs(table)["here"]["synthesis", "vanilla", 32].per_second == 10
    table.write_text("\n".join([HEAD, *rows, rows[0].replace(",10,", ",20,")]) + "\n")  # measured again
    assert read_throughputs(table)["here"]["synthesis", "vanilla", 32].per_second == 20


def test_prompts_and_tokens_are_counted_once(project_root):
    config = load_config(
        project_root / "config/config.yaml", overrides={"run": ["ddis", "ddis-cat"]}, root=project_root
    )
    assert [(job.stage, job.units) for job in shared_jobs(config, 10, "none")] == [
        ("prompts", 320),
        ("tokens", 10),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hardware,stage\n", "its columns should be hardware,stage,of"),
        (f"{HEAD}\nbox,synthesise,a,32,1,,\n", "line 2: stage 'synthesise' is unknown; did you mean synthesis"),
        (f"{HEAD}\nbox,synthesis,a,32,fast,,\n", "line 2: per_second is 'fast', which is no number"),
        (f"{HEAD}\nbox,synthesis,a,32,0,,\n", "line 2: per_second should be above 0"),
    ],
)
def test_a_wrong_table_is_refused_by_its_line(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        read_throughputs(tmp_path / "t.csv")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_hardware_is_refused_with_the_nearest(config, table, tmp_path):
    with pytest.raises(ConfigError, match="plan.hardware: boxx has no measured throughput.*box"):
        plan_text(config, 10, table, "boxx")


def test_the_shipped_table_is_sound_and_every_configuration_has_a_plan(project_root, tmp_path):
    known = read_throughputs(project_root / "docs/throughput.csv")
    assert known and all(rate.source for rows in known.values() for rate in rows.values())
    for name in ("config", "miniature-full", "cifar10", "imagenet1k"):
        files = dict.fromkeys([project_root / "config/config.yaml", project_root / f"config/{name}.yaml"])
        config = load_config(*files, root=project_root)
        text = plan_text(config, 10, project_root / "docs/throughput.csv", config.plan.hardware)
        assert all(config.label(method) in text for method in config.run)


def test_a_finished_job_counts_by_what_it_did_whatever_is_planned_by_now(config, tmp_path):
    jobs = [
        *jobs_of(config, "vanilla", 10, str(tmp_path)),
        *jobs_of(config, "adaptive-deepinversion", 10, str(tmp_path)),
    ]
    done = {job.stage: job for job in jobs}
    said = {
        "distillation": {"run": {"seconds": 100.0, "images_per_second": 50.0}},
        "synthesis": {"count": 40, "run": {"seconds": 20.0, "images_per_second": 2.0}, "details": {"bytes": 4000}},
        "inversion": {"count": 10, "run": {"seconds": 10.0, "images_per_second": 3840.0}},
    }
    for stage, content in said.items():
        done[stage].facts.parent.mkdir(parents=True, exist_ok=True)
        done[stage].facts.write_text(json.dumps(content))
    rates = {stage: rate for (stage, _, _), rate in measured(done.values()).items()}
    assert {stage: rate.per_second for stage, rate in rates.items()} == {
        "distillation": 50,
        "synthesis": 2,
        "inversion": 3840,
    }
    assert rates["synthesis"].bytes_per_image == 100
