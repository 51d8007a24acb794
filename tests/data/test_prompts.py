import json

import pytest

from prism.data.classes import ClassList, ClassSpec
from prism.data.prompts import PromptRecord, read_prompts, write_prompt_file
from prism.errors import PromptError

CLASSES = ClassList(
    (
        ClassSpec(0, "crane", "bird", "a wading bird", "crane-bird"),
        ClassSpec(1, "automobile", "", "a car", "a", ("car",)),
    )
)


def record(class_index: int, prompt: str) -> PromptRecord:
    return PromptRecord(
        class_index=class_index,
        prompt=prompt,
        sense="",
        content="",
        style="photo",
        engine="templates",
        seed=3,
    )


GOOD = [
    record(0, "a photo of a crane"),
    record(1, "a photo of a red car"),
    record(0, "a photo of a grey Crane"),
]


def test_line_j_of_a_class_is_the_prompt_of_image_j(tmp_path):
    path = tmp_path / "diversified.jsonl"
    write_prompt_file(path, GOOD)
    assert read_prompts(path, CLASSES, 1) == [[GOOD[0]], [GOOD[1]]]


def test_prompts_without_a_name_are_read_where_none_is_wanted(tmp_path):
    path = tmp_path / "class-agnostic.jsonl"
    write_prompt_file(path, [record(0, "a realistic photo"), record(1, "a realistic photo")])
    assert len(read_prompts(path, CLASSES, 1, named=False)) == 2
    with pytest.raises(PromptError, match="line 1: the prompt does not mention its class 'crane'"):
        read_prompts(path, CLASSES, 1)


def test_writing_gives_the_same_bytes_each_time(tmp_path):
    write_prompt_file(tmp_path / "a.jsonl", GOOD)
    write_prompt_file(tmp_path / "b.jsonl", GOOD)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    first = json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0])
    assert sorted(first) == ["class_index", "content", "engine", "prompt", "seed", "sense", "style"]


def line(**changes) -> str:
    return json.dumps({**GOOD[0].model_dump(), **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.jsonl: the prompt file is empty"),
        (line() + "\n" + line()[:-8], "p.jsonl: line 2: "),
        (line(class_index=2), "p.jsonl: line 1: class_index 2 is not one of the 2 classes"),
        (line(class_index="0"), "p.jsonl: line 1: class_index"),
        (line(prompt=""), "p.jsonl: line 1: prompt"),
        (line(prompt="a photo of a crane\x00"), "p.jsonl: line 1: .*cannot be printed"),
        (line(prompt="a photo of a bird"), "p.jsonl: line 1: .*does not mention its class 'crane'"),
        (line(extra=1), "p.jsonl: line 1: extra"),
        ("\n" + line(), "p.jsonl: line 1: "),
        (line(), "p.jsonl: class 'automobile' has 0 prompts, 1 are needed"),
    ],
)
def test_bad_files_are_refused_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "p.jsonl"
    path.write_text(text)
    with pytest.raises(PromptError, match=message) as caught:
        read_prompts(path, CLASSES, 1)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(PromptError, match="cannot be read"):
        read_prompts(tmp_path / "none.jsonl", CLASSES, 1)
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PromptError, match="UTF-8"):
        read_prompts(tmp_path / "b.jsonl", CLASSES, 1)
