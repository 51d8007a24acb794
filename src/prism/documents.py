"""JSON and YAML from outside: what is nested without end, or grows when it is written out, is no document."""

from __future__ import annotations

import json
from typing import Any

MOST_VALUES = 1_000_000
_DEEP = "its brackets are nested too deeply"


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none, or nested more deeply than any that is meant well.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(_DEEP) from None


def check_aliases(value: Any, most: int = MOST_VALUES) -> None:
    """Refuse a value whose YAML aliases make it ``most`` values or more when they are written out.

    Aliases of aliases cost nothing to read and all memory to print or compare.

    Raises:
        ValueError: it is too large, nested too deeply, or holds itself.
    """
    sizes: dict[int, int] = {}

    def size(one: Any) -> int:
        if not isinstance(one, dict | list | tuple | set):
            return 1
        if id(one) not in sizes:
            sizes[id(one)] = most  # of what holds itself
            parts = [*one.keys(), *one.values()] if isinstance(one, dict) else one
            sizes[id(one)] = 1 + sum(map(size, parts))
        return sizes[id(one)]

    try:
        if size(value) >= most:
            raise ValueError(f"its aliases stand for more than {most:,} values; write out what is meant")
    except RecursionError:
        raise ValueError(_DEEP) from None
