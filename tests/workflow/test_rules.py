"""Every rule that makes something is dressed alike and short."""

from __future__ import annotations

import re
import statistics

import pytest

from .conftest import REPOSITORY

FILES = sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
DRESS = ("output", "log", "benchmark", "threads", "resources", "message", "shell")


def rules() -> dict[str, list[str]]:
    """The lines of each rule that has an output, by name."""
    found = {}
    for path in FILES:
        for block in re.split(r"^(?=rule )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            lines = re.split(r"\n(?=\S)", block)[0].rstrip().splitlines()
            if any(line.startswith("    output:") for line in lines):
                found[lines[0].removeprefix("rule ").rstrip(":")] = lines
    return found


@pytest.mark.parametrize("name", rules())
def test_a_rule_has_all_that_a_rule_has(name):
    lines = rules()[name]
    directives = [line.strip().partition(":")[0] for line in lines if re.match(r" {4}\w+:", line)]
    assert not set(DRESS) - set(directives)
    assert not {"run", "script"} & set(directives)
    resources = next(line for line in lines if line.startswith("    resources:"))
    # as the section `jobs` of the configuration says it for that stage, or spelled out
    assert "**needs_of(" in resources or all(f"{word}=" in resources for word in ("gpu", "mem_mb", "runtime"))
    assert len(lines) <= 40


def test_logs_and_benchmarks_lie_below_the_results_of_their_experiment():
    """There alone the next run finds the record of a job that was left behind, which lies beside its log."""
    lines = [line for found in rules().values() for line in found if re.match(r" {4}(log|benchmark):", line)]
    assert len(lines) >= 20
    assert all(re.match(r' {4}(log: "<logs>|benchmark: "<benchmarks>)/', line) for line in lines), lines


def test_inputs_and_outputs_are_named():
    for name, lines in rules().items():
        text = "\n".join(lines)
        for directive in re.findall(r"^    (?:input|output):(.*?)(?=^    \w+:|\Z)", text, re.MULTILINE | re.DOTALL):
            assert re.match(r"\s*\w+=", directive), name


def test_rules_and_files_are_short():
    assert len(rules()) >= 9
    assert statistics.median(map(len, rules().values())) <= 18
    assert len((REPOSITORY / "Snakefile").read_text(encoding="utf-8").splitlines()) <= 60
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 150 for path in FILES)


def test_every_rule_calls_a_program_that_there_is():
    for name, lines in rules().items():
        programs = re.findall(r"python (scripts/\w+\.py)", "\n".join(lines))
        assert programs, name
        assert all((REPOSITORY / program).is_file() for program in programs)
