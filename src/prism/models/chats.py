"""What a language model is asked when it writes prompts: a system message, and a few fields a request."""

from collections.abc import Sequence

SYSTEM = (
    "You write captions of pictures that teach a classifier. Answer with captions only, one on each line, "
    "without numbers, quotes or comments. Every caption has exactly this form: "
    "a STYLE of a COLOUR NAME, MEANING, CONTEXT. "
    "Copy style, name and meaning from the request, word for word; leave the meaning out if none is given. "
    "Choose a colour and a context (a scene, place, time or surrounding in two to eight words, opening with "
    "a preposition) that are plausible for the meaning and different on every line. Hints are ideas for the "
    "context; ignore those that do not fit. "
    "For name: crane, meaning: a wading bird, style: photo, a caption is: "
    "a photo of a grey crane, a wading bird, at the edge of a misty lake"
)

Message = dict[str, str]


def caption_request(*, name: str, gloss: str | None, style: str, hints: Sequence[str], lines: int) -> list[Message]:
    """The chat that asks for ``lines`` captions of a class; without ``gloss`` the sense stays open."""
    fields = [f"name: {name}"]
    if gloss:
        fields.append(f"meaning: {gloss}")
    fields += [f"style: {style}", f"hints: {', '.join(hints)}", f"lines: {lines}"]
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "\n".join(fields)}]
