"""The contents of one class while they are being filled: what is missing, what to ask, what to keep."""

from collections.abc import Sequence
from dataclasses import dataclass

from prism.data.prompts import PromptRecord
from prism.data.pseudo_words import pseudo_word
from prism.models.chats import Message, caption_request
from prism.prompts.grammar import Content, candidate_lines, compose
from prism.prompts.phrases import CLASS_AGNOSTIC, COLOURS, CONTEXTS, STYLES
from prism.prompts.strategies import Strategy
from prism.prompts.tally import Tally
from prism.prompts.templates import template_contents
from prism.prompts.validation import DUPLICATE, Validator, Wish
from prism.seeds import derive, rng

TEMPLATES = "templates"
_HINTS = 2


@dataclass(frozen=True)
class PromptClass:
    """A class as prompts see it; ``other_glosses`` are those of other senses of its name."""

    index: int
    name: str
    sense: str
    gloss: str
    other_glosses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is written, whoever writes it.

    Args:
        strategy: which parts of a prompt are written.
        seed: seed of every choice.
        styles: styles that prompts may have; photo need not be among them.
        colours: colours of templates.
        contexts: contexts of templates, and the hints that language models are given.
    """

    strategy: Strategy
    seed: int
    styles: Sequence[str] = STYLES
    colours: Sequence[str] = COLOURS
    contexts: Sequence[str] = CONTEXTS


@dataclass(frozen=True)
class Request:
    """One request for ``lines`` captions."""

    job: "Job"
    wish: Wish
    hints: tuple[str, ...]
    lines: int
    seed: int

    def messages(self) -> list[Message]:
        """The chat of this request."""
        wish = self.wish
        return caption_request(name=wish.name, gloss=wish.gloss, style=wish.style, hints=self.hints, lines=self.lines)


class Job:
    """One class and its ``contents`` places to fill."""

    def __init__(self, plan: Plan, prompt_class: PromptClass, contents: int) -> None:
        self.plan, self.prompt_class = plan, prompt_class
        self.found: list[tuple[Content, str, int] | None] = [None] * contents  # content, engine, seed

    def style_of(self, line: int) -> str:
        """The style of a line of this class."""
        plan = self.plan
        return plan.strategy.style_of(plan.seed, self.prompt_class.index, line, plan.styles)

    def wish(self, style: str) -> Wish:
        """What a line in ``style`` has to be."""
        gloss = self.prompt_class.gloss if self.plan.strategy.senses else None
        word = pseudo_word(self.prompt_class.index) if self.plan.strategy.token else ""
        return Wish(self.prompt_class.name, gloss, style, self.prompt_class.other_glosses, word)

    def missing(self) -> dict[str, list[int]]:
        """Unfilled places by style."""
        by_style: dict[str, list[int]] = {}
        for place, found in enumerate(self.found):
            if found is None:
                by_style.setdefault(self.style_of(place), []).append(place)
        return dict(sorted(by_style.items()))

    def requests(self, attempt: int, lines_per_request: int) -> list[Request]:
        """Requests for all unfilled places; a seed depends on class, style, attempt and order alone."""
        found, contexts = [], self.plan.contexts
        for style, places in self.missing().items():
            for start in range(0, len(places), lines_per_request):
                seed = derive(self.plan.seed, "request", self.prompt_class.index, style, attempt, start)
                picks = rng(seed).choice(len(contexts), size=min(_HINTS, len(contexts)), replace=False)
                hints = tuple(contexts[int(pick)] for pick in picks)
                lines = len(places[start : start + lines_per_request])
                found.append(Request(self, self.wish(style), hints, lines, seed))
        return found

    def take(self, request: Request, answer: str, engine: str, validator: Validator, tally: Tally) -> None:
        """Judge as many lines of an answer as were asked for, and keep the good ones."""
        places = self.missing().get(request.wish.style, [])
        lines = candidate_lines(answer)[: request.lines]
        for line in lines + [""] * (request.lines - len(lines)):
            content, reason = validator.judge(line, request.wish, self.prompt_class.index)
            if content is None:
                tally.rejected[reason] += 1
            else:
                self.found[places.pop(0)] = (content, engine, request.seed)
                tally.accepted += 1

    def fill(self, validator: Validator, tally: Tally) -> None:
        """Fill what is left from templates; a content repeats only when all of them are used."""
        for style, places in self.missing().items():
            seed = derive(self.plan.seed, TEMPLATES, self.prompt_class.index, style)
            contents = self._template_contents(style, seed, len(places), validator, tally)
            for place, content in zip(places, contents, strict=True):
                self.found[place] = (content, TEMPLATES, seed)

    def _template_contents(
        self, style: str, seed: int, count: int, validator: Validator, tally: Tally
    ) -> list[Content]:
        if not self.plan.strategy.contents:
            return [Content()] * count
        fresh, usable = [], []
        for content in template_contents(seed, colours=self.plan.colours, contexts=self.plan.contexts):
            if len(fresh) == count:
                break
            admitted, reason = validator.admit(content, self.wish(style), self.prompt_class.index)
            if admitted is not None:
                fresh.append(admitted)
            if reason in (None, DUPLICATE):
                usable.append(content)
        usable = usable or [Content()]
        tally.repeated += count - len(fresh)
        return fresh + [usable[index % len(usable)] for index in range(count - len(fresh))]

    def records(self, count: int) -> list[PromptRecord]:
        """``count`` records; each line has its own style, and the contents take turns."""
        records = []
        for line in range(count):
            content, engine, seed = self.found[line % len(self.found)]
            wish = self.wish(self.style_of(line))
            prompt = compose(style=wish.style, name=wish.noun, gloss=wish.gloss, content=content)
            records.append(
                PromptRecord(
                    class_index=self.prompt_class.index,
                    prompt=prompt if self.plan.strategy.named else CLASS_AGNOSTIC,
                    sense=self.prompt_class.sense if wish.gloss else "",
                    content=str(content),
                    style=wish.style,
                    engine=engine,
                    seed=seed,
                )
            )
        return records
