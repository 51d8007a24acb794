"""Loading a configuration over the miniature, and the lines that a wrong one is answered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prism.config import Config, load_config
from prism.errors import ConfigError

ROOT = Path(__file__).parents[2]


def load(*paths: Path, **overrides: Any) -> Config:
    """The files, and sections over them."""
    return load_config(*paths, overrides=overrides, root=ROOT)


def mistakes(**overrides: Any) -> list[str]:
    """One line for each."""
    with pytest.raises(ConfigError) as caught:
        load(**overrides)
    return str(caught.value).splitlines()
