"""The tables of status, peers and files: 80 columns; a wider terminal shows more of a name."""

from torrentd.daemon.ctl.columns import Column, has_colour, lay_out, terminal_width
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.quantities import duration, percent, short_size

INFOHASH_SHOWN = 8  # digits: enough to name a torrent among thousands
ADDRESS_WIDTH = 25  # any IPv4 address with its port, and a short IPv6 one
_STATE_STYLES = {"error": "31", "seeding": "32", "downloading": "36", "paused": "2", "queued": "2"}
_SOURCES = {"incoming": "in"}  # the other words are short

TORRENT_COLUMNS = [
    Column("ID", INFOHASH_SHOWN),
    Column("NAME", 0),
    Column("STATE", 11, styles=_STATE_STYLES),
    Column("DONE", 5, right=True),
    Column("SIZE", 5, right=True),
    Column("DOWN/s", 6, right=True),
    Column("UP/s", 5, right=True),
    Column("PEERS", 7, right=True),
    Column("LEFT", 6, right=True),
]
PEER_COLUMNS = [
    Column("ADDRESS", ADDRESS_WIDTH, spill=True),
    Column("CLIENT", 0),
    Column("FROM", 6),
    Column("FLAGS", 5),
    Column("DONE", 5, right=True),
    Column("DOWN/s", 6, right=True),
    Column("UP/s", 5, right=True),
]
FILE_COLUMNS = [
    Column("#", 3, right=True),
    Column("FILE", 0),
    Column("SIZE", 5, right=True),
    Column("DONE", 5, right=True),
    Column("WANTED", 6, styles={"no": "2"}),
]


def print_table(columns: list[Column], rows: list[list[str]]) -> None:
    for line in lay_out(columns, rows, terminal_width(), has_colour()):
        print(line)


def print_rows(rows: list[tuple[str, str]]) -> None:
    """A name and a text a line, the texts below each other."""
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{name:<{width}}  {text}")


def print_wrapped(sentence: str) -> None:
    """Over as many lines as it needs, the further ones indented."""
    import textwrap

    for line in textwrap.wrap(sentence, terminal_width(), subsequent_indent="    "):
        print(line)


def torrent_row(torrent: Document) -> list[str]:
    known = torrent.integer("size_bytes") > 0
    eta_s = torrent.integer_or_none("eta_s")
    running = torrent.text("state") == "downloading"
    return [
        torrent.text("infohash")[:INFOHASH_SHOWN],
        torrent.text("name"),
        torrent.text("state"),
        percent(torrent.number("progress")) if known else "",
        short_size(torrent.integer("size_bytes")) if known else "",
        _short_rate(torrent, "download_rate_bytes_per_s"),
        _short_rate(torrent, "upload_rate_bytes_per_s"),
        _peers(torrent),
        duration(eta_s) if running and eta_s is not None else "",
    ]


def peer_row(peer: Document) -> list[str]:
    source = peer.text("source")
    return [
        peer.text("address"),
        peer.text("client"),
        _SOURCES.get(source, source),
        peer.text("flags"),
        percent(peer.number("progress")),
        _short_rate(peer, "download_rate_bytes_per_s"),
        _short_rate(peer, "upload_rate_bytes_per_s"),
    ]


def file_row(file: Document) -> list[str]:
    size_bytes = file.integer("size_bytes")
    return [
        str(file.integer("index")),
        file.text("path"),
        short_size(size_bytes),
        percent(file.integer("done_bytes") / size_bytes if size_bytes else 1.0),
        _wanted(file),
    ]


def _wanted(file: Document) -> str:
    """And how soon, where that was said."""
    if not file.flag("wanted"):
        return "no"
    return {"high": "high", "low": "low"}.get(file.text("priority"), "yes")


def _peers(torrent: Document) -> str:
    """Connected, and of how many in the swarm where the DHT told."""
    connected, seeds = torrent.integer("peers_connected"), torrent.integer_or_none("swarm_seeds")
    if seeds is None:
        return str(connected or "")
    return f"{connected}/{seeds + torrent.integer('swarm_peers')}"


def _short_rate(document: Document, key: str) -> str:
    rate = document.integer(key)
    return short_size(rate) if rate else ""
