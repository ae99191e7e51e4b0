"""What all pages have: the daemon in the first line, a note in the last but one, the keys in the
last; and what can be done to a torrent from more than one of them."""

from argparse import ArgumentTypeError
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.columns import cells_wide, cut
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.quantities import size
from torrentd.daemon.ctl.screen.keys import Key, footer, help_lines
from torrentd.daemon.ctl.screen.layout import Piece, filled
from torrentd.daemon.ctl.screen.lines import headline, limits_note
from torrentd.daemon.ctl.screen.link import Daemon
from torrentd.daemon.ctl.screen.paper import Line
from torrentd.daemon.ctl.screen.prompts import Entry, Notice, Question
from torrentd.daemon.ctl.screen.sparks import Histories
from torrentd.daemon.ctl.sentences import short_name
from torrentd.daemon.ctl.torrent_arguments import rate

ALL = ""  # the key of the histories under which all torrents together are
_DOWN, _UP = "download_bytes_per_s_max", "upload_bytes_per_s_max"


class Desk(Protocol):
    """What the pages share, and ask for."""

    daemon: Daemon
    histories: Histories
    told: Document  # of the daemon, when it was last asked
    torrent_count: int

    def start(self, story: Coroutine[None, None, None]) -> None:
        """Runs it beside the screen, whatever becomes of the page; Failure is said."""

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        """In the note line, for some seconds."""

    def said(self) -> Piece | None:
        """What was said last, while it is to be read."""

    def gone(self) -> str:
        """Why the daemon does not answer; "" while it does."""

    def add(self, text: str) -> None:
        """Asks what is to be added; `text` stands there already."""

    def ask_soon(self) -> None:
        """Something was changed: the page asks at once."""


class Page(Screen[None], inherit_bindings=False):
    """`poll` asks what the page shows, and shows it. What every page must have is not abstract in
    the sense of abc: the metaclass is Textual's."""

    KEYS: ClassVar[Sequence[Key]] = ()
    TITLE: ClassVar[str] = ""
    DEFAULT_CSS = "Page { layout: vertical; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._first, self._last_but_one, self._last = Line("first"), Line("note"), Line("keys")

    async def poll(self) -> None:
        """Raises Failure. What it asks takes milliseconds."""
        raise NotImplementedError

    def body(self) -> Iterator[Widget]:
        """What is between the first line and the last two."""
        raise NotImplementedError

    def note(self) -> str:
        """What the page itself has to say."""
        return ""

    def head(self, width: int) -> str:
        """What stands above all, at most so wide."""
        if not self.desk.told.text("version"):
            return cut(f"asking the daemon at {escape(self.desk.daemon.path)} …", width)
        moved = self.desk.histories.both(ALL)
        return headline(self.desk.told, self.desk.torrent_count, moved, width)

    def place(self) -> str:
        """Where in it the cursor is."""
        return ""

    def compose(self) -> ComposeResult:
        yield self._first
        yield from self.body()
        yield self._last_but_one
        yield self._last

    def on_mount(self) -> None:
        self._last.write(lambda width: [Piece(footer(self.KEYS, width), "2")])
        self.draw_lines()

    def draw_lines(self) -> None:
        """The first line and the note."""
        self._first.write(self._headline)
        self._last_but_one.write(self._note)

    def action_help(self) -> None:
        self.app.push_screen(Notice(f"{self.TITLE}: the keys", help_lines(self.KEYS)))

    def _headline(self, width: int) -> Sequence[Piece]:
        gone = self.desk.gone()
        if gone:
            return [Piece(filled(gone, width), "7")]
        return [Piece(self.head(width), "1")]

    def _note(self, width: int) -> Sequence[Piece]:
        place = self.place()
        warnings = self.desk.told.texts("warnings")
        said = self.desk.said() or Piece(self.note() or "; ".join(warnings), "2")
        text = cut(said.text, width - len(place) - 1)
        blank = " " * (width - cells_wide(text) - len(place))
        return [Piece(text, said.style), Piece(blank + place, "2")]


class TorrentActs(Page, inherit_bindings=False):
    """What can be done to the torrent `chosen`."""

    def chosen(self) -> Document | None:
        raise NotImplementedError

    def removed(self) -> None:
        """The torrent that was chosen is no more."""

    def action_pause(self) -> None:
        self._act("pause", "paused")

    def action_resume(self) -> None:
        self._act("resume", "resumed")

    def action_verify(self) -> None:
        self._act("verify", "verifying")

    def action_remove(self) -> None:
        torrent = self.chosen()
        if torrent is None:
            return
        of_size = size(torrent.integer("done_bytes"))  # what of it there is to be lost

        def answered(answer: str | None) -> None:
            if answer:
                params: dict[str, Json] = {"data": answer == "d", "trash": answer == "t"}
                self.desk.start(self._run("remove", torrent, "removed", params))
                self.removed()

        question = Question(
            f"remove {short_name(torrent)}, {of_size}?",
            {"y": "its data stays", "t": "data to the trash", "d": "data deleted"},
        )
        self.app.push_screen(question, answered)

    def action_why(self) -> None:
        torrent = self.chosen()
        if torrent is not None:
            self.desk.start(self._why(torrent))

    def action_limits(self) -> None:
        torrent = self.chosen()
        if torrent is not None:
            self.desk.start(self._ask_limits(torrent))

    def action_limits_of_all(self) -> None:
        self.desk.start(self._ask_limits(None))

    def _act(self, method: str, done: str) -> None:
        torrent = self.chosen()
        if torrent is not None:
            self.desk.start(self._run(method, torrent, done))

    async def _run(
        self,
        method: str,
        torrent: Document,
        done: str,
        params: Mapping[str, Json] | None = None,
    ) -> None:
        named: list[Json] = [torrent.text("infohash")]
        await self.desk.daemon.ask(method, {"torrents": named, **(params or {})})
        self.desk.say(f"{done} {short_name(torrent)}")
        self.desk.ask_soon()

    async def _why(self, torrent: Document) -> None:
        answer = await self.desk.daemon.ask("why", {"torrents": [torrent.text("infohash")]})
        lines = []
        for each in answer.children("torrents"):
            lines += [
                each.text("sentence"),
                each.text("help") and f"what helps: {each.text('help')}",
            ]
        self.app.push_screen(
            Notice(f"why {short_name(torrent)}?", [line for line in lines if line])
        )

    async def _ask_limits(self, torrent: Document | None) -> None:
        """Of one torrent, or of all together."""
        params: dict[str, Json] = {}
        if torrent is not None:
            params["torrents"] = [torrent.text("infohash")]
        answer = await self.desk.daemon.ask("limits", params)
        now = (
            answer.child("all") if torrent is None else (answer.children("torrents") or [answer])[0]
        )
        whose = "of all torrents together" if torrent is None else f"of {short_name(torrent)}"

        def entered(values: list[str] | None) -> None:
            if values is not None:
                limits = {_DOWN: rate(values[0]), _UP: rate(values[1])}
                self.desk.start(self._set_limits({**params, **limits}, whose))

        fields = {"down": _typed_rate(now.integer(_DOWN)), "up  ": _typed_rate(now.integer(_UP))}
        title = f"limits {whose}; 0 for none, Enter sets them, Esc does not"
        self.app.push_screen(Entry(title, fields, _wrong_rate), entered)

    async def _set_limits(self, params: Mapping[str, Json], whose: str) -> None:
        answer = await self.desk.daemon.ask("limits", params)
        text = limits_note(answer) if "torrents" not in params else "set"
        self.desk.say(f"limits {whose}: {text}")
        self.desk.ask_soon()


def bindings(keys: Sequence[Key]) -> list[BindingType]:
    return [Binding(key.keys, key.action, key.word, show=False) for key in keys if key.keys]


def _typed_rate(bytes_per_s: int) -> str:
    """As a person would type it, and as it is read again."""
    for unit, factor in (("M", 1024 * 1024), ("K", 1024)):
        if bytes_per_s >= factor and bytes_per_s % factor == 0:
            return f"{bytes_per_s // factor}{unit}"
    return str(bytes_per_s)


def _wrong_rate(values: Sequence[str]) -> str:
    """What is wrong with them, "" for nothing."""
    for value in values:
        try:
            rate(value)
        except ArgumentTypeError as error:
            return str(error)
    return ""
