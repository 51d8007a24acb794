"""Words that contents are made of when no language model writes them, and that it is shown as hints."""

COLOURS: tuple[str, ...] = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "white",
    "grey",
)
CONTEXTS: tuple[str, ...] = (
    "on grass",
    "in a meadow",
    "in the sky",
    "under a blue sky",
    "in the water",
    "at sea",
    "on sand",
    "on a beach",
    "in the snow",
    "on a snowy day",
    "at night",
    "under the stars",
    "indoors",
    "in a room",
)
STYLES: tuple[str, ...] = ("photo", "sketch", "cartoon", "painting")
PHOTO = "photo"
CLASS_AGNOSTIC = "a realistic photo"  # of what, the teacher says (DiffDFKD, arXiv 2504.00870)


def with_article(noun: str) -> str:
    """``noun`` behind its indefinite article: "a crane", "an orange fan"."""
    return f"an {noun}" if noun[:1].lower() in set("aeiou") else f"a {noun}"
