"""The stage: each student on every domain, as if it had been scored alone."""

import json
from pathlib import Path

import pytest

from prism.config import load_config
from prism.errors import ConfigError, ModelError
from prism.generalization.stage import generalize


@pytest.fixture
def config(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    return load_config(
        project_root / "config/config.yaml",
        project_root / "config/smoke.yaml",
        overrides={"device": "cpu", "generalization": {"domains": {"painting": None, "cartoon": None}}},
    )


def test_students_of_several_sizes_have_each_the_score_that_they_have_alone(config, untrained, tmp_path):
    students = [
        untrained("miniature-student-small", file="first"),
        untrained("miniature-student", size_px=24, file="small images"),
        Path("assets/miniature/teachers/miniature-resnet/model.safetensors"),
    ]
    together = [tmp_path / "together" / f"{index}.json" for index in range(3)]
    generalize(config, students, together)
    written = [json.loads(path.read_text()) for path in together]
    for student, scores in zip(students, written, strict=True):
        alone = tmp_path / "alone.json"
        generalize(config, [student], [alone])
        assert json.loads(alone.read_text()) == scores
        assert scores["domains"].keys() == config.generalization.domains.keys()
        assert {result["n"] for result in scores["domains"].values()} == {10 * config.generalization.per_class}
    first, _, trained = (scores["domains"]["in-distribution"]["accuracy"] for scores in written)
    assert trained > 0.9 > first


def test_the_score_says_whose_it_is(config, untrained, tmp_path):
    from safetensors.torch import load_file

    from prism.models.checkpoints import save_model
    from prism.models.classifiers import build

    network = build("miniature-student-small", 10, 32)
    network.load_state_dict(load_file(untrained("miniature-student-small")))
    facts = {"architecture": "miniature-student-small", "num_classes": 10, "size_px": 32}
    facts |= {"mean": [0.5] * 3, "std": [0.25] * 3, "method": "vanilla", "student": "tiny", "seed": 3}
    save_model(tmp_path / "student.safetensors", network, facts)
    generalize(config, [tmp_path / "student.safetensors"], [tmp_path / "seed-3.json"])
    written = json.loads((tmp_path / "seed-3.json").read_text())
    assert (written["method"], written["student"], written["seed"]) == ("vanilla", "tiny", 3)


def test_a_student_of_other_classes_is_refused_by_its_file(config, untrained, tmp_path):
    right, wrong = untrained("miniature-student-small"), untrained("miniature-student", classes=7)
    outputs = [tmp_path / "right.json", tmp_path / "wrong.json"]
    with pytest.raises(ModelError, match="miniature-student.safetensors: has 7 outputs.*10 classes"):
        generalize(config, [right, wrong], outputs)
    assert not any(path.exists() for path in outputs)


def test_every_student_needs_an_output(config, untrained, tmp_path):
    with pytest.raises(ConfigError, match="2 students, but 1 outputs"):
        generalize(config, [untrained("miniature-student-small")] * 2, [tmp_path / "one.json"])
