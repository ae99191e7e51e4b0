"""Lines of pieces on the terminal: how they become strips, and a widget that shows them.

Nothing is ever marked up: text is drawn as it is, and what comes from a stranger was escaped where
its document was read.
"""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from torrentd.daemon.ctl.screen.layout import Piece

# By their SGR parameters: the colours are the terminal's own, so that they fit its background.
STYLES = {
    "": Style.null(),
    "1": Style(bold=True),
    "2": Style(dim=True),
    "4": Style(underline=True),
    "7": Style(reverse=True),
    "31": Style(color="red"),
    "32": Style(color="green"),
    "36": Style(color="cyan"),
}
Lines = Sequence[Sequence[Piece]]

MOVING: list[BindingType] = [
    Binding("up,k", "move(-1)", show=False),
    Binding("down,j", "move(1)", show=False),
    Binding("pageup", "turn(-1)", show=False),
    Binding("pagedown", "turn(1)", show=False),
    Binding("home", "move(-1000000000)", show=False),
    Binding("end", "move(1000000000)", show=False),
]
MOVING_KEYS = ("up", "k", "down", "j", "pageup", "pagedown", "home", "end")


def strip(pieces: Sequence[Piece], width: int, style: str = "") -> Strip:
    """As wide as it says; `style` is of the whole line."""
    whole = STYLES[style]
    segments = [Segment(piece.text, STYLES[piece.style] + whole) for piece in pieces]
    return Strip(segments).adjust_cell_length(width, whole)


def plain(*texts: str) -> list[list[Piece]]:
    return [[Piece(text)] for text in texts]


class Paper(Widget, can_focus=True):
    """`show` is told what to draw for a width and a height, again whenever these change; lines that
    have no room are scrolled to."""

    BINDINGS = MOVING
    DEFAULT_CSS = "Paper { height: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw: Callable[[int, int], Lines] = lambda width, height: []
        self._lines: Lines = []
        self._drawn_for = (0, 0)
        self._top = 0

    def show(self, draw: Callable[[int, int], Lines]) -> None:
        self._draw = draw
        self._redraw()

    def render_line(self, y: int) -> Strip:
        if self._drawn_for != self.size:
            self._redraw()
        index = self._top + y
        pieces = self._lines[index] if index < len(self._lines) else ()
        return strip(pieces, self.size.width)

    def action_move(self, by: int) -> None:
        self._move_to(self._top + by)

    def action_turn(self, pages: int) -> None:
        self._move_to(self._top + pages * max(1, self.size.height - 1))

    def _redraw(self) -> None:
        self._drawn_for = (self.size.width, self.size.height)
        if all(self._drawn_for):
            lines = self._draw(*self._drawn_for)
            if lines != self._lines:
                self._lines = lines
                self._move_to(self._top)
                self.refresh()

    def _move_to(self, top: int) -> None:
        top = max(0, min(top, len(self._lines) - self.size.height))
        if top != self._top:
            self._top = top
            self.refresh()


class Line(Paper, can_focus=False):
    """One line of it."""

    DEFAULT_CSS = "Line { height: 1; }"

    def write(self, compose: Callable[[int], Sequence[Piece]]) -> None:
        self.show(lambda width, height: [compose(width)])
