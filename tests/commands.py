"""The commands that a document tells a user to run."""

from __future__ import annotations

import re
from pathlib import Path


def commands(document: Path) -> list[str]:
    """The lines of all blocks of bash, in their order, without what stands behind a ``#``."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]
