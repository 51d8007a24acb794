"""Class lists are checked entry by entry, and the shipped ones fit their data."""

from __future__ import annotations

import json

import pytest

from prism.data.classes import load_classes, slugify
from prism.errors import DataError
from prism.miniature.lexicon import CONCEPTS, IN_DISTRIBUTION


@pytest.fixture
def load(tmp_path):
    """``load(text)`` writes a class list and loads it."""

    def write_and_load(text: str):
        path = tmp_path / "list.yaml"
        path.write_text(text, encoding="utf-8")
        return load_classes(path)

    return write_and_load


def test_miniature_list_is_in_step_with_the_lexicon(project_root):
    classes = load_classes(project_root / "config/classes/miniature.yaml")
    wanted = [CONCEPTS[key] for key in IN_DISTRIBUTION]
    assert [(spec.name, spec.sense, spec.gloss) for spec in classes] == [
        (concept.name, concept.sense, concept.gloss) for concept in wanted
    ]
    assert [spec.index for spec in classes] == list(range(10))


def test_cifar10_list_is_in_the_order_of_the_data_set(project_root):
    classes = load_classes(project_root / "config/classes/cifar10.yaml")
    assert [spec.folder for spec in classes] == ("airplane automobile bird cat deer dog frog horse ship truck".split())


def test_cifar10_list_matches_the_published_class_names(project_root, shared_data):
    published = json.loads((shared_data / "meta" / "small_set_classes.json").read_text())["cifar10"]
    assert [spec.folder for spec in load_classes(project_root / "config/classes/cifar10.yaml")] == published


def test_list_gives_names_glosses_and_unique_slugs(load):
    classes = load(
        "- {name: crane, sense: bird, gloss: a wading bird}\n"
        "- {name: crane, sense: machine, gloss: a lifting machine, synonyms: [hoist]}\n"
        "- {name: Crane bird, gloss: another}\n"
        "- {name: 鶴, gloss: a crane}\n"
        "- {name: ../../etc, gloss: a rude name}\n"
    )
    assert len(classes) == 5
    assert classes.names == ("crane", "crane", "Crane bird", "鶴", "../../etc")
    assert classes.glosses[1] == "a lifting machine"
    assert [spec.slug for spec in classes] == [
        "crane-bird",
        "crane-machine",
        "crane-bird-0002",
        "class",
        "etc",
    ]
    assert classes[1].synonyms == ("hoist",)


GOOD = "- {name: car, gloss: a vehicle}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "\n- {name: Car, gloss: again}\n", r"line 3, entry 2: 'Car' is on line 1 already"),
        (
            GOOD + "- {name: bat, sense: club, gloss: a}\n" * 2,
            r"line 3, entry 3: 'bat' \(club\) is on line 2",
        ),
        (GOOD + "- {name: bat}\n", r"line 2, entry 2 \('bat'\): gloss is missing"),
        (GOOD + "- {name: bat, gloss: ''}\n", r"\('bat'\): gloss is missing"),
        (GOOD + "- {name: bat, gloss:}\n", r"\('bat'\): gloss is missing"),
        (GOOD + "- {gloss: a thing}\n", "line 2, entry 2: name is missing"),
        (GOOD + "- {name: bat, glos: a}\n", "unknown key 'glos'; did you mean 'gloss'"),
        (GOOD + "- {name: yes, gloss: a}\n", "name: True is not text; put it between quotes"),
        (GOOD + "- {name: 7, gloss: a}\n", "name: 7 is not text"),
        (GOOD + "- {name: bat, gloss: a, synonyms: club}\n", "synonyms must be a list"),
        (GOOD + '- {name: bat, gloss: "two\\nlines"}\n', "gloss must be one line"),
        (GOOD + f"- {{name: bat, gloss: {'long ' * 100}}}\n", "gloss must be one line of at most"),
        (GOOD + "- {name: bat, gloss: a, gloss: b}\n", "line 2: key 'gloss' is given twice"),
        (GOOD + "- bat\n", "line 2, entry 2: 'bat' must be a mapping"),
        (GOOD, "at least two entries"),
        ("", "at least two entries"),
        ("car: a\nbat: b\n", "at least two entries"),
        (GOOD + "- {name: bat, gloss: a\n", "line 3 is not YAML"),
        ("- !!python/object/apply:os.system [true]\n" * 2, "is not YAML"),
    ],
)
def test_faulty_list_is_refused_with_line_and_entry(load, text, message):
    with pytest.raises(DataError, match=message) as caught:
        load(text)
    assert "list.yaml: " in str(caught.value) and "\n" not in str(caught.value)


def test_missing_and_binary_lists_are_named(tmp_path):
    with pytest.raises(DataError, match="none.yaml: the class list cannot be read"):
        load_classes(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="bad.yaml: the class list is not text"):
        load_classes(tmp_path / "bad.yaml")


def test_slugs_are_safe_in_file_names():
    assert slugify("Potter's  Wheel!") == "potter-s-wheel"
    assert slugify("café/../x") == "cafe-x"
    assert slugify("犬") == ""


def test_imagenets_thousand_classes_are_in_the_order_of_the_usual_classifiers(project_root):
    from torchvision.models import ResNet34_Weights

    classes = load_classes(project_root / "config/classes/imagenet1k.yaml")
    assert len({spec.slug for spec in classes}) == len({spec.folder for spec in classes}) == len(classes) == 1000
    assert list(classes) == sorted(classes, key=lambda spec: spec.folder)
    usual = ResNet34_Weights.IMAGENET1K_V1.meta["categories"]
    same = sum(
        spec.name.lower() == name.lower() or name.lower() in map(str.lower, spec.synonyms)
        for spec, name in zip(classes, usual, strict=True)
    )
    assert same > 950  # torchvision tells a few apart by other names, as "crane bird"
