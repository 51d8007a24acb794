"""A mistake in a method's recipe is one clear line that names the full key and what would be right."""

import pytest

from .conftest import load, mistakes


def term(**fields):
    return {"methods": {"prism": {"guidance": [{"energy": "free", **fields}]}}}


CASES = {
    "unknown energy": (
        term(energy="fre"),
        "methods.prism.guidance[0].energy: fre is not an energy; did you mean free?",
    ),
    "misspelt choice": (
        term(through="clear"),
        "methods.prism.guidance[0].through=clear is not one of clean, noisy, raw; did you mean clean?",
    ),
    "negative scale": (
        term(scale=-1),
        "methods.prism.guidance[0].scale=-1 should be greater than or equal to 0",
    ),
    "interval backwards": (
        term(interval=[0.7, 0.3]),
        "methods.prism.guidance[0].interval: [0.7, 0.3] should be [start, stop] with 0 <= start < stop <= 1",
    ),
    "interval too long": (term(interval=[0, 1.1]), "methods.prism.guidance[0].interval: [0, 1.1] should be"),
    "interval of one": (term(interval=[0.5]), "methods.prism.guidance[0].interval[1] is missing"),
    "zero temperature": (
        term(temperature=0),
        "methods.prism.guidance[0].temperature=0 should be greater than 0",
    ),
    "every zeroth step": (term(every=0), "methods.prism.guidance[0].every=0 should be"),
    "statistics of another energy": (
        term(statistics="batch"),
        "methods.prism.guidance[0].statistics: not used by energy free; leave it out",
    ),
    "adversarial without a student": (
        {"methods": {"adv": {"prompts": "class-name", "guidance": [{"energy": "adversarial"}]}}},
        "methods.adv.student: missing; energy adversarial needs an interleaved student",
    ),
    "student without use": (
        {"methods": {"vanilla": {"student": {"architecture": "miniature-student"}}}},
        "methods.vanilla.student: not used without energy adversarial; leave it out",
    ),
    "student that only warms up": (
        {"methods": {"diffdfkd": {"student": {"epochs": 5}}}},
        "methods.diffdfkd.student.warmup_epochs: 5 should be smaller than epochs=5",
    ),
    "selection beside a student": (
        {"methods": {"diffdfkd": {"select": {"draw": 2}}}},
        "methods.diffdfkd.select: cannot be combined with an interleaved student",
    ),
    "stored labels of one class for images of two": (
        {"methods": {"prism+cutmix-any": {"relabel": {"training": {"loss": "mse", "hard_weight": 0.1}}}}},
        "methods.prism+cutmix-any.relabel.training.hard_weight: 0.1 needs images of one class, which "
        "cutmix.partners: any does not leave; set it to 0",
    ),
    "fewer candidates than images": (
        {"methods": {"prism+select": {"select": {"draw": 0.5}}}},
        "methods.prism+select.select.draw=0.5 should be greater than or equal to 1",
    ),
    "real with cutmix": (
        {"methods": {"real": {"cutmix": {"every": 2}}}},
        "methods.real.cutmix: not used by engine real; leave it out",
    ),
    "senses of no name": (
        {"strategies": {"class-agnostic": {"senses": True}}},
        "strategies.class-agnostic.senses: not used by prompts without a name; leave it out",
    ),
    "method without a slug": (
        {"methods": {"My Method": {"prompts": "class-name"}}},
        "methods.My Method=My Method should be made of a-z, 0-9, + . _ -, a letter or digit first",
    ),
    "no strategy": (
        {"methods": {"mine": {"label": "Mine"}}},
        "methods.mine.prompts: missing; engine diffusion needs",
    ),
    "real with prompts": (
        {"methods": {"real": {"prompts": "class-name"}}},
        "methods.real.prompts: not used by engine real; leave it out",
    ),
}


@pytest.mark.parametrize(("overrides", "message"), CASES.values(), ids=CASES)
def test_a_mistake_is_one_clear_line(overrides, message):
    (line,) = mistakes(**overrides)
    assert line.startswith(f"config: {message}")


def test_mistakes_in_a_method_that_is_not_run_do_not_need_its_models():
    overrides = {"methods": {"dag": {"prompts": "class-name", "guidance": [{"energy": "batch-norm"}]}}}
    assert "dag" in load(**overrides).methods
