"""Rows of text in columns, at most as wide as the terminal: 80 where there is none.

One column gives way to the others and is cut with an ellipsis. Widths are those of a terminal: a
Chinese character takes two cells and a combining mark none (rich's tables of Unicode).
"""

import os
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

WIDTH = 80  # when nobody says otherwise
FLEXIBLE_MIN = 8
NO_STYLES: Final[Mapping[str, str]] = {}


class Column(NamedTuple):
    """`width` is the least; 0: the one column that takes what the others leave."""

    title: str
    width: int
    right: bool = False
    styles: Mapping[str, str] = NO_STYLES  # of cells by their text, as SGR parameters
    spill: bool = False  # a longer cell gets a line of its own, since half an address is none


def terminal_width() -> int:
    """$COLUMNS, as everywhere; else the terminal's that standard output is."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and 0 < int(columns) < 10_000:
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH


def has_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def lay_out(columns: list[Column], rows: list[list[str]], width: int, colour: bool) -> list[str]:
    """The title line and one line a row, none wider than `width` unless all are cut to nothing."""
    widths = _widths(columns, rows, width)
    lines = [_line(columns, [column.title for column in columns], widths, False)]
    for row in rows:
        cells = list(row)
        for index, column in enumerate(columns):
            if column.spill and cells_wide(cells[index]) > widths[index]:
                lines.append(cells[index])
                cells[index] = ""
        lines.append(_line(columns, cells, widths, colour))
    return lines


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, with an ellipsis where it was cut."""
    if cells_wide(text) <= width:
        return text
    if text.isascii():
        return text[: max(0, width - 1)].rstrip() + "…"
    from rich.cells import set_cell_size

    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def _widths(columns: list[Column], rows: list[list[str]], width: int) -> list[int]:
    widths: list[int] = []
    for index, column in enumerate(columns):
        natural = max((cells_wide(row[index]) for row in rows), default=0)
        least = max(column.width or FLEXIBLE_MIN, len(column.title))
        widths.append(least if column.spill else max(least, natural))
    for index, column in enumerate(columns):
        if column.width == 0:
            others = sum(widths) - widths[index] + len(columns) - 1
            widths[index] = max(FLEXIBLE_MIN, min(widths[index], width - others))
    return widths


def _line(columns: list[Column], cells: list[str], widths: list[int], colour: bool) -> str:
    parts: list[str] = []
    for column, cell, width in zip(columns, cells, widths, strict=True):
        text = cut(cell, width)
        blank = " " * (width - cells_wide(text))
        style = column.styles.get(cell) if colour else None
        shown = f"\x1b[{style}m{text}\x1b[0m" if style else text
        parts.append(blank + shown if column.right else shown + blank)
    return " ".join(parts).rstrip()


def cells_wide(text: str) -> int:
    """As a terminal counts."""
    if text.isascii() or (text.endswith("…") and text[:-1].isascii()):
        return len(text)
    from rich.cells import cell_len  # late: most names are ASCII

    return cell_len(text)
