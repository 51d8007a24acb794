import pytest

from prism.prompts.grammar import Content, Parts, candidate_lines, compose, mentions, parse, short_gloss


def test_composes_the_papers_line_format():
    content = Content("red", "in the snow")
    line = compose(style="photo", name="crane", gloss="a wading bird", content=content)
    assert line == "a photo of a red crane, a wading bird, in the snow"
    assert compose(style="oil painting", name="owl") == "an oil painting of an owl"


def test_parses_what_it_composes():
    content = Content("pale orange", "at the edge of a lake, at dawn")
    line = compose(style="oil painting", name="crane", gloss="a wading bird", content=content)
    parts = parse(line, "crane")
    assert parts == Parts("oil painting", "pale orange", ("a wading bird", "at the edge of a lake", "at dawn"))


@pytest.mark.parametrize(
    "line",
    [
        "crane",
        "the crane in a photo",
        "a photo of a crane standing in water",
        "a photo of a flock of crane",
        "of crane",
    ],
)
def test_other_sentences_are_not_of_the_format(line):
    parts = parse(line, "crane")
    assert parts is None or parts.style != "photo"


def test_names_with_special_characters_are_taken_literally():
    assert parse("a photo of a red jack-o'-lantern, at night", "jack-o'-lantern").rest == ("at night",)
    assert parse("a photo of a redxball, at night", "red.ball") is None


def test_names_are_mentioned_as_whole_words_only():
    assert mentions("A photo of a CRANE", "crane")
    assert not mentions("a photo of a cranes", "crane")
    assert not mentions("a photo of a batting cage", "bat")


def test_lines_lose_bullets_numbers_quotes_stops_and_thinking():
    answer = '<think>a photo of\nnothing</think>\n1. "a photo of a crane."\n- a sketch of a bat\n```\n\n2) b'
    assert candidate_lines(answer) == ["a photo of a crane", "a sketch of a bat", "b"]
    assert candidate_lines("<think>never ends\na photo of a crane") == []


def test_dictionary_glosses_are_cut_at_their_first_break_without_loose_ends():
    gloss = "freshwater dace-like game fish of Europe and western Asia noted for ability to survive outside water"
    assert short_gloss(gloss) == "freshwater dace-like game fish of Europe and western Asia"
    assert short_gloss("large aggressive shark; known to attack humans") == "large aggressive shark"
    assert short_gloss("a wading bird") == "a wading bird"
