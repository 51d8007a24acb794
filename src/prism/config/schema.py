"""The JSON schema of the configuration, for editors: ``python -m prism.config.schema`` writes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prism.config.model import Config

SCHEMA = Path("config/schema.json")


def schema() -> dict[str, Any]:
    """The schema of configuration files: nothing is required, as a file may hold any part."""
    document = Config.model_json_schema()
    document.pop("required", None)
    for section in document["$defs"].values():
        section.pop("required", None)
    for catalogue in _catalogues(document):
        entries = catalogue["patternProperties"]
        catalogue["patternProperties"] = {name: {"anyOf": [entry, {"type": "null"}]} for name, entry in entries.items()}
        catalogue["additionalProperties"] = False
        catalogue.pop("minProperties", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}


def _catalogues(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The maps of named entries, where null removes one."""
    for section in (document, *document["$defs"].values()):
        for field in section.get("properties", {}).values():
            if "patternProperties" in field:
                yield field


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMA).write_text(schema_text(), encoding="utf-8")
