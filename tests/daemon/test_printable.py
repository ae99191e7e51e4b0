"""daemon/printable.py: nothing that moves a cursor, hides or forges a line (T12)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon.printable import VALUE_CHARS_MAX, printable

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain name.iso", "plain name.iso"),
        ("Grüße, 世界 🎬", "Grüße, 世界 🎬"),
        ("", ""),
        ("\x1b[2J\x1b[31m", "\\x1b[2J\\x1b[31m"),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),  # OSC 52 writes the clipboard
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b31m", "\\x9b31m"),  # CSI as one C1 character
        ("a\u2028b", "a\\u2028b"),
        ("exe.\u202etxt", "exe.\\u202etxt"),  # right-to-left override
        ("\ufeffa\u200bb\u2066", "\\ufeffa\\u200bb\\u2066"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),  # a tag character
        (b"-UT3550-", "-UT3550-"),
        (b"\xff\x00a\xc3\xa4", "\\xff\\x00aä"),
    ],
)
def test_what_is_shown(text: str | bytes, expected: str) -> None:
    assert printable(text) == expected


@given(st.text() | st.binary())
def test_no_character_that_cannot_be_seen_is_left(text: str | bytes) -> None:
    for character in printable(text):
        assert unicodedata.category(character) not in UNSEEN


@given(st.text(max_size=500) | st.binary(max_size=2000), st.integers(1, 300))
def test_the_result_has_an_end(text: str | bytes, chars_max: int) -> None:
    shown = printable(text, chars_max)
    assert len(shown) <= chars_max


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), max_size=VALUE_CHARS_MAX))
def test_visible_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
    assert printable(text.encode()) == text


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert printable("x" * 201) == "x" * 199 + "…"
    assert printable("x" * 200) == "x" * 200
    assert printable(b"\xff" * 10**6).endswith("…")
