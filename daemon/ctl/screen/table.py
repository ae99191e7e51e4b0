"""A table of any number of rows, of which only those that are seen are ever made or drawn.

The title stays above; the cursor stays on its row when the order changes. When numbers change, only
the lines that look otherwise are drawn again.
"""

from collections.abc import Callable, Sequence

from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from torrentd.daemon.ctl.columns import Column, cells_wide, cut
from torrentd.daemon.ctl.screen.layout import Piece, Place, fit, row_pieces, title_pieces
from torrentd.daemon.ctl.screen.paper import MOVING, strip

Drawn = tuple[list[Piece], str]  # of one line, and its style


class Table(Widget, can_focus=True):
    """Rows are known by keys, in their order; `cells_of` makes the cells of one when it is seen."""

    BINDINGS = MOVING
    DEFAULT_CSS = "Table { height: 1fr; }"

    class Moved(Message):
        """The cursor is on another row."""

    def __init__(
        self,
        columns: Sequence[Column],
        ranks: Sequence[str],
        cells_of: Callable[[str], Sequence[str]],
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._ranks = ranks
        self._cells_of = cells_of
        self._keys: Sequence[str] = []
        self._cursor = 0
        self._top = 0
        self._marked = ""
        self._empty = ""
        self._drawn: list[Drawn] = []
        self._drawn_for = (0, 0)

    @property
    def chosen(self) -> str | None:
        """The key of the row that the cursor is on."""
        return self._keys[self._cursor] if self._cursor < len(self._keys) else None

    @property
    def place(self) -> tuple[int, int]:
        """Which row that is, from 1 on, and of how many."""
        return min(self._cursor + 1, len(self._keys)), len(self._keys)

    def seen(self) -> Sequence[str]:
        """The keys of the rows that are drawn now."""
        return self._keys[self._top : self._top + self._rows]

    def show(self, keys: Sequence[str], *, empty: str, marked: str = "") -> None:
        """These rows, in this order; what the cells of those that are seen say may be new.
        `empty` stands there when there are none, `marked` is the title that is sorted by."""
        before = self.chosen
        if before is not None and (self._cursor >= len(keys) or keys[self._cursor] != before):
            self._cursor = keys.index(before) if before in keys else self._cursor
        self._keys, self._empty, self._marked = keys, empty, marked
        self._move_to(self._cursor)
        if self.chosen != before:
            self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        if self._drawn_for != self.size:
            self._move_to(self._cursor)
        pieces, style = self._drawn[y] if y < len(self._drawn) else ([], "")
        return strip(pieces, self.size.width, style)

    def action_move(self, by: int) -> None:
        self._go(self._cursor + by)

    def action_turn(self, pages: int) -> None:
        self._go(self._cursor + pages * max(1, self._rows - 1))

    def _go(self, index: int) -> None:
        before = self.chosen
        self._move_to(index)
        if self.chosen != before:
            self.post_message(self.Moved())

    @property
    def _rows(self) -> int:
        """That have room."""
        return max(0, self.size.height - 1)

    def _move_to(self, index: int) -> None:
        """Within what there is, and in sight."""
        count, rows = len(self._keys), max(1, self._rows)
        self._cursor = max(0, min(index, count - 1))
        self._top = max(self._cursor - rows + 1, min(self._top, self._cursor))
        self._top = max(0, min(self._top, count - rows))
        self._redraw()

    def _redraw(self) -> None:
        """Lines that look as before are left."""
        width = self.size.width
        self._drawn_for = (width, self.size.height)
        drawn = self._lines(width) if width and self.size.height else []
        before, self._drawn = self._drawn, drawn
        if len(before) != len(drawn):
            self.refresh()
            return
        changed = [y for y, line in enumerate(drawn) if line != before[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def _lines(self, width: int) -> list[Drawn]:
        """The title and the rows in sight; so many that no old line stays behind."""
        rows = [self._cells_of(key) for key in self.seen()]
        places = fit(self._columns, self._ranks, width, self._naturals(rows))
        lines: list[Drawn] = [(title_pieces(self._columns, places, self._marked), "1")]
        if not self._keys and self._empty:
            lines.append(([Piece(cut(self._empty, width), "2")], ""))
        for number, cells in enumerate(rows, self._top):
            style = "7" if number == self._cursor else ""
            lines.append((self._row(places, cells), style))
        lines += [([], "")] * (self.size.height - len(lines))
        return lines[: self.size.height]

    def _row(self, places: Sequence[Place], cells: Sequence[str]) -> list[Piece]:
        return row_pieces(self._columns, places, cells)

    def _naturals(self, rows: Sequence[Sequence[str]]) -> dict[int, int]:
        """Half an address is none: such columns are as wide as their widest cell."""
        return {
            index: max((cells_wide(cells[index]) for cells in rows), default=0)
            for index, column in enumerate(self._columns)
            if column.spill
        }
