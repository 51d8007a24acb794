"""A handful of photographs in an archive, with their class list."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from prism.config import Config, load_config

ENTRIES = [
    {
        "wnid": "n01",
        "clip_name": "American bullfrog",
        "words": "bullfrog, Rana",
        "gloss": "largest North American frog; it swims",
    },
    {"wnid": "n02", "clip_name": "acorn", "words": "acorn", "gloss": "fruit of the oak tree: a nut"},
]


@pytest.fixture
def photographs(tmp_path, picture, encode) -> Path:
    """``photographs.zip`` (folders train/<wnid>, 64 px) and ``classes.json`` in a folder, which is returned."""
    with zipfile.ZipFile(tmp_path / "photographs.zip", "w") as archive:
        for index in range(8):
            wnid = ENTRIES[index % 2]["wnid"]
            archive.writestr(f"small/train/{wnid}/{index}.jpg", encode(picture(index, 64), "JPEG"))
    (tmp_path / "classes.json").write_text(json.dumps(ENTRIES), encoding="utf-8")
    return tmp_path


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
