"""Events: one line of JSON each, never at the cost of the job."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from prism import progress
from prism.artifacts import write_manifest, write_text
from prism.events import FILE, RUN, Warnings, numbers, read_events, tell
from prism.progress import ProgressBar


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(FILE, str(tmp_path / "job.jsonl"))
    monkeypatch.setenv(RUN, "this-run")
    return tmp_path / "job.jsonl"


def test_a_line_has_time_event_run_and_facts(file):
    tell("start", pid=7, name='quotes " and\nlines')
    (line,) = file.read_text().splitlines()
    found = json.loads(line)
    assert found.pop("time").endswith("Z")
    assert found == {"event": "start", "run": "this-run", "pid": 7, "name": 'quotes " and\nlines'}


def test_outside_of_a_job_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv(FILE, raising=False)
    tell("start")
    monkeypatch.setenv(FILE, str(tmp_path / "no such folder" / "job.jsonl"))
    tell("start")  # and what cannot be written ends no job
    assert not list(tmp_path.iterdir())


def test_a_line_that_was_cut_short_and_those_of_other_runs_are_left_out(file, monkeypatch):
    tell("one")
    monkeypatch.setenv(RUN, "a later run")
    tell("two")
    with file.open("a") as out:
        out.write('{"time": "2026-01-01T00:00:00Z", "eve')
    assert [event["event"] for event in read_events(file)] == ["one", "two"]
    assert [event["event"] for event in read_events(file, "this-run")] == ["one"]


def test_lines_of_processes_that_write_at_once_do_not_mix(file):
    text = f"import sys; sys.path.insert(0, {sys.path[0]!r}); from prism.events import tell\n"
    text += "for number in range(200): tell('one', number=number, filler='x' * 500)"
    writers = [subprocess.Popen([sys.executable, "-c", text]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert sorted(event["number"] for event in read_events(file)) == sorted([*range(200)] * 3)


def test_a_manifest_is_told_with_its_numbers(file, tmp_path):
    write_text(tmp_path / "a.txt", "a")
    write_manifest(
        tmp_path / "a.json",
        stage="prompts",
        recipe={"long": list(range(1000))},
        outputs=[tmp_path / "a.txt"],
        count=1,
        details={"lines": {"rejected": {"too long": 3}}, "text": "no number", "list": [1, 2]},
        run={"seconds": 1.5, "versions": {"torch": "2"}},
    )
    (event,) = read_events(file)
    assert event["event"] == "wrote" and event["lines"] == {"rejected": {"too long": 3}} and event["seconds"] == 1.5
    assert event["stage"] == "prompts" and not {"text", "list", "versions", "recipe"} & event.keys()
    assert numbers({"a": {}, "b": {"c": "d"}, "e": 0, "f": True}) == {"e": 0, "f": True}


@pytest.mark.parametrize("hidden", [False, True])
def test_a_bar_tells_how_far_it_is(file, monkeypatch, hidden):
    monkeypatch.setattr(progress, "_TELL_SECONDS", 0.0)
    with ProgressBar(total=10, initial=2, desc="images", unit="image", disable=hidden) as bar:
        bar.update(3)
        bar.update(5)
    first, last = list(read_events(file))
    assert (first["what"], first["done"], first["total"], first["unit"]) == ("images", 5, 10, "image")
    assert first["per_second"] > 0 and first["seconds_left"] >= 0
    assert (last["done"], last["seconds_left"]) == (10, 0)


@pytest.mark.parametrize("hidden", [False, True])
def test_what_an_earlier_process_has_done_is_no_part_of_the_rate(file, monkeypatch, hidden):
    with ProgressBar(total=1000, desc="images", unit="image", disable=hidden) as bar:
        bar.skip(900)
        monkeypatch.setattr(progress, "_TELL_SECONDS", 0.0)
        monkeypatch.setattr(bar, "_started", bar._started - 10)
        bar.update(50)
    (told,) = read_events(file)
    assert told["done"] == 950 and 4 < told["per_second"] <= 5 and 10 <= told["seconds_left"] < 13


def test_a_hidden_bar_counts_what_it_goes_through(file, monkeypatch):
    monkeypatch.setattr(progress, "_TELL_SECONDS", 0.0)
    assert list(ProgressBar("abc", desc="parts", disable=True)) == ["a", "b", "c"]
    assert [(event["done"], event["total"]) for event in read_events(file)] == [(1, 3), (2, 3), (3, 3)]


def test_a_bar_tells_no_more_than_every_ten_seconds(file):
    for _ in ProgressBar(range(1000), mininterval=0):
        pass
    assert not file.exists()


def test_warnings_are_told(file):
    logger = logging.getLogger("prism.test")
    logger.addHandler(handler := Warnings())
    logger.warning("%d images are drawn again", 3)
    logger.info("nothing of note")
    logger.removeHandler(handler)
    assert [(event["event"], event["message"]) for event in read_events(file)] == [
        ("warning", "3 images are drawn again")
    ]
