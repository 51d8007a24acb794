"""Files of the user's own are run, tried and guided by; what is wrong with them is one line."""

import sys

import pytest
import torch

from prism.config import load_config
from prism.data.shards import read_shard
from prism.errors import ConfigError
from prism.guidance import ENERGIES, Answers, Term
from prism.synthesis.energies import check_energies, energies_of
from prism.synthesis.stage import synthesize

HEAD = "from prism.guidance import Energy\n\n\ndef own(answers, term):\n"
LAST = '\n\nENERGIES = {"own": Energy(own)}\n'


@pytest.fixture
def mine(config, tmp_path):
    """``mine(body)``: the configuration with a method ``mine`` whose energy's function has that body."""

    def made(body, last=LAST, head=HEAD, **term):
        path = tmp_path / "my_energies.py"
        path.write_text(head + f"    {body}\n" + last, encoding="utf-8")
        guidance = [{"energy": f"{path}:own", "scale": 1.0, "interval": [0, 1], **term}]
        overrides = config.dump() | {"run": ["mine"]}
        overrides["methods"] = {"mine": {"prompts": "class-name", "guidance": guidance}}
        return load_config(overrides=overrides)

    return made


def mistake(config):
    with pytest.raises(ConfigError) as caught:
        check_energies(config, 10)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_images_are_those_of_the_same_energy_of_the_library(mine, prompt_file, tmp_path):
    shards = []
    config = mine("return -answers.logits.gather(1, answers.labels[:, None]).squeeze(1)")
    library = config.methods["mine"].guidance[0].model_dump() | {"energy": "joint"}
    same = load_config(
        overrides=config.dump() | {"methods": {"mine": {"prompts": "class-name", "guidance": [library]}}}
    )
    for number, one in enumerate((config, same)):
        shards.append(tmp_path / "results" / str(number) / "synthesis" / "mine" / "shard-0000.tar")
        check_energies(one, 10)
        synthesize(one, "mine", 0, prompt_file, shards[-1])
    own, other = map(read_shard, shards)
    assert (own.images == other.images).all()


def test_an_energy_of_one_s_own_is_beside_the_library_s_and_is_the_function(mine):
    config = mine("return term.temperature * answers.logits.sum(dim=1)", temperature=2.0)
    (term,) = config.methods["mine"].guidance
    energies = energies_of([term])
    assert set(energies) == {*ENERGIES, term.energy}
    logits = torch.ones(3, 4, requires_grad=True)
    asked = Term(**term.model_dump())
    assert energies[term.energy].of(Answers(logits, torch.zeros(3, dtype=torch.int64)), asked).tolist() == [8, 8, 8]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return answers.logits", "energy own gives shape (4, 10); it should give one number for each image, (4,)"),
        ("return answers.logits.mean()", "energy own gives shape (); it should give one number for each image, (4,)"),
        ("return None", "energy own should give a tensor of floats, and gives a NoneType"),
        ("return answers.labels", "energy own should give a tensor of floats, and gives a tensor of torch.int64"),
        (
            "return answers.logits.detach().sum(dim=1)",
            "energy own does not depend on the answers, so that it has no gradient to guide by",
        ),
        (
            "return __import__('torch').ones(4, requires_grad=True) * 2",
            "does not depend on the answers, so that it has no",
        ),
        (
            "exponential = answers.logits.exp(); exponential += 1; return exponential.sum(dim=1)",
            "has no gradient: RuntimeError: one of the variables needed for gradient computation has been modified",
        ),
        ("return answers.logit", "my_energies.py, line 5: energy own: AttributeError: 'Answers' object has no"),
        ("return answers.statistics['image']", "if it reads statistics, write Energy(<function>, statistics=True)"),
        ("return answers.student_logits.sum()", "if it reads the student's logits, write Energy(<function>, student"),
        ("return (-answers.logits.square()).sqrt().sum(dim=1)", "has a gradient that is not finite on ordinary logits"),
    ],
)
def test_a_wrong_answer_is_told_before_any_model_is_loaded(mine, body, message):
    assert message in mistake(mine(body))


def test_a_file_that_does_not_run_is_told_with_its_line(mine):
    assert "my_energies.py, line 1: ModuleNotFoundError: No module named 'beside'" in mistake(
        mine("pass", head="import beside\n" + HEAD)
    )
    assert "line 8: NameError: name 'owm' is not defined" in mistake(
        mine("pass", '\n\nENERGIES = {"own": Energy(owm)}')
    )
    assert "line 1: SystemExit: 3" in mistake(mine("pass", head="raise SystemExit(3)\n" + HEAD))
    assert "own should be Energy(<function>) of prism.guidance, and is 3" in mistake(
        mine("pass", "\n\ndef Energy(f):\n    return 3" + LAST)
    )
    assert "flags of own should be written by name" in mistake(mine("pass", LAST.replace("(own)", "(own, True)")))


def test_an_answer_that_only_real_images_bring_out_ends_in_the_same_line(mine, prompt_file, tmp_path):
    """Four images in the trial, eight in a batch."""
    config = mine("return answers.logits[:4].sum(dim=1)")
    check_energies(config, 10)
    with pytest.raises(ConfigError, match=r"energy own gives shape \(4,\); it should give one number for each.*\(8,\)"):
        synthesize(config, "mine", 0, prompt_file, tmp_path / "results" / "x" / "synthesis" / "mine" / "shard-0000.tar")


def test_a_file_that_changed_since_it_was_read_is_not_run(mine, tmp_path):
    config = mine("return answers.logits.sum(dim=1)  # first")
    mine("return answers.logits.sum(dim=1)  # second")
    assert "my_energies.py has changed since the configuration was read; start again" in mistake(config)


def test_the_file_leaves_no_trace_beside_itself_and_is_run_once(mine, tmp_path):
    """A compiled copy could be taken for a file that was edited within the same second."""
    config = mine(
        "return answers.logits.sum(dim=1)",
        head="import dataclasses\n\n\n@dataclasses.dataclass\nclass A:\n    x: int\n\n" + HEAD,
    )
    check_energies(config, 10)
    modules = {name for name in sys.modules if name.startswith("prism_own_my_energies")}
    check_energies(config, 10)
    assert {name for name in sys.modules if name.startswith("prism_own_my_energies")} == modules
    assert not list(tmp_path.glob("__pycache__"))
