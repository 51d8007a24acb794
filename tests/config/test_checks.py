"""What does not fit between sections is one clear line that names the full key and what would be right."""

import pytest

from .conftest import mistakes

CASES = {
    "unknown method": ({"run": ["real", "prizm"]}, "run[1]: prizm is not a method; did you mean prism?"),
    "method twice": ({"run": ["real", "real"]}, "run: real is given twice"),
    "nothing to run": ({"run": []}, "run is empty; it needs at least 1"),
    "unknown strategy": (
        {"methods": {"prism": {"prompts": "diversfied"}}},
        "methods.prism.prompts: diversfied is not a strategy; did you mean diversified?",
    ),
    "real without images": (
        {"synthesis": {"real": None}},
        "synthesis.real: missing; method real of engine real",
    ),
    "too many neighbours": (
        {"evaluation": {"k": 64}},
        "evaluation.k: 64 is too many neighbours among 64 images; 63 is the most",
    ),
    "hub model without commit": (
        {"diffusion": {"pipeline": "owner/model"}},
        "diffusion.revision: missing; owner/model is a hub id: pin its commit",
    ),
}


@pytest.mark.parametrize(("overrides", "message"), CASES.values(), ids=CASES)
def test_a_mistake_is_one_clear_line(overrides, message):
    (line,) = mistakes(**overrides)
    assert line.startswith(f"config: {message}")
