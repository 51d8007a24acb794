"""Results that are no longer what was written: found by their manifests, and removed so that they are made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prism.artifacts.files import read_json
from prism.artifacts.manifests import verify
from prism.errors import DataError, ShardError

_KEYS_OF_A_MANIFEST = {"stage", "recipe_hash", "outputs"}


@dataclass(frozen=True)
class Damage:
    """One manifest with what is wrong about it, in one line, and the files that have to be made again."""

    reason: str
    files: tuple[Path, ...]

    def remove(self) -> None:
        """Delete the files; the workflow then makes them, and what depends on their content, again."""
        for file in self.files:
            file.unlink(missing_ok=True)


def damaged(results: Path) -> Iterator[Damage]:
    """What is damaged below a folder of results: outputs that their manifests do not fit, and JSON that is none.

    Hidden folders, as those of unfinished work, are left out.
    """
    for path in sorted(Path(results).rglob("*.json")):
        if any(part.startswith(".") for part in path.relative_to(results).parts):
            continue
        try:
            content = read_json(path)
        except DataError as error:
            yield Damage(str(error), (path,))
            continue
        if not isinstance(content, dict) or not content.keys() >= _KEYS_OF_A_MANIFEST:
            continue
        try:
            verify(path)
        except ShardError as error:
            outputs = content["outputs"] if isinstance(content["outputs"], dict) else {}
            # Names alone: a manifest that is no longer whole must not lead out of its folder.
            beside = [path.parent / name for name in outputs if Path(name).name == name]
            yield Damage(str(error), (*beside, path))
