"""Numbers are collected with their files, and bad files are refused in one line."""

from __future__ import annotations

import pytest

from prism.errors import DataError
from prism.tables.frame import collect

STUDENT = {"method": "vanilla", "student": "net", "seed": 0, "accuracy": 0.5}


def test_every_number_names_the_file_that_it_came_from(results):
    frame = collect(results)
    row = frame[(frame["metric"] == "accuracy") & (frame["method"] == "prism") & (frame["stage"] == "distillation")]
    assert sorted(row["value"]) == pytest.approx([0.69, 0.70, 0.71])
    assert all("distillation/prism/net/seed-" in source for source in row["source"])


def test_order_of_the_files_changes_nothing(results):
    assert collect(results).equals(collect(reversed(results)))


def test_what_a_file_holds_is_told_by_its_content_not_by_its_path(write):
    frame = collect([write("anywhere/x.json", STUDENT)])
    assert frame[["stage", "method", "student", "seed"]].values.tolist() == [["distillation", "vanilla", "net", 0]]


def test_times_of_a_student_come_from_the_manifest_beside_its_metrics(results):
    frame = collect(path for path in results if path.name == "metrics.json")
    assert (frame[frame["metric"] == "seconds"]["source"].str.endswith("manifest.json")).all()


def test_a_metric_that_does_not_apply_is_skipped(write):
    content = {"method": "vanilla", "metrics": {"fid": 3.0, "oracle_sense": None}, "protocol": {}}
    assert collect([write("e.json", content)])["metric"].tolist() == ["fid"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON|JSON"),
        ([1], "expected an object"),
        ({"other": 1}, "neither an evaluation"),
        (STUDENT | {"accuracy": 51.0}, "not a percentage"),
        (STUDENT | {"accuracy": "high"}, "finite number"),
        (STUDENT | {"seed": -1}, "whole number"),
        (STUDENT | {"method": ""}, "expected a name"),
        ({"method": "a", "metrics": {"fid": True}}, "finite number"),
        ({"method": "a", "metrics": [1]}, "expected an object"),
        ({"stage": "synthesis", "recipe_hash": "0", "recipe": {}}, "neither a method nor a strategy"),
    ],
)
def test_a_malformed_file_is_named_in_one_line(write, content, message):
    path = write("bad.json", content)
    with pytest.raises(DataError, match=message) as caught:
        collect([path])
    assert "bad.json" in str(caught.value) and "\n" not in str(caught.value)


def test_a_number_that_is_not_finite_is_refused(write):
    with pytest.raises(DataError, match="fid"):
        collect([write("bad.json", '{"method": "a", "metrics": {"fid": NaN}}')])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="gone.json"):
        collect([tmp_path / "gone.json"])


def test_two_files_that_say_the_same_thing_are_refused(write):
    paths = [write("a.json", STUDENT), write("b.json", STUDENT | {"accuracy": 0.6})]
    with pytest.raises(DataError, match=r"a\.json and .*b\.json: both hold accuracy of vanilla"):
        collect(paths)
