"""Contents without a language model: every colour with every context, in an order of the class's own."""

from collections.abc import Iterator, Sequence

from prism.prompts.grammar import Content
from prism.seeds import rng


def template_contents(seed: int, *, colours: Sequence[str], contexts: Sequence[str]) -> Iterator[Content]:
    """All pairs of colour and context once, in random order.

    Raises:
        ValueError: no colour or no context is given.
    """
    if not colours or not contexts:
        raise ValueError("colours and contexts must hold at least one phrase each")
    pairs = [Content(colour, context) for colour in colours for context in contexts]
    for index in rng(seed).permutation(len(pairs)):
        yield pairs[index]
