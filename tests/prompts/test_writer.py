import pytest

from prism.errors import EngineError, PromptError
from prism.prompts.jobs import Plan, PromptClass
from prism.prompts.length import TokenBudget
from prism.prompts.strategies import Strategy
from prism.prompts.writer import Sampling, Writer

CRANE = PromptClass(0, "crane", "bird", "a wading bird")
BAT = PromptClass(1, "bat", "animal", "a flying night animal")
BUDGET = TokenBudget(lambda prompt: len(prompt.split()), 24)
EVERYTHING = Strategy(senses=True, contents=True, styles=True)


class GoodEngine:
    """Answers every request with good and different lines."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def complete(self, messages_batch, *, seeds, max_new_tokens, temperature, top_p):
        self.batches.append(len(messages_batch))
        return [self.answer(messages, seed) for messages, seed in zip(messages_batch, seeds, strict=True)]

    def answer(self, messages, seed):
        asked = dict(line.split(": ", 1) for line in messages[-1]["content"].splitlines())
        meaning = f", {asked['meaning']}" if "meaning" in asked else ""
        return "\n".join(
            f"{number}. A {asked['style']} of a green {asked['name']}{meaning}, near {seed % 9973} {number}"
            for number in range(int(asked["lines"]))
        )


class BadEngine(GoodEngine):
    def answer(self, messages, seed):
        return "I am sorry, but as a language model\nI cannot draw."


class FlakyEngine(GoodEngine):
    """Answers nothing in the first round."""

    def complete(self, messages_batch, **settings):
        answers = super().complete(messages_batch, **settings)
        return answers if len(self.batches) > 1 else [""] * len(answers)


def new_writer(strategy, engine=None, **sampling) -> Writer:
    return Writer(Plan(strategy, seed=5), BUDGET, engine, "transformers", Sampling(**sampling))


def test_the_class_name_alone_is_a_photo_of_it():
    records, tally = new_writer(Strategy()).write([CRANE, BAT], 3)
    assert [record.prompt for record in records] == ["a photo of a crane"] * 3 + ["a photo of a bat"] * 3
    assert {record.sense + record.content for record in records} == {""}
    assert tally.wanted == tally.fallback == 0


@pytest.mark.parametrize("senses", [False, True])
@pytest.mark.parametrize("contents", [False, True])
@pytest.mark.parametrize("styles", [False, True])
def test_the_three_switches_are_independent(senses, contents, styles):
    records, _ = new_writer(Strategy(senses, contents, styles)).write([CRANE], 40)
    assert all(("a wading bird" in record.prompt) == senses for record in records)
    assert all((record.sense == "bird") == senses for record in records)
    assert (len({record.content for record in records}) > 1) == contents
    assert (len({record.style for record in records}) > 1) == styles
    assert all(f"{record.style} of a" in record.prompt for record in records)


def test_counts_are_exact_and_contents_take_turns():
    records, tally = new_writer(EVERYTHING).write([CRANE, BAT], 25, contents=10)
    assert [record.class_index for record in records] == [0] * 25 + [1] * 25
    assert [record.content for record in records[:10]] == [record.content for record in records[10:20]]
    assert len({record.content for record in records[:10]}) > 5 and tally.wanted == 20


def test_templates_repeat_only_when_all_are_used():
    records, tally = new_writer(Strategy(contents=True)).write([CRANE], 200)
    assert len({record.prompt for record in records}) == 140
    assert tally.repeated == 60


def test_good_answers_become_prompts():
    engine = GoodEngine()
    records, tally = new_writer(EVERYTHING, engine, batch=4).write([CRANE, BAT], 20)
    assert {record.engine for record in records} == {"transformers"}
    assert (tally.asked, tally.accepted, tally.fallback, tally.retried) == (40, 40, 0, 0)
    assert max(engine.batches) == 4
    assert len({record.prompt for record in records}) == 40


def test_nonsense_falls_back_to_templates_after_bounded_retries():
    records, tally = new_writer(EVERYTHING, BadEngine(), retries=2).write([CRANE], 12)
    assert {record.engine for record in records} == {"templates"} and len(records) == 12
    assert (tally.asked, tally.retried, tally.accepted, tally.fallback) == (36, 24, 0, 12)
    assert tally.rejected["no class name"] + tally.rejected["empty"] == 36


def test_missing_lines_are_asked_for_again():
    records, tally = new_writer(EVERYTHING, FlakyEngine(), batch=100).write([CRANE], 12)
    assert {record.engine for record in records} == {"transformers"}
    assert (tally.accepted, tally.retried, tally.rejected["empty"]) == (12, 12, 12)


def test_one_class_does_not_depend_on_the_others():
    alone, _ = new_writer(EVERYTHING, GoodEngine()).write([BAT], 8)
    together, _ = new_writer(EVERYTHING, GoodEngine()).write([CRANE, BAT], 8)
    assert together[8:] == alone


def test_nothing_is_asked_where_contents_do_not_vary():
    engine = GoodEngine()
    new_writer(Strategy(senses=True, styles=True), engine).write([CRANE], 5)
    assert engine.batches == []


def test_classes_without_any_possible_prompt_are_refused():
    with pytest.raises(PromptError, match="'crane'.*takes 26 tokens.*reads 24"):
        new_writer(Strategy(senses=True)).write([PromptClass(0, "crane", "", "very " * 20 + "big")], 1)
    with pytest.raises(PromptError, match="'<crane>'"):
        new_writer(Strategy()).write([PromptClass(0, "<crane>", "", "a bird")], 1)


def test_an_engine_that_loses_answers_is_refused():
    class Losing(GoodEngine):
        def complete(self, messages_batch, **settings):
            return []

    with pytest.raises(EngineError, match="0 answers to"):
        new_writer(EVERYTHING, Losing()).write([CRANE], 4)
