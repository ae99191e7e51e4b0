"""The screen as a whole: its pages, who asks the daemon and how often, and how it ends.

    raise SystemExit(Watch(Link(path)).until_ended())

One worker asks what the page needs, once a second; another is told what happens, and lets the first
ask at once. A daemon that goes away is asked for again every second, and said to be gone.
"""

import asyncio
import signal
import time
from collections.abc import Coroutine
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.failure import DONE, INTERRUPTED, REFUSED, USAGE, Failure
from torrentd.daemon.ctl.screen.dht_page import DhtPage
from torrentd.daemon.ctl.screen.layout import Piece
from torrentd.daemon.ctl.screen.lines import event_note
from torrentd.daemon.ctl.screen.link import Daemon
from torrentd.daemon.ctl.screen.page import Page
from torrentd.daemon.ctl.screen.prompts import Entry
from torrentd.daemon.ctl.screen.sparks import Histories
from torrentd.daemon.ctl.screen.torrent_page import TorrentPage
from torrentd.daemon.ctl.screen.torrents_page import TorrentsPage
from torrentd.daemon.ctl.sources import read_sources

POLL_S = 1.0
SOONEST_S = 0.1  # however much happens
SAID_S = 6.0
SILENCE_S = 3.0  # until it is said that there is no answer
_CHANGES = ("added", "removed", "metadata", "done", "error", "paused", "resumed", "recovered")


class Watch(App[None], inherit_bindings=False):
    """Its exit code is that of torrentctl: 0, 130 after Ctrl-C, 128 and the number of a signal."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", show=False, priority=True),
        Binding("ctrl+q", "end", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self.daemon = daemon
        self.histories = Histories()
        self.told = Document({})
        self.torrent_count = 0
        self._gone = ""
        self._asked_at: float | None = None  # what is not answered yet
        self._said: tuple[Piece, float] | None = None
        self._soon = asyncio.Event()
        self._torrents = TorrentsPage(self)

    def until_ended(self) -> int:
        """Until the user has seen enough; the exit code."""
        self.run(mouse=False)
        return self.return_code or DONE

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, None, 128 + number)
        self.push_screen(self._torrents)
        self.set_interval(1.0, self._look_at_silence)
        self.run_worker(self._ask())
        self.run_worker(self._listen())

    # ---- what the pages ask for

    def start(self, story: Coroutine[None, None, None]) -> None:
        self.run_worker(self._told(story))

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        self._said = (Piece(escape(sentence), "31" if wrong else ""), time.monotonic() + SAID_S)
        self._draw_lines()
        self.set_timer(SAID_S + 0.1, self._draw_lines)

    def said(self) -> Piece | None:
        if self._said is None or time.monotonic() > self._said[1]:
            return None
        return self._said[0]

    def gone(self) -> str:
        if self._gone:
            return f"gone, asked again every second: {self._gone}"
        silent_s = 0.0 if self._asked_at is None else time.monotonic() - self._asked_at
        return f"no answer for {silent_s:.0f} s" if silent_s > SILENCE_S else ""

    def ask_soon(self) -> None:
        self._torrents.ask_all()
        self._soon.set()

    # ---- keys

    def action_open(self) -> None:
        infohash = self._torrents.table.chosen
        if infohash is not None:
            self.push_screen(TorrentPage(self, infohash))
            self.ask_soon()

    def action_dht(self) -> None:
        self.push_screen(DhtPage(self))
        self.ask_soon()

    def action_add(self) -> None:
        self.add("")

    def add(self, text: str) -> None:
        def entered(values: list[str] | None) -> None:
            if values is not None and values[0].strip():
                self.start(self._add(values[0].strip()))

        title = "add a magnet, an infohash, or the path of a torrent file"
        self.push_screen(Entry(title, {"add": text}), entered)

    def action_end(self) -> None:
        self.exit()

    def action_interrupt(self) -> None:
        self.exit(None, INTERRUPTED)

    # ---- workers

    async def _ask(self) -> None:
        while True:
            page = self._page
            self._asked_at = time.monotonic()
            try:
                await page.poll()
                self._asked_at, self._gone = None, ""
            except Failure as failure:
                self._failed(page, failure)
            await self._pause()

    async def _pause(self) -> None:
        """A second, or less when something happens."""
        await asyncio.sleep(SOONEST_S)
        try:
            async with asyncio.timeout(POLL_S - SOONEST_S):
                await self._soon.wait()
        except TimeoutError:
            pass
        self._soon.clear()

    def _look_at_silence(self) -> None:
        if self._asked_at is not None:
            self._draw_lines()

    def _failed(self, page: Page, failure: Failure) -> None:
        self._asked_at = None
        if page is not self._page:  # left, perhaps because its torrent was removed
            return
        if failure.exit_code == REFUSED:
            self.say(failure.sentence, wrong=True)
            if page is self._torrents:
                self._torrents.ask_all()
            return
        self._gone = escape(failure.sentence)
        self._torrents.ask_all()
        page.draw_lines()

    async def _listen(self) -> None:
        """Without it the screen is a second late, and that is all."""
        while True:
            try:
                async for event in self.daemon.events():
                    self._heard(event)
            except Failure:
                pass
            await asyncio.sleep(POLL_S)

    def _heard(self, event: Document) -> None:
        note = event_note(event)
        if note:
            self.say(note)
        if event.text("event") in _CHANGES:
            self.ask_soon()

    async def _told(self, story: Coroutine[None, None, None]) -> None:
        try:
            await story
        except Failure as failure:
            self.say(failure.sentence, wrong=True)

    async def _add(self, text: str) -> None:
        """A path is that of a file here; its bytes go to the daemon."""
        if text == "-":
            raise Failure(USAGE, "standard input is the keyboard here")
        [source] = await asyncio.to_thread(read_sources, [text])
        answer = await self.daemon.ask("add", source.params, source.payload)
        for torrent in answer.children("torrents"):
            verb = "added" if torrent.flag("added") else "was there already:"
            self.say(f"{verb} {torrent.text('name')}")
        self.ask_soon()

    @property
    def _page(self) -> Page:
        """What is seen, below a prompt perhaps."""
        pages = [screen for screen in self.screen_stack if isinstance(screen, Page)]
        return pages[-1] if pages else self._torrents

    def _draw_lines(self) -> None:
        self._page.draw_lines()
