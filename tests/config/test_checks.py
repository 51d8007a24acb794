"""What does not fit between sections is one clear line that names the full key and what would be right."""

import pytest

from prism.config import check_sample_sizes
from prism.errors import ConfigError

from .conftest import load, mistakes

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


def test_neighbours_are_counted_against_the_true_number_of_classes():
    config = load(evaluation={"k": 63, "reference_per_class": 32})
    check_sample_sizes(config, classes=2)
    with pytest.raises(ConfigError, match="evaluation.k: 63 is too many neighbours among 32 images; 31"):
        check_sample_sizes(config, classes=1)
