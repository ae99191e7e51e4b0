"""Columns by width: which are there, and that every row is as wide as the table, to the cell."""

from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.ctl.hostile import HOSTILE
from torrentd.daemon.ctl.columns import Column, cells_wide
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.screen.layout import (
    FLEXIBLE_MIN,
    Piece,
    filled,
    fit,
    row_pieces,
    title_pieces,
)
from torrentd.daemon.ctl.screen.torrents_page import COLUMNS, RANKS

SMALL = [
    Column("ID", 8),
    Column("NAME", 0),
    Column("DONE", 5, right=True),
    Column("AT", 6, spill=True),
]


def titles(width: int) -> list[str]:
    return [COLUMNS[place.column].title for place in fit(COLUMNS, RANKS, width)]


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_a_narrow_window_hides_what_is_wanted_least() -> None:
    assert titles(40) == ["NAME", "STATE", "DONE"]
    assert titles(60) == ["NAME", "STATE", "DONE", "DOWN/s", "UP/s", "LEFT"]
    assert titles(80) == ["NAME", "STATE", "DONE", "SIZE", "DOWN/s", "UP/s", "PEERS", "LEFT"]
    assert titles(120) == ["ID", *titles(80), "TREND"]


@given(st.integers(1, 200))
def test_every_column_is_there_that_a_narrower_window_has(width: int) -> None:
    assert set(titles(width)) <= set(titles(width + 1))


@given(
    st.integers(1, 200),
    st.lists(st.one_of(st.text(max_size=30), st.sampled_from(HOSTILE)), min_size=4, max_size=4),
)
def test_a_row_is_as_wide_as_the_table_whatever_the_names_are(width: int, names: list[str]) -> None:
    """A name that took another width would push its neighbours, or wrap the line."""
    cells = [escape(name) for name in names]
    places = fit(SMALL, ("NAME", "AT", "DONE", "ID"), width, {3: cells_wide(cells[3])})
    row, title = (
        text(row_pieces(SMALL, places, cells)),
        text(title_pieces(SMALL, places, "DONE")),
    )
    assert cells_wide(row) == cells_wide(title) == sum(w for _, w in places) + len(places) - 1
    assert cells_wide(row) == width


def test_a_cell_that_must_not_be_cut_widens_its_column() -> None:
    [name, address] = fit(SMALL, ("AT", "NAME"), 60, {3: 30})
    assert address.width == 30 and name.width == 60 - 30 - 1 >= FLEXIBLE_MIN


def test_a_cell_has_its_style_and_the_title_that_is_sorted_by_is_underlined() -> None:
    columns = [Column("STATE", 7, styles={"error": "31"})]
    places = fit(columns, ("STATE",), 7)
    assert Piece("error", "31") in row_pieces(columns, places, ["error"])
    assert title_pieces(columns, places, "STATE")[0] == Piece("STATE", "4")
    assert title_pieces(columns, places, "")[0] == Piece("STATE")


@given(st.text(max_size=20), st.integers(1, 30))
def test_a_filled_line_has_no_holes(name: str, width: int) -> None:
    assert cells_wide(filled(escape(name), width)) == width
