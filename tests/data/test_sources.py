"""One door to labelled images: the drawn world and folders look the same behind it."""

import numpy as np
import pytest

from prism.data.classes import load_classes
from prism.data.images import ImageSet
from prism.data.sources import load_source, resized
from prism.errors import DataError


def test_the_world_is_drawn_at_the_size_asked_for(project_root):
    classes = load_classes(project_root / "config/classes/miniature.yaml")
    images = load_source("world:sketch", size_px=48, classes=classes, count=1, seed=0)
    assert images.images.shape == (10, 48, 48, 3)


def test_the_world_is_refused_for_other_classes(tmp_path):
    (tmp_path / "classes.yaml").write_text("- {name: cat, gloss: a pet}\n- {name: dog, gloss: another pet}\n")
    with pytest.raises(DataError, match="world:sketch: draws crane.*cat, dog"):
        load_source("world:sketch", size_px=32, classes=load_classes(tmp_path / "classes.yaml"), count=1, seed=0)


def test_a_missing_folder_is_named(project_root):
    classes = load_classes(project_root / "config/classes/miniature.yaml")
    with pytest.raises(DataError, match="nowhere"):
        load_source("nowhere", size_px=32, classes=classes, count=None, seed=0)


def test_resizing_is_antialiased_and_free_where_the_size_is_right():
    stripes = np.zeros((1, 32, 32, 3), np.uint8)
    stripes[:, :, ::2] = 255
    images = ImageSet(stripes, np.zeros(1, np.int64), "stripes")
    assert resized(images, 32) is images
    assert np.abs(resized(images, 16).images[:, :, 2:-2].astype(int) - 127).max() <= 3
