"""Tables of 80 columns and more: what a wider terminal adds goes to names."""

from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.quantities import duration, percent, short_size

INFOHASH_SHOWN = 8  # digits: enough to name a torrent among thousands
STATE_STYLES = {"error": "red", "seeding": "green", "downloading": "cyan", "paused": "dim"}


def make_console(file: IO[str]) -> Console:
    """Nothing is marked up or highlighted by content: it may come from a stranger."""
    return Console(file=file, markup=False, emoji=False, highlight=False)


def torrents_table(torrents: list[Document]) -> Table:
    table = _table()
    _left(table, "ID", INFOHASH_SHOWN)
    _name(table, "NAME")
    _left(table, "STATE", 11)
    for title, width in (("DONE", 5), ("SIZE", 5), ("DOWN/s", 6), ("UP/s", 5), ("PEERS", 5)):
        _right(table, title, width)
    _right(table, "LEFT", 6)
    for torrent in torrents:
        state = torrent.text("state")
        known = torrent.integer("size_bytes") > 0
        table.add_row(
            Text(torrent.text("infohash")[:INFOHASH_SHOWN]),
            Text(torrent.text("name")),
            Text(state, style=STATE_STYLES.get(state, "")),
            percent(torrent.number("progress")) if known else "",
            short_size(torrent.integer("size_bytes")) if known else "",
            _short_rate(torrent, "download_rate_bytes_per_s"),
            _short_rate(torrent, "upload_rate_bytes_per_s"),
            str(torrent.integer("peers_connected") or ""),
            _left_text(torrent),
        )
    return table


def peers_table(peers: list[Document]) -> Table:
    table = _table()
    table.add_column("ADDRESS", no_wrap=True, min_width=15)
    _name(table, "CLIENT")
    _left(table, "FROM", 8)
    _left(table, "FLAGS", 6)
    for title, width in (("DONE", 5), ("DOWN/s", 6), ("UP/s", 5)):
        _right(table, title, width)
    for peer in peers:
        table.add_row(
            Text(peer.text("address")),
            Text(peer.text("client")),
            Text(peer.text("source")),
            Text(peer.text("flags")),
            percent(peer.number("progress")),
            _short_rate(peer, "download_rate_bytes_per_s"),
            _short_rate(peer, "upload_rate_bytes_per_s"),
        )
    return table


def files_table(files: list[Document]) -> Table:
    table = _table()
    _right(table, "#", 3)
    _name(table, "FILE")
    for title, width in (("SIZE", 5), ("DONE", 5)):
        _right(table, title, width)
    _left(table, "WANTED", 6)
    for file in files:
        size_bytes = file.integer("size_bytes")
        share = file.integer("done_bytes") / size_bytes if size_bytes else 1.0
        wanted = file.flag("wanted")
        table.add_row(
            str(file.integer("index")),
            Text(file.text("path")),
            short_size(size_bytes),
            percent(share),
            "yes" if wanted else "no",
            style="" if wanted else "dim",
        )
    return table


def families_table(families: list[Document]) -> Table:
    table = _table()
    _left(table, "FAMILY", 6)
    for title, width in (("GOOD", 5), ("UNSURE", 6), ("BUCKETS", 7)):
        _right(table, title, width)
    table.add_column("EXTERNAL ADDRESS", no_wrap=True)
    for family in families:
        table.add_row(
            Text(family.text("family")),
            str(family.integer("nodes_good")),
            str(family.integer("nodes_questionable")),
            str(family.integer("buckets")),
            Text(family.text("external_address") or "not known yet"),
        )
    return table


def _table() -> Table:
    return Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")


def _left(table: Table, title: str, width: int) -> None:
    table.add_column(title, no_wrap=True, width=width)


def _right(table: Table, title: str, width: int) -> None:
    table.add_column(title, no_wrap=True, justify="right", min_width=width)


def _name(table: Table, title: str) -> None:
    """Takes what the others leave, and is cut with an ellipsis."""
    table.add_column(title, no_wrap=True, overflow="ellipsis", min_width=8)


def _short_rate(document: Document, key: str) -> str:
    rate = document.integer(key)
    return short_size(rate) if rate else ""


def _left_text(torrent: Document) -> str:
    eta_s = torrent.integer_or_none("eta_s")
    return "" if eta_s is None or torrent.text("state") != "downloading" else duration(eta_s)
