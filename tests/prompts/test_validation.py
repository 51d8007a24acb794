import pytest

from prism.prompts.grammar import Content
from prism.prompts.validation import REASONS, Validator, Wish

BIRD = Wish("crane", "a wading bird", "photo", ("a tall lifting machine",))


def new_validator(max_tokens: int = 20) -> Validator:
    return Validator(lambda prompt: len(prompt.split()), max_tokens)


def test_good_lines_yield_their_content():
    judged = new_validator().judge("A photo of a Red crane, a wading bird, in the snow.", BIRD, 0)
    assert judged == (Content("red", "in the snow"), None)


def test_a_missing_gloss_is_no_fault_because_the_prompt_is_composed_anew():
    assert new_validator().judge("a photo of a red crane, in the snow", BIRD, 0)[0] == Content("red", "in the snow")


BAD = {
    "empty": ["", "   ", "```", "a photo of a crane", "a photo of a crane, a wading bird", "<think>hm"],
    "banned markup": [
        "a photo of a (red:1.4) crane, in the snow",
        "a photo of a red crane, <lora>, in the snow",
        "a photo of a red crane, see https://example.org",
        "a photo of a naked crane, in the snow",
        "a **photo** of a crane, at night",
    ],
    "charset": [
        "a photo of a red crane, 在雪中",
        "a photo of a red crane, in the snow \u200b",
        "a photo of a \x07 crane",
    ],
    "no class name": ["a photo of a red heron, in the snow", "a photo of a red cranes, in the snow"],
    "format": [
        "a red crane stands in the snow",
        "crane!".rstrip("!"),
        "a photo of a red crane standing at night",
    ],
    "unknown style": ["a sketch of a red crane, in the snow", "a hologram of a red crane, in the snow"],
    "wrong sense": [
        "a photo of a red crane, a tall lifting machine, in the snow",
        "a photo of a red crane, a wading bird, on a machine",
        "a photo of a lifting crane, in the snow",
        "a photo of a red crane, the construction kind, in the snow",
    ],
    "too long": ["a photo of a red crane, a wading bird, " + "in the snow " * 4],
}


@pytest.mark.parametrize(("reason", "line"), [(reason, line) for reason, lines in BAD.items() for line in lines])
def test_bad_lines_are_rejected_for_their_reason(reason, line):
    assert new_validator().judge(line, BIRD, 0) == (None, reason)


def test_duplicates_are_rejected_per_class_whatever_their_spelling():
    validator = new_validator()
    assert validator.judge("a photo of a red crane, in the snow", BIRD, 0)[1] is None
    assert validator.judge("a photo of a RED crane, a wading bird, in the  snow", BIRD, 0)[1] == "duplicate"
    assert validator.judge("a photo of a red crane, in the snow", BIRD, 1)[1] is None


def test_contents_must_also_fit_in_the_longest_style():
    line = "a photo of a red crane, in the snow"
    assert Validator(lambda p: len(p.split()), 13).judge(line, BIRD, 0)[1] is None
    longest = Validator(lambda p: len(p.split()), 13, "very long oil painting")
    assert longest.judge(line, BIRD, 0)[1] == "too long"


def test_every_reason_is_tested_here():
    assert set(BAD) | {"duplicate"} == set(REASONS)
