"""What the screen asks and tells at its lower edge, over what it shows; the page goes on above."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from torrentd.daemon.ctl.columns import cells_wide
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.screen.layout import Piece, filled
from torrentd.daemon.ctl.screen.paper import MOVING_KEYS, Line, Paper, plain

TEXT_LENGTH_MAX = 32 * 1024  # a magnet with hundreds of peers


class Box(Vertical):
    """As high as what is in it."""

    DEFAULT_CSS = "Box { height: auto; }"


class Row(Horizontal):
    DEFAULT_CSS = "Row { height: 1; }"


class Field(Input):
    """What is pasted may come from a stranger too: its first line, escaped."""

    DEFAULT_CSS = "Field, Field:focus { border: none; height: 1; padding: 0; width: 1fr; }"

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default().stop()
        self.insert_text_at_cursor(pasted(event.text))


class Question(ModalScreen[str], inherit_bindings=False):
    """The answer is a key of `choices`; "" after any other, which is a no."""

    DEFAULT_CSS = "Question { align: left bottom; }"

    def __init__(self, question: str, choices: Mapping[str, str]) -> None:
        super().__init__()
        self._question = question
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Box():
            yield Said(self._question, "7")
            words = [*(f"{key} {word}" for key, word in self._choices.items()), "n no"]
            yield Said("  ".join(words), "1")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(event.character if event.character in self._choices else "")


class Entry(ModalScreen[list[str] | None], inherit_bindings=False):
    """Some fields to be filled: their labels, and what stands in them. None after Esc.

    `check` is told all of them at Enter, and says what is wrong; `heard` is told what is typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("tab,down", "app.focus_next", show=False),
        Binding("shift+tab,up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = "Entry { align: left bottom; }"

    def __init__(
        self,
        title: str,
        fields: Mapping[str, str],
        check: Callable[[list[str]], str] = lambda values: "",
        heard: Callable[[str], None] = lambda value: None,
    ) -> None:
        super().__init__()
        self._title = title
        self._fields = fields
        self._check = check
        self._heard = heard

    def compose(self) -> ComposeResult:
        with Box():
            yield Said(self._title, "7")
            for label, value in self._fields.items():
                with Row():
                    yield Label(f"{label} ")
                    yield Field(value, max_length=TEXT_LENGTH_MAX, select_on_focus=False)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._heard(event.value)

    @on(Input.Submitted)
    def _entered(self) -> None:
        values = [field.value for field in self.query(Input)]
        wrong = self._check(values)
        if wrong:
            self.query_one(Said).say(wrong)
        else:
            self.dismiss(values)

    def action_cancel(self) -> None:
        self.dismiss(None)


class Notice(ModalScreen[None], inherit_bindings=False):
    """Sentences, wrapped; any key but those that move in it closes it."""

    DEFAULT_CSS = "Notice { align: left bottom; }"

    def __init__(self, title: str, sentences: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._sentences = sentences
        self._paper = Paper()

    def compose(self) -> ComposeResult:
        with Box():
            yield Said(self._title, "7")
            yield self._paper

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        lines = [part for sentence in self._sentences for part in wrapped(sentence, width)]
        self._paper.styles.height = max(1, min(len(lines), height - 1))
        self._paper.show(lambda width, height: plain(*lines))
        self._paper.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key not in MOVING_KEYS:
            event.stop()
            self.dismiss(None)


class Said(Line):
    """A line that says one thing, cut where it has no room."""

    def __init__(self, text: str, style: str = "") -> None:
        super().__init__()
        self._style = style
        self.say(text)

    def say(self, text: str) -> None:
        self.write(lambda width: [Piece(filled(text, width), self._style)])


class Label(Said):
    """As wide as what it says."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.styles.width = len(text)


def pasted(text: str) -> str:
    """What of it may stand in a field."""
    return escape(next(iter(text.strip().splitlines()), ""))[:TEXT_LENGTH_MAX]


def wrapped(line: str, width: int, indent: str = "    ") -> list[str]:
    """Further lines are indented; what was aligned stays so."""
    if cells_wide(line) <= width:
        return [line]
    if line.isascii():
        return wrap(line, max(width, 8), subsequent_indent=indent)
    from rich.cells import chop_cells  # late: only a stranger's alphabet needs it

    first, *others = chop_cells(line, max(width - len(indent), 8))
    return [first, *(indent + other for other in others)]
