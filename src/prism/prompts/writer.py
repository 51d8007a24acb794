"""Writing the prompts of a strategy: ask, judge, ask again, and let templates fill what is left."""

from collections.abc import Sequence
from dataclasses import dataclass

from prism.data.prompts import PromptRecord
from prism.errors import EngineError, PromptError
from prism.models.language import Engine
from prism.prompts.grammar import compose
from prism.prompts.jobs import Job, Plan, PromptClass
from prism.prompts.length import TokenBudget
from prism.prompts.phrases import PHOTO
from prism.prompts.tally import Tally
from prism.prompts.validation import Validator, Wish, is_clean


@dataclass(frozen=True)
class Sampling:
    """How the language model is asked.

    Args:
        max_new_tokens: length limit of one answer.
        temperature: 0 takes the likeliest token always.
        top_p: share of the probability that sampling keeps.
        batch: requests answered together.
        retries: further rounds of requests for lines that were not good.
        lines_per_request: captions asked for in one request.
    """

    max_new_tokens: int = 192
    temperature: float = 0.8
    top_p: float = 0.9
    batch: int = 16
    retries: int = 3
    lines_per_request: int = 4


@dataclass(frozen=True)
class Writer:
    """Writes prompts after a plan.

    Args:
        plan: what is written.
        budget: how long prompts may be.
        engine: the language model, or ``None`` to write everything from templates.
        engine_name: what lines of that model carry as their ``engine``.
        sampling: how it is asked.
    """

    plan: Plan
    budget: TokenBudget
    engine: Engine | None = None
    engine_name: str = ""
    sampling: Sampling = Sampling()

    def write(
        self, classes: Sequence[PromptClass], per_class: int, contents: int | None = None
    ) -> tuple[list[PromptRecord], Tally]:
        """Exactly ``per_class`` records for each of ``classes``, in their order, and the tally.

        Each class gets ``contents`` different contents (``per_class`` if None); lines beyond use them again.

        Raises:
            PromptError: even the shortest prompt of a class does not fit the text encoder or its characters.
            EngineError: the language model does not answer at all.
        """
        jobs = [Job(self.plan, prompt_class, min(per_class, contents or per_class)) for prompt_class in classes]
        styles = (PHOTO, *self.plan.styles) if self.plan.strategy.styles else (PHOTO,)
        validator = Validator(self.budget.count, self.budget.max_tokens, max(styles, key=self.budget.count))
        for job in jobs:
            self._check(job.wish(validator.longest_style))
        tally = Tally()
        if self.plan.strategy.contents:
            tally.wanted = sum(len(job.found) for job in jobs)
            if self.engine is not None:
                for attempt in range(1 + self.sampling.retries):
                    self._ask(jobs, validator, tally, attempt)
                tally.fallback = tally.wanted - tally.accepted
        for job in jobs:
            job.fill(validator, tally)
        return [record for job in jobs for record in job.records(per_class)], tally

    def _check(self, wish: Wish) -> None:
        """Refuse a class that no prompt can be written for."""
        shortest = compose(style=wish.style, name=wish.noun, gloss=wish.gloss)
        if not is_clean(shortest.replace(wish.pseudo_word, "")):
            raise PromptError(
                f"class {wish.name!r}: {shortest!r} may hold Latin letters, digits and plain punctuation only"
            )
        tokens = self.budget.count(shortest)
        if tokens > self.budget.max_tokens:
            raise PromptError(
                f"class {wish.name!r}: {shortest!r} takes {tokens} tokens, the text encoder reads "
                f"{self.budget.max_tokens}; shorten its name or gloss"
            )

    def _ask(self, jobs: Sequence[Job], validator: Validator, tally: Tally, attempt: int) -> None:
        """One round: a request for everything that is missing."""
        sampling = self.sampling
        requests = [one for job in jobs for one in job.requests(attempt, sampling.lines_per_request)]
        for start in range(0, len(requests), sampling.batch):
            part = requests[start : start + sampling.batch]
            answers = self.engine.complete(
                [request.messages() for request in part],
                seeds=[request.seed for request in part],
                max_new_tokens=sampling.max_new_tokens,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
            )
            if len(answers) != len(part):
                raise EngineError(f"the language model gave {len(answers)} answers to {len(part)} requests")
            for request, answer in zip(part, answers, strict=True):
                tally.asked += request.lines
                tally.retried += request.lines if attempt else 0
                request.job.take(request, answer, self.engine_name, validator, tally)
