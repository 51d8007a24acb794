"""A configuration whose zoo learns from a handful of photographs."""

from __future__ import annotations

from pathlib import Path

import pytest

from prism.config import Config, load_config


@pytest.fixture
def settings(project_root):
    """``settings(folder, **zoo)``: a configuration whose zoo learns from ``folder`` for two steps a part."""

    def made(folder: Path, **zoo) -> Config:
        steps = {"autoencoder": 2, "decoder": 2, "tiny": 2, "text_to_image": 2}
        section = {
            "kind": "photographs",
            "images": [f"{folder}/photographs.zip!small/train"],
            "classes": str(folder / "classes.json"),
            "steps": steps,
            "batch": 4,
            "autoencoder_batch": 2,
            "latent_channels": 6,
        }
        return load_config(overrides={"zoo": {**section, **zoo}}, root=project_root)

    return made
