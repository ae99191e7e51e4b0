"""The page of one torrent, which has four: its rates and all about it, its peers, files, pieces."""

from collections.abc import Callable, Iterator, Sequence

from textual.widget import Widget

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.columns import cut
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.picture import piece_cells, runs
from torrentd.daemon.ctl.quantities import rate
from torrentd.daemon.ctl.screen.keys import TORRENT
from torrentd.daemon.ctl.screen.layout import Piece
from torrentd.daemon.ctl.screen.lines import torrent_note
from torrentd.daemon.ctl.screen.page import Desk, TorrentActs, bindings
from torrentd.daemon.ctl.screen.paper import Line, Paper, plain
from torrentd.daemon.ctl.screen.prompts import wrapped
from torrentd.daemon.ctl.screen.sparks import graph
from torrentd.daemon.ctl.screen.table import Table
from torrentd.daemon.ctl.sentences import short_name
from torrentd.daemon.ctl.show import info_rows
from torrentd.daemon.ctl.tables import FILE_COLUMNS, PEER_COLUMNS, file_row, peer_row

PARTS = ("rates", "peers", "files", "pieces")
FLAGS_WIDTH = 8  # of all letters that may stand together
PEERS = [c._replace(width=FLAGS_WIDTH) if c.title == "FLAGS" else c for c in PEER_COLUMNS]
PEER_RANKS = ("ADDRESS", "DOWN/s", "UP/s", "DONE", "CLIENT", "FLAGS", "FROM")
FILE_RANKS = ("FILE", "DONE", "WANTED", "SIZE", "#")
LABEL_WIDTH = 10
GRAPH_HEIGHT_MAX = 6


class TorrentPage(TorrentActs, inherit_bindings=False):
    """Only what is seen of it is asked for."""

    KEYS = TORRENT
    TITLE = "one torrent"
    BINDINGS = bindings(KEYS)

    def __init__(self, desk: Desk, infohash: str) -> None:
        super().__init__(desk)
        self.infohash = infohash
        self._torrent = Document({})
        self._info = Document({})
        self._reason = Document({})
        self._part = 0
        self._peers: dict[str, Document] = {}
        self._files: dict[str, Document] = {}
        self._pieces: Document | None = None
        self._parts = Line("parts")
        self._rates = Paper("rates")
        self._peer_table = Table(PEERS, PEER_RANKS, self._peer_cells, "peers")
        self._file_table = Table(FILE_COLUMNS, FILE_RANKS, self._file_cells, "files")
        self._picture = Paper("pieces")

    def body(self) -> Iterator[Widget]:
        yield self._parts
        yield self._rates
        yield self._peer_table
        yield self._file_table
        yield self._picture

    def on_mount(self) -> None:
        super().on_mount()
        self._show_part(0)

    def chosen(self) -> Document | None:
        return self._torrent if self._torrent.text("infohash") else None

    def removed(self) -> None:
        self.app.pop_screen()

    def note(self) -> str:
        return torrent_note(self.desk.told, self._torrent)

    def place(self) -> str:
        table = {"peers": self._peer_table, "files": self._file_table}.get(PARTS[self._part])
        number, count = table.place if table is not None else (0, 0)
        return f"{number}/{count}" if count > 1 else ""

    async def poll(self) -> None:
        ask, named = self.desk.daemon.ask, [self.infohash]
        answer = await ask("status", {"torrents": [*named]})
        self.desk.told = answer.child("daemon")
        self._torrent = (answer.children("torrents") or [Document({})])[0]
        self.desk.histories.note(self.infohash, self._torrent)
        await self._poll_part()
        self._parts.write(self._title)
        self.draw_lines()

    async def _poll_part(self) -> None:
        ask, params = self.desk.daemon.ask, {"torrent": self.infohash}
        match PARTS[self._part]:
            case "rates":
                self._info = await ask("info", params)
                answer = await ask("why", {"torrents": [self.infohash]})
                self._reason = (answer.children("torrents") or [Document({})])[0]
                self._rates.show(self._draw_rates)
            case "peers":
                answer = await ask("peers", params)
                self._peers = {peer.text("address"): peer for peer in answer.children("peers")}
                self._peer_table.show([*self._peers], empty="connected to no peer")
            case "files":
                answer = await ask("files", params)
                self._files = {
                    str(file.integer("index")): file for file in answer.children("files")
                }
                self._file_table.show([*self._files], empty="its files are not known yet")
            case _:
                answer = await ask("pieces", params)
                if self._pieces is None or self._pieces.value != answer.value:
                    self._pieces = answer
                    self._picture.show(self._draw_pieces)

    def _title(self, width: int) -> Sequence[Piece]:
        """Which of its pages there are, and its name."""
        pieces = []
        for number, part in enumerate(PARTS):
            pieces += [
                Piece(f" {number + 1} {part} ", "7" if number == self._part else ""),
                Piece(" "),
            ]
        room = width - sum(len(piece.text) for piece in pieces)
        return (
            [*pieces, Piece(cut(short_name(self._torrent, 200), room), "1")] if room > 8 else pieces
        )

    def _draw_rates(self, width: int, height: int) -> Sequence[Sequence[Piece]]:
        histories = self.desk.histories
        lines: list[Sequence[Piece]] = []
        info_lines = self._info_lines(width)
        tall = max(1, min(GRAPH_HEIGHT_MAX, (height - len(info_lines)) // 2))
        for word, values, style in (
            ("down", histories.down(self.infohash), "36"),
            ("up", histories.up(self.infohash), "32"),
        ):
            label = f"{word} {rate(values[-1] if values else 0)}"
            wide = max(1, width - len("down 9999 KiB/s "))
            high = tall if any(values) else 1
            for number, line in enumerate(graph(values, wide, high)):
                text = (label if number == high - 1 else "").ljust(width - wide)
                lines.append([Piece(text), Piece(line, style)])
        return [*lines, *info_lines]

    def _info_lines(self, width: int) -> list[list[Piece]]:
        rows = [("why", self._reason.text("sentence")), ("help", self._reason.text("help"))]
        rows += [row for row in info_rows(self._info) if row[0] not in ("download", "upload")]
        lines = []
        for name, text in rows:
            if text:
                for part in wrapped(text, max(10, width - LABEL_WIDTH), ""):
                    lines.append([Piece(name.ljust(LABEL_WIDTH), "2"), Piece(part)])
                    name = ""
        return lines

    def _draw_pieces(self, width: int, height: int) -> Sequence[Sequence[Piece]]:
        if self._pieces is None or not self._pieces.integer("piece_count"):
            return plain("its pieces are not known yet")
        cells, sentence = piece_cells(self._pieces, width * max(1, height - 2))
        lines = [
            [Piece(text, style) for text, style in runs(cells[start : start + width])]
            for start in range(0, len(cells), width)
        ]
        return [*lines, *plain("", *wrapped(sentence, width))]

    def _peer_cells(self, address: str) -> Sequence[str]:
        return peer_row(self._peers[address])

    def _file_cells(self, index: str) -> Sequence[str]:
        return file_row(self._files[index])

    def _show_part(self, number: int) -> None:
        self._part = number % len(PARTS)
        bodies = (self._rates, self._peer_table, self._file_table, self._picture)
        for index, body in enumerate(bodies):
            body.display = index == self._part
        bodies[self._part].focus()
        self._parts.write(self._title)
        self.desk.ask_soon()

    def action_next(self) -> None:
        self._show_part(self._part + 1)

    def action_previous(self) -> None:
        self._show_part(self._part - 1)

    def action_turn_to(self, number: int) -> None:
        self._show_part(number)

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_want(self) -> None:
        def way(file: Document) -> tuple[str, str]:
            return ("skip", "left out") if file.flag("wanted") else ("also", "wanted")

        self._choose(way)

    def action_before(self, priority: str) -> None:
        self._choose(lambda file: (priority, f"of {priority} priority"))

    def _choose(self, way: Callable[[Document], tuple[str, str]]) -> None:
        index = self._file_table.chosen
        if PARTS[self._part] == "files" and index is not None:
            file = self._files[index]
            self.desk.start(self._say_of_file(file, *way(file)))

    async def _say_of_file(self, file: Document, key: str, done: str) -> None:
        params: dict[str, Json] = {"torrent": self.infohash, key: [str(file.integer("index"))]}
        await self.desk.daemon.ask("files", params)
        self.desk.say(f"{file.text('path')} is {done}")
        self.desk.ask_soon()
