"""The page of the DHT node: its state, or every node of its routing tables."""

import time
from collections.abc import Iterator, Sequence

from textual.widget import Widget

from torrentd.daemon.ctl.columns import cut
from torrentd.daemon.ctl.dht_show import (
    FAMILY_COLUMNS,
    NODE_COLUMNS,
    family_row,
    node_row,
    status_rows,
)
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.screen.keys import DHT
from torrentd.daemon.ctl.screen.layout import Piece, fit, row_pieces, title_pieces
from torrentd.daemon.ctl.screen.lines import dht_headline
from torrentd.daemon.ctl.screen.page import Desk, Page, bindings
from torrentd.daemon.ctl.screen.paper import Paper, plain
from torrentd.daemon.ctl.screen.prompts import wrapped
from torrentd.daemon.ctl.screen.table import Table

FAMILY_RANKS = ("FAMILY", "GOOD", "SEEN AS", "UNSURE", "BAD", "BUCKETS")
NODE_RANKS = ("ADDRESS", "STATE", "RTT", "SEEN", "ID", "FAMILY")
LABEL_WIDTH = 14
NODES_EVERY_S = 5.0
OFF = "the DHT is off: dht.enabled is false"


class DhtPage(Page, inherit_bindings=False):
    KEYS = DHT
    TITLE = "the DHT"
    BINDINGS = bindings(KEYS)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._status = Document({})
        self._known: dict[str, Document] = {}
        self._nodes_due_at = 0.0
        self._paper = Paper("state")
        self._table = Table(NODE_COLUMNS, NODE_RANKS, self._node_cells, "nodes")
        self._table.display = False

    def body(self) -> Iterator[Widget]:
        yield self._paper
        yield self._table

    def on_mount(self) -> None:
        super().on_mount()
        self._paper.focus()

    def head(self, width: int) -> str:
        return cut(dht_headline(self._status), width)

    def place(self) -> str:
        number, count = self._table.place
        return f"{number}/{count}" if self._table.display and count > 1 else ""

    async def poll(self) -> None:
        ask = self.desk.daemon.ask
        self._status = await ask("dht status")
        self._paper.show(self._draw)
        if self._table.display and time.monotonic() >= self._nodes_due_at:
            answer = await ask("dht nodes")
            self._nodes_due_at = time.monotonic() + NODES_EVERY_S
            nodes = answer.children("nodes")
            self._known = {f"{node.text('node_id')}{node.text('address')}": node for node in nodes}
            self._table.show([*self._known], empty="no node is known yet")
        self.draw_lines()

    def _draw(self, width: int, height: int) -> Sequence[Sequence[Piece]]:
        if self._status.is_false("enabled"):
            return plain(OFF)
        places = fit(FAMILY_COLUMNS, FAMILY_RANKS, width)
        lines: list[list[Piece]] = [title_pieces(FAMILY_COLUMNS, places, "")]
        for node in self._status.children("families") + self._status.children("further"):
            lines.append(row_pieces(FAMILY_COLUMNS, places, family_row(node)))
        lines.append([])
        for name, text in status_rows(self._status):
            for part in wrapped(text, max(10, width - LABEL_WIDTH), ""):
                lines.append([Piece(name.ljust(LABEL_WIDTH), "2"), Piece(part)])
                name = ""
        return lines

    def _node_cells(self, key: str) -> Sequence[str]:
        return node_row(self._known[key])

    def action_next(self) -> None:
        self._table.display = not self._table.display
        self._paper.display = not self._table.display
        (self._table if self._table.display else self._paper).focus()
        self._nodes_due_at = 0.0
        self.desk.ask_soon()

    def action_back(self) -> None:
        self.app.pop_screen()
