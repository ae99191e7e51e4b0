"""The documents of the verbs that say what is wanted of torrents, as a person reads them."""

import time
from collections.abc import Callable

from torrentd.daemon.ctl.columns import Column
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.quantities import duration, rate, size
from torrentd.daemon.ctl.sentences import many, short_name
from torrentd.daemon.ctl.tables import INFOHASH_SHOWN, print_rows, print_table, print_wrapped

_DOWN, _UP = "download_bytes_per_s_max", "upload_bytes_per_s_max"

_STATS_COLUMNS = [
    Column("", 10),
    Column("DOWN", 9, right=True),
    Column("UP", 9, right=True),
    Column("RATIO", 7, right=True),
    Column("RUNNING", 7, right=True),
]
_QUEUE_COLUMNS = [
    Column("#", 4, right=True),
    Column("ID", INFOHASH_SHOWN),
    Column("NAME", 0),
    Column("STATE", 17),
]


def show_limits(document: Document) -> None:
    every = document.child("all")
    holds = every.flag("alternative_holds")
    why = {"on": "by hand", "off": "never", "auto": "by the clock"}[every.text("alternative")]
    usual = _limits(every, "") + ("" if holds else ", in force")
    other = _limits(every, "alternative_") + (", in force" if holds else "")
    rows = [("all torrents", usual), ("alternative", f"{other} ({why})")]
    for torrent in document.children("torrents"):
        digits = torrent.text("infohash")[:INFOHASH_SHOWN]
        way = ", super seeding" if torrent.flag("super_seeding") else ""
        rows.append((digits, f"{_limits(torrent, '')}{way}  {short_name(torrent)}"))
        rows += [("", rule) for rule in torrent.texts("rules")]
    print_rows(rows)
    by_hand = every.texts("by_hand")
    if by_hand:
        print(f"changed by hand: {', '.join(by_hand)}; torrentctl config drop takes that back")


def _limits(document: Document, prefix: str) -> str:
    down, up = (document.integer(prefix + key) for key in (_DOWN, _UP))
    return f"down {rate(down) if down else 'unlimited'}, up {rate(up) if up else 'unlimited'}"


def show_labels(document: Document) -> None:
    for torrent in document.children("torrents"):
        labels = ", ".join(torrent.texts("labels")) or "no label"
        print(f"{torrent.text('infohash')[:INFOHASH_SHOWN]} {short_name(torrent)}: {labels}")


def show_queue(document: Document) -> None:
    torrents = document.children("torrents")
    if not torrents:
        print("there is no torrent")
        return
    rows = [
        [
            str(torrent.integer("place")),
            torrent.text("infohash")[:INFOHASH_SHOWN],
            torrent.text("name"),
            torrent.text("state") + (" (now)" if torrent.flag("forced") else ""),
        ]
        for torrent in torrents
    ]
    print_table(_QUEUE_COLUMNS, rows)


def show_places(document: Document) -> None:
    for torrent in document.children("torrents"):
        where = f"is in {torrent.text('download_dir')}"
        if torrent.flag("moving"):
            where = "is on its way; status shows how far"
        print(f"{short_name(torrent)} {where}")


def show_resolved(path: str) -> Callable[[Document], None]:
    """`path`: the torrent file that lies there now; "" for none."""

    def show(document: Document) -> None:
        files = many(document.integer("file_count"), "file")
        print(f"{short_name(document)}, {size(document.integer('size_bytes'))} in {files}")
        print(f"{escape(path)} is its torrent file" if path else document.text("infohash"))

    return show


def show_stats(document: Document) -> None:
    every, run = document.child("all"), document.child("run")
    rows = [["all"], ["run"], *([day.text("day")] for day in document.children("days"))]
    for row, moved in zip(rows, [every, run, *document.children("days")], strict=True):
        down, up = moved.integer("downloaded_bytes"), moved.integer("uploaded_bytes")
        running = duration(moved.integer("running_s")) if moved in (every, run) else ""
        row += [size(down), size(up), f"{up / down:.2f}" if down else "", running]
    print_table(_STATS_COLUMNS, rows)
    for name, moved in (("in all", every), ("in this run", run)):
        said = (_both(moved, "protocol"), f"DHT {_both(moved, 'dht')}")
        print_wrapped(f"beside that, {name}: peers' talk {', '.join(said)}")
    since = time.strftime("%Y-%m-%d", time.localtime(document.integer("since")))
    print(f"since {since}, {many(document.integer('starts'), 'start')}")


def _both(moved: Document, what: str) -> str:
    down, up = (moved.integer(f"{what}_{way}_bytes") for way in ("received", "sent"))
    return f"down {size(down)} up {size(up)}"
