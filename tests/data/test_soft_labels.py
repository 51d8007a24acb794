"""Files of soft labels: any reader of safetensors opens them; nothing broken or foreign is believed."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch

from prism.artifacts import write_manifest
from prism.data.images import ImageSet
from prism.data.soft_labels import LabelFacts, SoftLabels, pixels_hash, write_soft_labels
from prism.errors import DataError
from prism.seeds import generator

IMAGES = ImageSet(np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3), np.arange(5), "results/some")
FACTS = LabelFacts(epochs=3, images=5, classes=7, source_px=4, size_px=8, pixels=pixels_hash(IMAGES))


def tensors():
    draws = generator(0)
    return {
        "logits": torch.randn(15, 7, generator=draws).half(),
        "boxes": torch.randint(0, 4, (15, 4), generator=draws, dtype=torch.int16),
        "flips": torch.randint(0, 2, (15,), generator=draws, dtype=torch.uint8),
        "partners": torch.randint(0, 5, (15,), generator=draws, dtype=torch.int32),
        "patches": torch.randint(0, 8, (15, 4), generator=draws, dtype=torch.int16),
    }


def parts_of(rows, sizes=(4, 4, 7)):
    """The rows in parts, as a job that was killed twice leaves them."""
    return lambda name: [lambda part=part: part for part in rows[name].split(list(sizes))]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "sre2l.safetensors"
    write_soft_labels(path, FACTS, parts_of(tensors()))
    write_manifest(path.with_suffix(".json"), stage="relabelling", recipe={}, outputs=[path], count=5)
    return path


def test_the_file_is_safetensors_in_16_bits_whatever_parts_it_was_made_of(path, tmp_path):
    read, rows = safetensors.torch.load_file(path), tensors()
    assert {name: tuple(tensor.shape) for name, tensor in read.items()} == {
        "logits": (3, 5, 7),
        "boxes": (3, 5, 4),
        "patches": (3, 5, 4),
        "flips": (3, 5),
        "partners": (3, 5),
    }
    assert all(torch.equal(tensor.flatten(0, 1), rows[name]) for name, tensor in read.items())
    # 16 bits for a logit; 21 bytes make a view again
    header = int.from_bytes(path.read_bytes()[:8], "little")
    assert path.stat().st_size == 8 + header + 15 * (2 * 7 + 21) and header % 8 == 0
    write_soft_labels(tmp_path / "other.safetensors", FACTS, parts_of(rows, (15,)))
    assert (tmp_path / "other.safetensors").read_bytes() == path.read_bytes()


def test_an_epoch_is_read_by_itself_and_epochs_come_round_again(path):
    labels, rows = SoftLabels(path), tensors()
    for epoch in (2, 0, 1, 5, 4):
        logits, views = labels.epoch(epoch)
        place = slice(epoch % 3 * 5, epoch % 3 * 5 + 5)
        assert torch.equal(logits, rows["logits"][place])
        assert all(torch.equal(tensor, rows[name][place]) for name, tensor in views.tensors().items())


def test_too_few_rows_or_rows_of_another_type_are_refused_and_leave_no_file(tmp_path):
    path, rows = tmp_path / "new.safetensors", tensors()
    with pytest.raises(DataError, match="partners has 56 bytes, 60 are needed"):
        write_soft_labels(path, FACTS, parts_of({name: value[:14] for name, value in rows.items()}, (14,)))
    with pytest.raises(DataError, match=r"logits is torch.float32 \(15, 7\)"):
        write_soft_labels(path, FACTS, parts_of(rows | {"logits": rows["logits"].float()}, (15,)))
    assert not list(tmp_path.iterdir())


def test_labels_of_other_images_classes_or_sizes_are_refused(path):
    labels = SoftLabels(path)
    labels.check(IMAGES, 7, 8)
    for classes, size in ((6, 8), (7, 16)):
        with pytest.raises(DataError, match="labels are for 7 classes and views of 8 px"):
            labels.check(IMAGES, classes, size)
    turned = ImageSet(IMAGES.images[::-1].copy(), IMAGES.labels, "results/other")
    with pytest.raises(DataError, match="labels are not those of results/other; relabel again"):
        labels.check(turned, 7, 8)


def test_a_file_that_is_missing_cut_short_or_foreign_is_told(path, tmp_path):
    with pytest.raises(DataError, match="no such file of soft labels; run its relabelling first"):
        SoftLabels(tmp_path / "none.safetensors")
    data = path.read_bytes()
    for content in (data[:-1], data[:100], b"garbage", b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match="is not a whole file of soft labels"):
            SoftLabels(path)
    safetensors.torch.save_file({"logits": torch.zeros(3)}, path)
    with pytest.raises(DataError, match="its metadata does not say epochs, images"):
        SoftLabels(path)
    said = json.dumps(vars(FACTS))
    safetensors.torch.save_file({"logits": torch.zeros(3, 5, 7)}, path, metadata={"prism": said})
    with pytest.raises(DataError, match="relabel again"):
        SoftLabels(path)


def test_a_file_that_its_manifest_does_not_name_is_not_believed(path):
    assert len(SoftLabels(path).fingerprint) == 64
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="its sha256 is not the one in sre2l.json"):
        _ = SoftLabels(path).fingerprint
    path.with_suffix(".json").unlink()
    with pytest.raises(DataError, match="its manifest sre2l.json is missing"):
        _ = SoftLabels(path).fingerprint
