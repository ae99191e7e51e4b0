"""The columns of a table by its width: which of them there is room for, and one row's pieces.

No terminal is known here. What is drawn is as wide as it says, to the cell: a name of wide or of
zero-width characters moves nothing beside it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torrentd.daemon.ctl.columns import Column, cells_wide, cut

FLEXIBLE_MIN = 20  # of a name, before the next column is let in


class Place(NamedTuple):
    """A column that is shown, by its index among all."""

    column: int
    width: int


class Piece(NamedTuple):
    """Text of one style, an SGR parameter as `Column.styles` has it."""

    text: str
    style: str = ""


def fit(
    columns: Sequence[Column],
    ranks: Sequence[str],
    width: int,
    naturals: Mapping[int, int] | None = None,
) -> list[Place]:
    """The places from left to right. `ranks` are titles, the most wanted first; the column without
    a width takes what is left. `naturals`: the widths of cells that must not be cut, by index."""
    by_title = {column.title: index for index, column in enumerate(columns)}
    natural = naturals or {}
    chosen: dict[int, int] = {}
    left = width + 1
    for title in ranks:
        index = by_title[title]
        column = columns[index]
        least = max(column.width, len(title), natural.get(index, 0)) if column.width else 0
        needed = (least or FLEXIBLE_MIN) + 1
        if chosen and needed > left:
            break
        chosen[index] = least
        left -= needed
    places = []
    for index in sorted(chosen):
        flexible = not columns[index].width
        wide = max(1, FLEXIBLE_MIN + left) if flexible else chosen[index]
        places.append(Place(index, min(wide, width)))
    return places


def title_pieces(columns: Sequence[Column], places: Sequence[Place], marked: str) -> list[Piece]:
    """`marked` is the title by which the rows are sorted, "" for none."""
    parts = []
    for index, width in places:
        column = columns[index]
        style = "4" if column.title and column.title == marked else ""
        parts.append(_aligned(column, cut(column.title, width), width, style))
    return _spaced(parts)


def row_pieces(
    columns: Sequence[Column], places: Sequence[Place], cells: Sequence[str]
) -> list[Piece]:
    parts = []
    for index, width in places:
        column, cell = columns[index], cells[index]
        style = column.styles.get(cell, "")
        parts.append(_aligned(column, cut(cell, width), width, style))
    return _spaced(parts)


def filled(text: str, width: int) -> str:
    """`text` in exactly so many cells."""
    shown = cut(text, width)
    return shown + " " * (width - cells_wide(shown))


def _aligned(column: Column, text: str, width: int, style: str) -> list[Piece]:
    blank = Piece(" " * (width - cells_wide(text)))
    shown = Piece(text, style)
    pieces = [blank, shown] if column.right else [shown, blank]
    return [piece for piece in pieces if piece.text]


def _spaced(parts: Sequence[Sequence[Piece]]) -> list[Piece]:
    pieces: list[Piece] = []
    for number, part in enumerate(parts):
        if number:
            pieces.append(Piece(" "))
        pieces += part
    return pieces
