"""The zoo's target, run: it trains the models in a job of its own, which the next run finds like any other."""

from __future__ import annotations

import json

import pytest

from prism.artifacts import verify

from .conftest import copied

pytestmark = pytest.mark.slow

ZOO = """
experiment: photographed
diffusion: {pipeline: results/zoo/photographed/text-to-image, tiny_decoder: results/zoo/photographed/tiny-decoder}
zoo:
  kind: photographs
  images: ["photographs.zip!small/train"]
  classes: classes.json
  steps: {autoencoder: 2, decoder: 2, tiny: 2, text_to_image: 2}
  batch: 4
  autoencoder_batch: 2
  latent_channels: 6
"""


def test_the_zoo_is_trained_by_its_target_and_not_again(photographs, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")  # two steps do not repay a compiler's minutes
    root = copied(tmp_path_factory.mktemp("zoo"))
    for name in ("photographs.zip", "classes.json"):
        (root.path / name).symlink_to(photographs / name)
    (root.path / "config" / "zoo.yaml").write_text(ZOO, encoding="utf-8")

    answer = root.snakemake("zoo", configfile="config/zoo.yaml")
    assert answer.status == 0, answer.text
    manifest = verify(root.path / "results" / "zoo" / "photographed" / "manifest.json")
    assert manifest.count == 3
    record = root.path / "results" / "photographed" / "logs" / "zoo.job"
    assert json.loads(record.read_text(encoding="utf-8"))["pid"]
    assert root.snakemake("zoo", configfile="config/zoo.yaml").nothing_to_do
