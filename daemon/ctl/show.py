"""Each verb's document as a person reads it, on standard output."""

import sys
from collections.abc import Callable

from torrentd.daemon.ctl.document import Document, json_text
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.quantities import duration, percent, rate, size
from torrentd.daemon.ctl.sentences import (
    blocks_sentence,
    daemon_sentence,
    many,
    short_name,
    stage_sentence,
    stages_sentence,
)
from torrentd.daemon.ctl.tables import (
    FILE_COLUMNS,
    INFOHASH_SHOWN,
    PEER_COLUMNS,
    TORRENT_COLUMNS,
    file_row,
    peer_row,
    print_rows,
    print_table,
    print_wrapped,
    torrent_row,
)

NOTES_MAX = 10  # lines below the table of `status`; info tells the rest


def show_status(document: Document) -> None:
    daemon, torrents = document.child("daemon"), document.children("torrents")
    if torrents:
        print_table(TORRENT_COLUMNS, [torrent_row(torrent) for torrent in torrents])
        _show_notes(daemon, torrents)
    print(daemon_sentence(daemon, len(torrents)))
    blocks = daemon.child("blocks")
    if blocks.text("path") or blocks.integer("banned"):
        print(blocks_sentence(blocks))
    for warning in daemon.texts("warnings"):
        print(f"warning: {warning}")


def _show_notes(daemon: Document, torrents: list[Document]) -> None:
    """Why something does not move, one line each."""
    notes: list[str] = []
    for torrent in torrents:
        prefix = torrent.text("infohash")[:8]
        if torrent.text("error"):
            notes.append(f"{prefix} error: {torrent.text('error')}")
        elif torrent.text("state") == "metadata":
            notes.append(f"{prefix} {stage_sentence(daemon, torrent)}")
    for note in notes[:NOTES_MAX]:
        print(note)
    if len(notes) > NOTES_MAX:
        print(f"… and {len(notes) - NOTES_MAX} more; torrentctl info tells each")


def show_info(document: Document) -> None:
    print_rows(info_rows(document))


def info_rows(document: Document) -> list[tuple[str, str]]:
    rows = [
        ("name", document.text("name")),
        ("infohash", document.text("infohash")),
        ("state", document.text("state")),
        ("error", document.text("error")),
        ("stages", stages_sentence(document)),
        *_contents(document),
        *_wanted(document),
        ("download", _rate_and_total(document, "download_rate_bytes_per_s", "downloaded_bytes")),
        ("upload", _rate_and_total(document, "upload_rate_bytes_per_s", "uploaded_bytes")),
        ("wasted", _wasted(document)),
        ("peers", _peers(document)),
        ("swarm", _swarm(document)),
        ("left", _left(document)),
        ("added", _added(document)),
        ("magnet", document.text("magnet")),
    ]
    return [row for row in rows if row[1]]


def _contents(document: Document) -> list[tuple[str, str]]:
    """What only the metadata knows."""
    count = document.integer("piece_count")
    if not count:
        return [("data", f"not known yet; it goes to {document.text('files_root')}")]
    done = f"{size(document.integer('done_bytes'))} of {size(document.integer('size_bytes'))}"
    pieces = f"{document.integer('pieces_had')} of {count}"
    return [
        ("progress", f"{percent(document.number('progress'))}, {done}"),
        ("pieces", f"{pieces}, {size(document.integer('piece_length_bytes'))} each"),
        ("files", f"{document.integer('file_count')} in {document.text('files_root')}"),
    ]


def _wanted(document: Document) -> list[tuple[str, str]]:
    """What was said of it."""
    down, up = (document.integer(f"{way}_bytes_per_s_max") for way in ("download", "upload"))
    limits = [f"{way} {rate(limit)}" for way, limit in (("down", down), ("up", up)) if limit]
    return [
        ("paused by", document.text("pause_reason")),
        ("labels", ", ".join(document.texts("labels"))),
        ("order", "in sequence" if document.flag("sequential") else ""),
        ("limits", ", ".join(limits)),
        ("rules", "; ".join(document.texts("rules"))),
        ("seeding", "super" if document.flag("super_seeding") else ""),
    ]


def show_why(document: Document) -> None:
    torrents = document.children("torrents")
    if not torrents:
        print("there is no torrent")
    for torrent in torrents:
        digits = torrent.text("infohash")[:INFOHASH_SHOWN]
        name = "" if torrent.text("name").startswith(digits) else f" {short_name(torrent)}"
        print_wrapped(f"{digits}{name}: {torrent.text('sentence')}")
        if torrent.text("help"):
            print_wrapped(f"  what helps: {torrent.text('help')}")


def show_peers(document: Document) -> None:
    peers = document.children("peers")
    if not peers:
        print(f"{short_name(document)} is connected to no peer")
        return
    print_table(PEER_COLUMNS, [peer_row(peer) for peer in peers])


def show_files(document: Document) -> None:
    files = document.children("files")
    if not files:
        print(f"the files of {short_name(document)} are not known yet")
        return
    print_table(FILE_COLUMNS, [file_row(file) for file in files])
    if document.flag("sequential"):
        print("in sequence, the first and last piece of each file first")


def print_lines(document: Document) -> None:
    """Each torrent as it came, a line, for machines."""
    for torrent in document.children("torrents"):
        sys.stdout.write(json_text(torrent.value, indented=False))


def show_bans(document: Document) -> None:
    banned = document.texts("banned")
    for network in banned:
        print(network)
    if not banned:
        print("nobody is banned by hand")


def show_pointers(document: Document) -> None:
    pointers = document.children("pointers")
    if not pointers:
        print("no mutable torrent is followed or published")
    for pointer in pointers:
        print(pointer.text("magnet"))
        kind = "followed" if pointer.flag("followed") else "published"
        seq = pointer.integer_or_none("seq")
        if seq is None:
            print(f"  {kind}, nobody has it yet: looked for until somebody does")
        else:
            print(f"  {kind}, number {seq}, {pointer.text('infohash')}".rstrip(", "))


def show_published(document: Document) -> None:
    print(document.text("magnet"))
    nodes = many(document.integer("stored"), "node")
    print(f"number {document.integer('seq')} is {document.text('infohash')}, kept by {nodes}")


def show_version(document: Document) -> None:
    running = duration(document.integer("uptime_s"))
    print(f"torrentd {document.text('version')}, process {document.integer('pid')}, up {running}")


def show_added(document: Document) -> None:
    for torrent in document.children("torrents"):
        verb = "added" if torrent.flag("added") else "was there already:"
        name, infohash = torrent.text("name"), torrent.text("infohash")
        print(f"{verb} {infohash}" if name == infohash else f"{verb} {name} {infohash}")


def show_done(document: Document) -> None:
    for torrent in document.children("torrents"):
        where = torrent.text("download_dir")
        print(f"done {torrent.text('name')}, {size(torrent.integer('size_bytes'))} in {where}")


def show_metadata(document: Document) -> None:
    for torrent in document.children("torrents"):
        print(f"metadata of {torrent.text('name')}, {size(torrent.integer('size_bytes'))}")


def show_magnet(document: Document) -> None:
    print(document.text("magnet"))


def written(path: str) -> Callable[[Document], None]:
    """For a torrent file that lies there now."""

    def show(document: Document) -> None:
        print(f"{escape(path)} is the torrent file of {short_name(document)}")

    return show


def show_shutdown(document: Document) -> None:
    print("torrentd has stopped")


def show_address(document: Document) -> None:
    print(f"{short_name(document)} tries {document.text('address')}")


def named(done: str) -> Callable[[Document], None]:
    """For verbs whose document is the torrents that they touched."""

    def show(document: Document) -> None:
        torrents = document.children("torrents")
        for torrent in torrents:
            print(f"{done} {torrent.text('name')} {torrent.text('infohash')[:8]}")
        if not torrents:
            print("no torrent is meant by that now")

    return show


def show_removed(document: Document) -> None:
    named("removed")(document)
    for torrent in document.children("torrents"):
        for path in torrent.texts("trashed"):
            print(f"{short_name(torrent)} is in the trash: {path}")


def _rate_and_total(document: Document, rate_key: str, total_key: str) -> str:
    return f"{rate(document.integer(rate_key))}, {size(document.integer(total_key))} in all"


def _wasted(document: Document) -> str:
    failures, banned = document.integer("hash_failures"), document.integer("peers_banned")
    wasted = document.integer("wasted_bytes")
    if not wasted and not failures:
        return ""
    failed = f"{many(failures, 'piece')} failed the hash"
    return f"{size(wasted)}, {failed}, {many(banned, 'peer')} banned"


def _peers(document: Document) -> str:
    connected, seeds = document.integer("peers_connected"), document.integer("seeds_connected")
    return f"{connected} connected, {seeds} of them seeds; {document.integer('peers_known')} known"


def _swarm(document: Document) -> str:
    seeds = document.integer_or_none("swarm_seeds")
    if seeds is None:
        return ""
    peers = many(document.integer("swarm_peers"), "other peer")
    return f"about {many(seeds, 'seed')} and {peers}, as the DHT counts them"


def _left(document: Document) -> str:
    eta_s = document.integer_or_none("eta_s")
    return "" if eta_s is None or document.text("state") != "downloading" else duration(eta_s)


def _added(document: Document) -> str:
    import time

    added_at = document.integer("added_at")
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(added_at)) if added_at else ""
