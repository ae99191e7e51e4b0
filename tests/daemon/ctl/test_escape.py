"""Whatever a stranger wrote prints as one line of visible characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from torrentd.daemon.ctl.escape import MARKS_MAX, escape


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_harmless(text: str) -> None:
    assert is_safe(escape(text)) and "\n" not in escape(text)


@given(st.text(st.characters()))
def test_any_text_is_harmless_and_stays_so(text: str) -> None:
    shown = escape(text)
    assert is_safe(shown) and "\n" not in shown
    assert escape(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain ~",
        "Müller & Söhne, “x”.iso",
        "日本語",
        "한국어",
        "हिन्दी",
        "العربية",
        "a\\b",
        "e\u0301",
    ],
)
def test_honest_names_stay_as_they_are(text: str) -> None:
    assert escape(text) == text


def test_codes_are_shown_as_python_writes_them() -> None:
    assert escape("\x1b\n\x9b\u202e\udcff\U000e0041") == "\\x1b\\x0a\\x9b\\u202e\\udcff\\U000e0041"


def test_few_marks_stay_and_a_tower_of_them_is_cut() -> None:
    assert escape("a\u0301\u0302b") == "a\u0301\u0302b"
    assert escape("a" + "\u0301" * 100 + "b") == "a" + "\u0301" * MARKS_MAX + "b"
