"""What a text-to-image model of photographs is told of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from prism.errors import DataError
from prism.miniature.zoo.photographs import Photographs, caption, read_classes, short_gloss
from prism.miniature.zoo.prior import Folders


def test_captions_name_the_class_and_half_of_them_say_its_gloss(photographs):
    bullfrog = read_classes(photographs / "classes.json")[0]
    rng = np.random.default_rng(0)
    written = [caption(bullfrog, rng) for _ in range(400)]
    assert {"a photo of a bullfrog", "a photo of an American bullfrog"} <= set(written)
    assert "a photo of a bullfrog, largest North American frog" in written
    assert 160 < sum(text.endswith("largest North American frog") for text in written) < 240
    assert all("bullfrog" in text for text in written)


@pytest.mark.parametrize(
    ("gloss", "wanted"),
    [
        ("largest North American frog; highly aquatic", "largest North American frog"),
        ("(trademark) a player", ""),
        ("fruit of the oak tree: a nut", "fruit of the oak tree"),
        ("one two three four five six seven of the", "one two three four five six seven"),
    ],
)
def test_a_gloss_is_cut_to_a_few_words(gloss, wanted):
    assert short_gloss(gloss) == wanted


def test_images_are_followed_by_their_mirror_images_with_the_same_captions(photographs, settings):
    material, folders = Photographs(settings(photographs).zoo), Folders(photographs, photographs)
    images, caption_of = material.images(folders), material.captions(folders)
    assert images.shape == (14, 32, 32, 3) and images.dtype == np.uint8  # one of the eight is held out
    assert (images[7:] == images[:7, :, ::-1]).all()
    for index in range(7):
        texts = [caption_of(index + half, np.random.default_rng(3)) for half in (0, 7)]
        assert texts[0] == texts[1]
        assert ("acorn" in texts[0]) == (index >= 3)  # ordered by class, the first of four held out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "should be a list of classes"),
        ('[{"wnid": "n01"}]', "entry 1: clip_name is missing"),
        (json.dumps([{"wnid": "a", "clip_name": "x", "words": "x", "gloss": ""}] * 2), "two entries have the wnid a"),
    ],
)
def test_a_wrong_class_list_is_one_line(tmp_path, text, message):
    (tmp_path / "classes.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_classes(tmp_path / "classes.json")
    assert "\n" not in str(caught.value)


def test_a_class_without_photographs_is_one_line(photographs, settings):
    entries = [{"wnid": "n03", "clip_name": "ox", "words": "ox", "gloss": ""}]
    (photographs / "classes.json").write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(DataError, match="no folder 'n03'") as caught:
        Photographs(settings(photographs).zoo).images(Folders(photographs, photographs))
    assert "\n" not in str(caught.value)
