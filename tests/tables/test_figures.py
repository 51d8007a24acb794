"""Figures: the same bytes each time, labels apart, and one clear line for bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from prism.errors import DataError
from prism.tables import energy_histograms, images, learning_curves, plotting
from prism.tables.labels import Box, place
from prism.tables.registry import FIGURES


def _inputs(name, results):
    return {
        "precision-recall": [path for path in results if path.parent.name == "evaluation"],
        "energy-histograms": [path for path in results if path.parent.name == "evaluation"],
        "learning-curves": [path.with_name("history.csv") for path in results if path.name == "metrics.json"],
        "pruning-curve": [path for path in results if "sparsity-" in str(path)],
    }[name]


@pytest.mark.parametrize("name", ["precision-recall", "energy-histograms", "learning-curves", "pruning-curve"])
def test_equal_inputs_give_equal_bytes_whatever_the_users_settings(name, results, pruned, context):
    import matplotlib

    results = [path for path in results if "sparsity-" not in str(path)] + pruned

    def drawn() -> bytes:
        with plotting.look():
            return plotting.png_bytes(FIGURES[name](_inputs(name, results), context))

    first = drawn()
    assert first.startswith(b"\x89PNG") and b"matplotlib" not in first.lower()
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        assert drawn() == first
        assert matplotlib.rcParams["font.size"] == 20


@pytest.mark.parametrize("name", FIGURES)
def test_without_inputs_a_figure_says_what_is_missing(name, context):
    with pytest.raises(DataError, match=f"figure {name}"):
        FIGURES[name]([], context)


def test_labels_cover_neither_each_other_nor_a_point_nor_the_border():
    rng = np.random.default_rng(0)
    points = [tuple(point) for point in rng.uniform(40, 300, (12, 2))]
    frame = Box(0, 0, 400, 340)
    boxes = place(points, [(70.0, 11.0)] * 12, frame)
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes, 2))
    assert all(box.overlap(Box(x - 3, y - 3, 6, 6)) == 0 for box in boxes for x, y in points)
    assert all(box.outside(frame) < 1e-6 for box in boxes)


def test_labels_of_equal_points_are_apart():
    one, other = place([(100, 100)] * 2, [(50.0, 10.0)] * 2, Box(0, 0, 200, 200))
    assert one.overlap(other) == 0


@pytest.mark.parametrize(
    ("histogram", "message"),
    [
        ({"edges": [0, 1]}, "needs the lists"),
        ({"edges": [0, 1], "synthetic": [1, 2], "real": [1]}, "one edge more"),
        ({"edges": [1, 0], "synthetic": [1], "real": [1]}, "do not rise"),
        ({"edges": [0, 1], "synthetic": ["x"], "real": [1]}, "needs the lists"),
    ],
)
def test_a_malformed_histogram_names_its_file(histogram, message):
    with pytest.raises(DataError, match=f"e.json: .*{message}"):
        energy_histograms.parse("e.json", {"energy": histogram})


def test_an_evaluation_without_energies_is_left_out():
    assert energy_histograms.parse("e.json", {}) is None
    assert energy_histograms.parse("e.json", None) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch,loss\n1,2\n", "expected epoch and one of"),
        ("epoch,test_accuracy\n1,high\n", "h.csv:2"),
        ("epoch,test_accuracy\n", "no epoch"),
    ],
)
def test_a_malformed_history_names_its_file(tmp_path, text, message):
    path = tmp_path / "h.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        learning_curves.read_history(path, method="a", student="b", seed=0)


def test_no_two_of_many_methods_look_alike_in_one_panel(context):
    def curve(index: int) -> learning_curves.Curve:
        return learning_curves.Curve(f"method-{index}", "student", 0, (1.0, 2.0), (0.1, index / 100), "accuracy")

    figure = learning_curves.draw([curve(index) for index in range(43)], context)
    legends = [panel.get_legend() for panel in figure.axes]
    assert sum(len(legend.get_texts()) for legend in legends) == 43
    for legend in legends:
        looks = [(line.get_color(), line.get_linestyle()) for line in legend.get_lines()]
        assert len(set(looks)) == len(looks)


def test_small_images_are_enlarged_by_whole_pixels_and_large_ones_averaged():
    small = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
    assert (images._resized(small)[::3, ::3] == small).all()
    assert images._resized(np.full((512, 384, 3), 7, np.uint8)).shape[0] <= images.CELL_PX


def test_many_classes_are_thinned():
    assert images.shown_classes(3) == [0, 1, 2]
    thinned = images.shown_classes(1000)
    assert (len(thinned), thinned[0], thinned[-1]) == (images.MAX_CLASSES, 0, 999)
