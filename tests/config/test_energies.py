"""Energies of the user's own: named by file, read without being run, and part of the recipes that use them alone."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from prism.config import load_config
from prism.config.energies import EnergyFacts, energy_facts, own_energies
from prism.config.names import BATCHNORM_ENERGIES, ENERGIES, STUDENT_ENERGIES
from prism.errors import ConfigError
from prism.models.architectures import check_batchnorm

ROOT = Path(__file__).parents[2]
GOOD = """
raise SystemExit("run")
ENERGIES = {"margin": Energy(margin), "gap": Energy(gap, statistics=True, student=True)}
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """``own(text)`` writes my_energies.py; the configuration is read in its folder."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes = GOOD) -> Path:
        path = tmp_path / "my_energies.py"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def load(energy="my_energies.py:margin", run=("vanilla", "mine"), teacher=None, **term):
    mine = {"prompts": "class-name", "guidance": [{"energy": energy, **term}]}
    overrides = {"methods": {"mine": mine}, "run": list(run), "teacher": teacher or {}}
    return load_config(overrides=overrides, root=ROOT)


def mistake(**given):
    with pytest.raises(ConfigError) as caught:
        load(**given)
    (line,) = str(caught.value).splitlines()
    return line.removeprefix("config: methods.mine.guidance[0].energy: ")


def test_a_file_says_what_its_energies_read_and_is_not_run(own):
    sha256 = hashlib.sha256(own().read_bytes()).hexdigest()
    assert energy_facts("my_energies.py:margin") == EnergyFacts(False, False, sha256)
    assert energy_facts("my_energies.py:gap") == EnergyFacts(True, True, sha256)
    for name in ENERGIES:
        assert energy_facts(name) == EnergyFacts(name in BATCHNORM_ENERGIES, name in STUDENT_ENERGIES, None)


def test_reading_a_configuration_with_such_a_file_needs_no_torch(own):
    own()
    (Path.cwd() / "mine.yaml").write_text(
        "methods: {mine: {prompts: class-name, guidance: [{energy: my_energies.py:margin}]}}\nrun: [mine]\n"
    )
    code = f"import sys; from prism.config import load_config; load_config('mine.yaml', root={str(ROOT)!r})"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "src")}).returncode == 0


@pytest.mark.parametrize(
    ("text", "energy", "message"),
    [
        (
            GOOD,
            "margin",
            "margin is not an energy; it may be one of free, joint, elucidated, cross-entropy, batch-norm, ",
        ),
        (GOOD, "fre", "fre is not an energy; did you mean free?"),
        (
            GOOD,
            "my_energy.py:margin",
            "there is no my_energy.py; its path starts at the folder that the workflow runs in",
        ),
        (GOOD, "my_energies.py:margn", "my_energies.py has no energy margn; did you mean margin?"),
        (b"\xff\xfe\x00", "my_energies.py:margin", "my_energies.py"),
        ("def margin(:\n", "my_energies.py:margin", "my_energies.py, line 1: invalid syntax"),
        (
            "x = 1\n",
            "my_energies.py:margin",
            'my_energies.py has no ENERGIES; it should end with ENERGIES = {"<name>": ',
        ),
        (
            "\nENERGIES = made()\n",
            "my_energies.py:margin",
            "my_energies.py, line 2: should be written out, as ENERGIES",
        ),
        (
            "ENERGIES = {margin: Energy(f)}",
            "my_energies.py:margin",
            "my_energies.py, line 1: a name in ENERGIES should be",
        ),
        (
            "ENERGIES = {'margin': f}",
            "my_energies.py:margin",
            "my_energies.py, line 1: margin should be written as ENERGIES",
        ),
        (
            "ENERGIES = {'margin': Energy(f, student=yes)}",
            "my_energies.py:margin",
            "my_energies.py, line 1: student of margin should be written as True or False",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(own, text, energy, message):
    own(text)
    assert mistake(energy=energy).startswith(message)


def test_what_an_energy_reads_is_checked_as_of_the_library_s(own):
    own()
    key = "config: methods.mine"
    assert (
        mistake(statistics="batch")
        == f"{key}.guidance[0].statistics: not used by energy my_energies.py:margin; leave it out"
    )
    needed = mistake(energy="my_energies.py:gap")
    assert needed == f"{key}.student: missing; energy my_energies.py:gap needs an interleaved student"
    own('ENERGIES = {"margin": guidance.Energy(margin, statistics=True)}')
    config = load(statistics="batch")
    assert config.methods["mine"].needs_batchnorm and config.methods["mine"].needs_batches
    with pytest.raises(ConfigError, match="methods.mine needs BatchNorm, but teacher.architecture=miniature-mixer"):
        check_batchnorm(load(statistics="batch", teacher={"architecture": "miniature-mixer"}))


def test_the_content_of_the_file_is_part_of_the_recipes_that_use_it_alone(own):
    def recipes():
        config = load()
        return {name: config.recipe("synthesis", method=name) for name in ("vanilla", "prism", "mine")}

    own()
    before = recipes()
    assert recipes() == before and "file_sha256" not in before["prism"]["guidance"][0]
    own(GOOD + "# another thought\n")
    assert {name for name, recipe in recipes().items() if recipe != before[name]} == {"mine"}


def test_the_resolved_configuration_reads_back_equal(own, tmp_path):
    own()
    path = tmp_path / "config.json"
    path.write_text(json.dumps(load().dump()), encoding="utf-8")
    assert load_config(path) == load()


def test_own_energies_are_those_of_methods_that_are_run(own):
    own()
    assert [key for key, _ in own_energies(load())] == ["methods.mine.guidance[0].energy"]
    assert not list(own_energies(load(run=["prism"])))


def test_no_shipped_experiment_names_a_file_of_code():
    for path in sorted((ROOT / "config").glob("*.yaml")):
        assert ".py:" not in path.read_text(encoding="utf-8"), path
