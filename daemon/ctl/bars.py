"""One line a torrent, redrawn while somebody waits: a bar, or the stage a magnet is in."""

from typing import IO

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.quantities import duration, percent, rate, seconds
from torrentd.daemon.ctl.sentences import STAGES, short_name

NAME_WIDTH_MAX = 24
MAGNET_NAME_WIDTH = 14  # of four stages with their times, 60 columns are left
BAR_WIDTH_MIN = 10
# What the fixed columns take: percent, rate, peers, time left, and a space before each.
_FIXED_WIDTH = 1 + 5 + 1 + 10 + 1 + 9 + 1 + 6


def make_console(file: IO[str]) -> Console:
    """Nothing is marked up or highlighted by its content: that may come from a stranger."""
    return Console(file=file, markup=False, emoji=False, highlight=False)


def progress_grid(daemon: Document, torrents: list[Document], width: int) -> Table:
    """As wide as the terminal, never wider; as many lines as torrents."""
    grid = Table.grid(padding=0)
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=width)
    for torrent in torrents:
        grid.add_row(_line(daemon, torrent, width))
    return grid


def _line(daemon: Document, torrent: Document, width: int) -> Table | Text:
    state = torrent.text("state")
    if state == "metadata":
        return _stages(daemon, torrent)
    name_width = max(8, min(NAME_WIDTH_MAX, (width - _FIXED_WIDTH - BAR_WIDTH_MIN - 1)))
    name = short_name(torrent, name_width)
    bar_width = max(BAR_WIDTH_MIN, width - _FIXED_WIDTH - name_width - 1)
    share = torrent.number("progress")
    line = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    line.add_column(width=name_width, no_wrap=True, overflow="ellipsis")
    line.add_column(width=bar_width)
    for column_width in (5, 10, 9, 6):
        line.add_column(width=column_width, justify="right", no_wrap=True)
    line.add_row(
        Text(name),
        ProgressBar(total=1.0, completed=share, width=bar_width),
        percent(share),
        *_numbers(torrent, state),
    )
    return line


def _numbers(torrent: Document, state: str) -> tuple[str, str, str]:
    peers = torrent.integer("peers_connected")
    peers_text = "1 peer" if peers == 1 else f"{peers} peers"
    if state != "downloading":
        return state, peers_text, ""
    eta_s = torrent.integer_or_none("eta_s")
    left = "" if eta_s is None else duration(eta_s)
    return rate(torrent.integer("download_rate_bytes_per_s")), peers_text, left


def _stages(daemon: Document, torrent: Document) -> Text:
    """`NAME  DHT 0.4s → peers 3, 12s … → handshake → metadata`, the present one bold."""
    stage, stages_s = torrent.text("stage"), torrent.child("stages_s")
    names = list(STAGES)
    present = names.index(stage) if stage in STAGES else 0
    counts = (
        f" {daemon.child('dht').integer('nodes_good')},",
        f" {torrent.integer('peers_known')},",
        f" {torrent.integer('peers_connected')},",
        "",
    )
    line = Text(f"{short_name(torrent, MAGNET_NAME_WIDTH)}  ")
    for number, (name, label) in enumerate(STAGES.items()):
        line.append(" → " if number else "", "dim")
        took = seconds(stages_s.number(name))
        if number < present:
            line.append(f"{label} {took}", "green")
        elif number == present:
            line.append(f"{label}{counts[number]} {took} …", "bold cyan")
        else:
            line.append(label, "dim")
    return line
