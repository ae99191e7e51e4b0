"""The first page: all torrents, a row each."""

import time
from collections.abc import Iterator, Sequence

from textual import events, on
from textual.widget import Widget

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.columns import Column
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.screen.keys import TORRENTS
from torrentd.daemon.ctl.screen.lines import torrent_note
from torrentd.daemon.ctl.screen.listing import Listing
from torrentd.daemon.ctl.screen.page import ALL, Desk, TorrentActs, bindings
from torrentd.daemon.ctl.screen.prompts import Entry, pasted
from torrentd.daemon.ctl.screen.sparks import sparkline
from torrentd.daemon.ctl.screen.table import Table
from torrentd.daemon.ctl.tables import TORRENT_COLUMNS, torrent_row

TREND_WIDTH = 12
COLUMNS = [*TORRENT_COLUMNS, Column("TREND", TREND_WIDTH)]
RANKS = ("NAME", "DONE", "STATE", "DOWN/s", "UP/s", "LEFT", "PEERS", "SIZE", "ID", "TREND")
ALL_EVERY = 20  # times as long as it takes to show all torrents, until all are asked for again
EMPTY = "no torrent yet: a adds one"


class TorrentsPage(TorrentActs, inherit_bindings=False):
    """All torrents are asked for as often as that costs little; between, those that are seen."""

    KEYS = TORRENTS
    TITLE = "torrents"
    BINDINGS = bindings(KEYS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.listing = Listing()
        self.table = Table(COLUMNS, RANKS, self._cells)
        self._all_due_at = 0.0

    def body(self) -> Iterator[Widget]:
        yield self.table

    def chosen(self) -> Document | None:
        infohash = self.table.chosen
        return None if infohash is None else self.listing.get(infohash)

    def note(self) -> str:
        torrent = self.chosen()
        return "" if torrent is None else torrent_note(self.desk.told, torrent)

    def place(self) -> str:
        listing, (number, count) = self.listing, self.table.place
        parts = [f"{number}/{count}"] if count > 1 else []
        if listing.words:
            parts.insert(0, f"/{escape(listing.words)}")
        if listing.sort.title or listing.turned:
            parts.append(f"{listing.sort.word}{' turned' if listing.turned else ''}")
        return "  ".join(parts)

    def ask_all(self) -> None:
        """With the next poll: something came or went."""
        self._all_due_at = 0.0

    async def poll(self) -> None:
        if time.monotonic() >= self._all_due_at:
            answer = await self.desk.daemon.ask("status")
            began_at = time.monotonic()
            self._take(answer, all_of_them=True)
            ended_at = time.monotonic()
            self._all_due_at = ended_at + ALL_EVERY * (ended_at - began_at)
        else:
            seen: list[Json] = [*self.table.seen()]
            self._take(await self.desk.daemon.ask("status", {"torrents": seen}))

    def _take(self, answer: Document, all_of_them: bool = False) -> None:
        torrents = answer.children("torrents")
        self.desk.told = answer.child("daemon")
        if all_of_them:
            self.listing.replace(torrents)
            self.desk.torrent_count = len(self.listing)
            self.desk.histories.keep([ALL, *(each.text("infohash") for each in torrents)])
        else:
            self.listing.update(torrents)
        self.desk.histories.note(ALL, self.desk.told)
        for torrent in torrents:
            self.desk.histories.note(torrent.text("infohash"), torrent)
        self.draw()

    def draw(self) -> None:
        listing = self.listing
        empty = f"none of {len(listing)} torrents: Esc shows all" if len(listing) else EMPTY
        self.table.show(listing.order, empty=empty, marked=listing.sort.title)
        self.draw_lines()

    def _cells(self, infohash: str) -> Sequence[str]:
        trend = sparkline(self.desk.histories.both(infohash), TREND_WIDTH)
        return [*torrent_row(self.listing.get(infohash)), trend]

    @on(Table.Moved)
    def _moved(self) -> None:
        self.draw_lines()

    def on_paste(self, event: events.Paste) -> None:
        """Whoever pastes a magnet means to add it."""
        self.desk.add(pasted(event.text))

    def action_filter(self) -> None:
        before = self.listing.words

        def heard(words: str) -> None:
            self.listing.words = words
            self.listing.arrange()
            self.draw()

        def entered(values: list[str] | None) -> None:
            heard(before if values is None else values[0])

        title = "show only: words of the name, an infohash, state:paused, label:isos"
        self.app.push_screen(Entry(title, {"/": before}, heard=heard), entered)

    def action_clear(self) -> None:
        self.listing.words = ""
        self.listing.arrange()
        self.draw()

    def action_sort(self) -> None:
        self.listing.sort_next()
        self.draw()

    def action_turn(self) -> None:
        self.listing.turn()
        self.draw()
