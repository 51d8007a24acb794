import pytest

from prism.miniature import captions, lexicon
from prism.prompts import phrases
from prism.prompts.strategies import Strategy


def styles_of(strategy: Strategy, count: int = 400) -> list[str]:
    return [strategy.style_of(7, 0, line, phrases.STYLES) for line in range(count)]


def test_without_styles_everything_is_a_photo():
    assert set(styles_of(Strategy(senses=True, contents=True))) == {"photo"}


def test_the_photo_share_is_kept_and_the_rest_is_spread():
    styles = styles_of(Strategy(styles=True, photo_share=0.7))
    assert 0.62 < styles.count("photo") / len(styles) < 0.78
    assert all(styles.count(style) > 20 for style in ("sketch", "cartoon", "painting"))


def test_more_lines_leave_the_first_ones_unchanged():
    strategy = Strategy(styles=True)
    assert styles_of(strategy, 20) == styles_of(strategy, 50)[:20]


def test_photo_share_must_be_a_share():
    with pytest.raises(ValueError, match="photo_share=1.5"):
        Strategy(photo_share=1.5)


def test_the_templates_words_are_words_of_the_miniature():
    assert phrases.COLOURS == tuple(lexicon.COLOURS)
    assert phrases.STYLES == lexicon.STYLES
    assert phrases.CONTEXTS == tuple(phrase for pair in captions.CONTEXT_PHRASES.values() for phrase in pair)
    assert phrases.with_article("owl") == captions.with_article("owl")
