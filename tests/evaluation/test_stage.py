"""The stage on tiny networks and a tiny world: one file, whole, with every number's protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from prism.artifacts import progress_dir, read_json
from prism.config import Config, load_config
from prism.data import method_images
from prism.data.shards import Sample, sample_key, write_shard
from prism.data.sources import world_names
from prism.errors import DataError, ModelError
from prism.evaluation import measures, stage
from prism.evaluation.stage import evaluate
from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, STYLES
from prism.models.classifiers import build

NAME = "miniature-student-small"
CLASS_NAMES = world_names()
PER_CLASS = 3
Place = Callable[..., tuple[Config, list[Path], Path]]


def _shard(path: Path, images: range) -> Path:
    rng = np.random.default_rng(images.start)
    samples = []
    for index in images:
        for label in range(10):
            prompt = "a sketch of a crane" if index % 2 else "a crane"
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            samples.append(Sample(sample_key(label, index), pixels, {"class_index": label, "prompt": prompt}))
    write_shard(path, samples, {"stage": "synthesis", "recipe": {"method": "prism"}})
    return path


@pytest.fixture
def place(tmp_path: Path, project_root: Path, untrained: Callable[..., Path]) -> Place:
    """``place(**evaluation)``: a configuration, two shards of 15 images each, and where the output goes."""

    def make(**evaluation: Any) -> tuple[Config, list[Path], Path]:
        heads = len(CONCEPTS) + len(STYLES) + len(CONTEXTS) + len(COLOURS)
        settings = {
            "extractor": {"kind": "miniature", "weights": str(untrained(NAME, classes=7, seed=1, file="f"))},
            "oracle": str(untrained(NAME, classes=heads, seed=2, file="o")),
            "reference_per_class": 4,
            "kid_subset_size": 10,
            "kid_subsets": 3,
            "k": 2,
            "batch": 16,
        }
        overrides = {
            "classes": str(project_root / "config/classes/miniature.yaml"),
            "device": "cpu",
            "teacher": {
                "architecture": "miniature-student-small",
                "weights": str(untrained(NAME, classes=10, seed=3, file="t")),
            },
            "synthesis": {"images_per_class": PER_CLASS, "shards": 1},
            "run": ["real", "vanilla", "prism"],
            "evaluation": {**settings, **evaluation},
        }
        shards = [_shard(tmp_path / f"shard-{i}.tar", range(3 * i, 3 * i + PER_CLASS)) for i in (0, 1)]
        output = tmp_path / "results" / "tiny" / "evaluation" / "prism.json"
        return load_config(overrides=overrides, root=project_root), shards, output

    return make


def test_one_file_holds_every_metric_and_its_protocol(place):
    config, shards, output = place()
    evaluate(config, "prism", shards, output)
    found = read_json(output)
    assert found["method"] == "prism"
    always = {"fid", "kid", "inception_score", "precision", "recall", "density", "coverage", "vendi"}
    others = {
        "intra_class_similarity",
        "teacher_agreement",
        "free_energy_gap",
        "oracle_sense",
        "oracle_style",
    }
    cover = {"oracle_contexts", "oracle_colours", "oracle_styles", "oracle_cells", "oracle_coverage"}
    assert always | others | cover <= set(found["metrics"]) == set(found["protocol"]["names"])
    protocol = found["protocol"]
    assert (protocol["n_real"], protocol["n_synthetic"], protocol["n"]) == (40, 60, 40)
    assert protocol["names"]["fid"] == "fid_miniature_n40"
    assert protocol["names"]["precision"] == "precision_miniature_k2_n40"
    assert protocol["names"]["teacher_agreement"] == "teacher_agreement_n60"
    assert len(found["histograms"]["energy"]["edges"]) == 41
    assert set(found["models"]) == {"extractor", "teacher", "oracle"}
    assert found["run"]["seconds"] > 0 and len(found["recipe_hash"]) == 16
    assert [path.name for path in output.parent.iterdir()] == ["prism.json"]


def test_order_of_shards_and_batches_change_no_number(place):
    config, shards, output = place()
    evaluate(config, "prism", shards, output)
    first = read_json(output)
    again, _, _ = place(batch=7)
    evaluate(again, "prism", shards, output)
    second = read_json(output)
    assert second["metrics"] == pytest.approx(first["metrics"], rel=1e-4, abs=1e-6)
    assert second["recipe_hash"] == first["recipe_hash"]


def test_real_features_are_kept_and_a_damaged_file_is_made_anew(place, monkeypatch, caplog):
    config, shards, output = place()
    evaluate(config, "prism", shards, output)
    first = read_json(output)["metrics"]
    (kept,) = (output.parents[2] / ".progress").rglob("*.npz")
    passes = []
    original = measures.measure
    monkeypatch.setattr(measures, "measure", lambda *a, **k: passes.append(1) or original(*a, **k))
    evaluate(config, "prism", shards, output)
    assert not passes and read_json(output)["metrics"] == first
    kept.write_bytes(kept.read_bytes()[:1000])
    evaluate(config, "prism", shards, output)
    assert passes == [1] and read_json(output)["metrics"] == first
    assert "computed again" in caplog.text


def test_real_images_are_their_own_method(place):
    config, shards, output = place()
    evaluate(config, "real", [], output)
    found = read_json(output)
    assert found["protocol"]["n_synthetic"] == 10 * PER_CLASS
    assert "oracle_style" not in found["metrics"]  # a real image was asked for no style
    with pytest.raises(DataError, match="engine real takes real images"):
        evaluate(config, "real", shards, output)


def test_real_images_may_be_measured_in_parts(place, monkeypatch, tmp_path, picture):
    for label in range(10):
        (tmp_path / "photos" / CLASS_NAMES[label]).mkdir(parents=True)
        for index in range(PER_CLASS):
            file = tmp_path / "photos" / CLASS_NAMES[label] / f"{index}.png"
            Image.fromarray(picture(10 * label + index, 32)).save(file)
    config, _, output = place()
    config = config.model_copy(
        update={"synthesis": config.synthesis.model_copy(update={"real": str(tmp_path / "photos")})}
    )
    evaluate(config, "real", [], output)
    whole = read_json(output)
    monkeypatch.setattr(method_images, "_PART", 7)
    sizes, measure = [], stage.measure
    monkeypatch.setattr(stage, "measure", lambda part, *a, **k: (sizes.append(len(part)), measure(part, *a, **k))[1])
    evaluate(config, "real", [], output)
    assert sizes == [7, 7, 7, 7, 2]
    assert read_json(output)["metrics"] == pytest.approx(whole["metrics"], rel=1e-4)
    assert read_json(output)["protocol"] == whole["protocol"]


def test_features_of_the_real_set_are_those_of_the_extractor_s_own_preprocessing(place):
    config, shards, output = place()
    weights = output.parent / "foreign.safetensors"  # a file that says nothing of its input
    weights.parent.mkdir(parents=True)
    save_file(build(NAME, 7, 32, seed=1).state_dict(), weights)
    fids = []
    for std in (0.5, 0.25):
        described = {"kind": "classifier", "weights": str(weights), "architecture": NAME, "size_px": 32}
        described |= {"mean": [0.5] * 3, "std": [std] * 3}
        given = place(extractor=described)[0]
        evaluate(given, "prism", shards, output)
        fids.append(read_json(output)["metrics"]["fid"])
    assert len(list(progress_dir(output.parent / "reference").glob("*.npz"))) == 2 and fids[0] != fids[1]


def test_without_an_oracle_its_metrics_are_left_out(place):
    config, shards, output = place(oracle=None)
    evaluate(config, "prism", shards, output)
    found = read_json(output)
    assert not [name for name in found["metrics"] if name.startswith("oracle")]
    assert set(found["models"]) == {"extractor", "teacher"}


def test_what_cannot_be_measured_is_one_line_and_leaves_no_file(place, tmp_path):
    config, shards, output = place()
    greedy = config.evaluation.model_copy(update={"k": 50})  # more than loading a configuration allows
    config = config.model_copy(update={"evaluation": greedy})
    with pytest.raises(DataError, match="evaluation.k: 50 neighbours need more images"):
        evaluate(config, "prism", shards, output)
    config, _, _ = place(oracle=str(tmp_path / "f.safetensors"))
    with pytest.raises(ModelError, match="has 7 outputs; an oracle has 49"):
        evaluate(config, "prism", shards, output)
    assert not output.exists()
