"""`torrentctl import`: the torrents of another daemon, first shown, then added where their data is.

Their own data is checked piece by piece by torrentd, as with any add: progress is proven, not
believed. What is in the folder of the other daemon stays as it is.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from torrentd.daemon.control_lines import METAINFO_BYTES_MAX, Json
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.columns import Column, cut
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, USAGE, Failure
from torrentd.daemon.ctl.sentences import many
from torrentd.daemon.ctl.tables import INFOHASH_SHOWN, print_table

if TYPE_CHECKING:
    from torrentd.daemon.foreign import Foreign

NAME_WIDTH = 28
COLUMNS = [
    Column("ID", INFOHASH_SHOWN),
    Column("NAME", 8),
    Column("STATE", 7),
    Column("LABELS", 6),
    Column("FOLDER", 0),
]


def read(client_name: str, folder: str) -> list["Foreign"]:
    """Raises Failure when there is nothing to import."""
    from torrentd.daemon.foreign import ForeignError, read_foreign

    try:
        return read_foreign(client_name, Path(folder).absolute())
    except ForeignError as error:
        raise Failure(USAGE, str(error)) from None


def preview(found: list["Foreign"]) -> Document:
    """What would be."""
    return Document({"torrents": [_document(foreign) for foreign in found]})


def add_all(client: Client, found: list["Foreign"]) -> Document:
    """One after the other; one that is refused gets its reason, and the next one its turn."""
    documents: list[Json] = []
    for foreign in found:
        document = _document(foreign)
        if not foreign.problem:
            try:
                answer = client.call("add", _params(foreign), foreign.metainfo)
            except Failure as failure:
                if failure.exit_code != REFUSED:
                    raise
                document["problem"] = failure.sentence
            else:
                (added,) = answer.children("torrents")
                document["added"] = added.flag("added")
        documents.append(document)
    return Document({"torrents": documents})


def confirm(found: list["Foreign"]) -> None:
    """Ask on a terminal; Failure elsewhere, and where the answer is not yes."""
    count = sum(not foreign.problem for foreign in found)
    if not count:
        raise Failure(REFUSED, "none of them can be imported")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure(USAGE, f"that would add {many(count, 'torrent')}; --yes says so")
    print(f"add {many(count, 'torrent')}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure(REFUSED, "nothing was added")


def show_preview(document: Document) -> None:
    torrents = document.children("torrents")
    takes = [torrent for torrent in torrents if not torrent.text("problem")]
    if takes:
        print_table(COLUMNS, [_row(torrent) for torrent in takes])
    _show_problems(torrents)


def show_added(document: Document) -> None:
    torrents = document.children("torrents")
    added = sum(torrent.flag("added") for torrent in torrents)
    there = sum(torrent.is_false("added") for torrent in torrents)
    known = f", {there} there already" if there else ""
    print(f"added {many(added, 'torrent')}{known}; torrentctl status shows their checks")
    _show_problems(torrents)


def _show_problems(torrents: list[Document]) -> None:
    for torrent in torrents:
        if problem := torrent.text("problem"):
            print(
                f"not {torrent.text('infohash')[:INFOHASH_SHOWN]} {torrent.text('name')}: {problem}"
            )


def _row(torrent: Document) -> list[str]:
    return [
        torrent.text("infohash")[:INFOHASH_SHOWN],
        cut(torrent.text("name"), NAME_WIDTH),
        "paused" if torrent.flag("paused") else "runs",
        ",".join(torrent.texts("labels")),
        torrent.text("dir"),
    ]


def _document(foreign: "Foreign") -> dict[str, Json]:
    return {
        "infohash": foreign.infohash,
        "name": foreign.name.encode("utf-8", "replace").decode(),
        "problem": foreign.problem or None,
        "dir": foreign.folder.encode("utf-8", "replace").decode(),
        "paused": foreign.paused,
        "labels": [*foreign.labels],
        "unwanted": [*foreign.unwanted],
        "ratio": foreign.ratio,
    }


def _params(foreign: "Foreign") -> dict[str, Json]:
    params: dict[str, Json] = {"dir": foreign.folder, "paused": foreign.paused}
    if foreign.metainfo:
        params["metainfo_bytes"] = min(len(foreign.metainfo), METAINFO_BYTES_MAX)
    else:
        params["uri"] = foreign.magnet
    if foreign.labels:
        params["labels"] = [*foreign.labels]
    if foreign.unwanted and foreign.file_count:
        params["select"] = _ranges(foreign)
    if foreign.download_bytes_per_s_max:
        params["download_bytes_per_s_max"] = foreign.download_bytes_per_s_max
    if foreign.upload_bytes_per_s_max:
        params["upload_bytes_per_s_max"] = foreign.upload_bytes_per_s_max
    if foreign.ratio is not None:
        params["rules"] = [f"when ratio >= {foreign.ratio:.3f}: pause"]
    return params


def _ranges(foreign: "Foreign") -> str:
    """The files that are wanted, as in `0,2-4`; the first alone where none is."""
    unwanted = set(foreign.unwanted)
    spans: list[list[int]] = []
    for index in range(foreign.file_count):
        if index in unwanted:
            continue
        if spans and spans[-1][1] == index - 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    return ",".join(texts) or "0"
