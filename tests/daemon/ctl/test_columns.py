"""Columns never leave the terminal's width, whatever the cells hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from torrentd.daemon.ctl.columns import Column, cut, lay_out, terminal_width
from torrentd.daemon.ctl.escape import escape

COLUMNS = [
    Column("ID", 4),
    Column("NAME", 0),
    Column("SIZE", 5, right=True),
    Column("STATE", 5, styles={"error": "31"}),
]
NAMES = st.text(st.characters(), max_size=120).map(escape)


def test_a_short_table_is_as_wide_as_its_cells() -> None:
    assert lay_out(COLUMNS, [["c9e1", "one", "1.2G", "ok"]], 80, False) == [
        "ID   NAME      SIZE STATE",
        "c9e1 one       1.2G ok",
    ]


@given(st.lists(NAMES, max_size=6), st.integers(40, 200))
def test_no_line_is_wider_than_the_terminal(names: list[str], width: int) -> None:
    rows = [["c9e1", name, "1.2G", "ok"] for name in names]
    assert all(cell_len(line) <= width for line in lay_out(COLUMNS, rows, width, False))


@given(NAMES, st.integers(2, 50))
def test_cut_keeps_what_fits_and_marks_what_does_not(text: str, width: int) -> None:
    short = cut(text, width)
    assert cell_len(short) <= width
    assert (short == text) == (cell_len(text) <= width)
    assert short == text or short.endswith("…")


def test_wide_characters_take_two_cells() -> None:
    assert lay_out([Column("A", 0), Column("B", 1)], [["日本", "x"], ["abcd", "y"]], 80, False) == [
        "A        B",
        "日本     x",
        "abcd     y",
    ]


def test_a_spilling_cell_gets_a_line_of_its_own() -> None:
    columns = [Column("ADDRESS", 8, spill=True), Column("CLIENT", 0)]
    assert lay_out(columns, [["1.2.3.4", "a"], ["[2001:db8::1]:80", "b"]], 80, False) == [
        "ADDRESS  CLIENT",
        "1.2.3.4  a",
        "[2001:db8::1]:80",
        "         b",
    ]


def test_colour_is_around_the_text_and_changes_no_width() -> None:
    plain = lay_out(COLUMNS, [["c9e1", "one", "1.2G", "error"]], 80, False)
    coloured = lay_out(COLUMNS, [["c9e1", "one", "1.2G", "error"]], 80, True)
    assert coloured[1] == plain[1].replace("error", "\x1b[31merror\x1b[0m")


def test_columns_names_the_width_as_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")
    assert terminal_width() == 123


@pytest.mark.parametrize("columns", ["", "0", "-5", "wide", "99999999"])
def test_without_a_terminal_it_is_80(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_width() == 80
