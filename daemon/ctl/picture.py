"""The pieces of a torrent as a picture: a cell a piece, or more of them where they are many."""

from collections.abc import Iterator

from torrentd.daemon.ctl.columns import has_colour, terminal_width
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.sentences import many, short_name

ROWS_MAX = 16
SHADES = "░▒▓"  # some of the pieces of a cell
ALL, NONE, NOWHERE = "█", "·", "x"
_STYLES = {ALL: "32", NOWHERE: "31", NONE: "2"}


def show_pieces(document: Document) -> None:
    count = document.integer("piece_count")
    if not count:
        print(f"the pieces of {short_name(document)} are not known yet")
        return
    columns = max(8, terminal_width())
    cells, sentence = piece_cells(document, columns * ROWS_MAX)
    for start in range(0, len(cells), columns):
        print(_painted(cells[start : start + columns]))
    print(sentence)


def piece_cells(document: Document, cells_max: int) -> tuple[str, str]:
    """The picture in one line of cells, and what it says; there must be pieces."""
    count = document.integer("piece_count")
    have, here = (list(_bits(document.text(key), count)) for key in ("have", "here"))
    cells = _cells(have, here, cells_max)
    each = -(-count // len(cells))
    missing = sum(not had and not there for had, there in zip(have, here, strict=True))
    parts = [f"{sum(have)} of {many(count, 'piece')} had"]
    if missing:
        parts.append(f"{missing} that nobody here has ({NOWHERE})")
    if each > 1:
        parts.append(f"a cell is up to {each} pieces")
    return cells, ", ".join(parts)


def _bits(digits: str, count: int) -> Iterator[bool]:
    """Of a bitfield in hex, its first `count` bits (BEP 3: the high bit is the first piece)."""
    for index in range(count):
        digit = digits[index // 4 : index // 4 + 1]
        yield digit in "0123456789abcdef" and bool(int(digit or "0", 16) >> (3 - index % 4) & 1)


def _cells(have: list[bool], here: list[bool], cells_max: int) -> str:
    each = -(-len(have) // cells_max)
    spans = [slice(start, start + each) for start in range(0, len(have), each)]
    return "".join(_cell(have[span], here[span]) for span in spans)


def _cell(have: list[bool], here: list[bool]) -> str:
    had = sum(have)
    if had == len(have):
        return ALL
    if had:
        return SHADES[min(had * len(SHADES) // len(have), len(SHADES) - 1)]
    return NONE if any(here) else NOWHERE


def _painted(row: str) -> str:
    """Runs of one kind in its colour."""
    if not has_colour():
        return row
    return "".join(f"\x1b[{style}m{run}\x1b[0m" if style else run for run, style in runs(row))


def runs(row: str) -> Iterator[tuple[str, str]]:
    """Cells of one kind that stand together, and their style as an SGR parameter."""
    start = 0
    for end in range(1, len(row) + 1):
        if end == len(row) or row[end] != row[start]:
            yield row[start:end], _STYLES.get(row[start], "")
            start = end
