"""The oracle as the evaluation asks it."""

from prism.evaluation.oracle import style_asked
from prism.miniature.captions import STYLE_PHRASES


def test_the_style_asked_for_is_read_from_record_or_prompt():
    asked = [
        {"style": "cartoon", "prompt": "a sketch of a bat"},
        {"style": "", "prompt": "a pencil drawing of a bat"},
        {"prompt": "a bat"},
        {},
    ]
    assert [style_asked(record, STYLE_PHRASES) for record in asked] == [2, 1, -1, -1]
