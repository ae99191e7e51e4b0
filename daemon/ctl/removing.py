"""`torrentctl remove`: first it is clear which torrents are meant, then they go, and no others.

The daemon is asked what the selectors name; whoever meant one and named many is asked in turn; and
what is sent then are the infohashes of exactly those.
"""

import sys
from collections.abc import Sequence

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, USAGE, Failure
from torrentd.daemon.ctl.sentences import many, short_name

BATCH = 500  # infohashes in one request, whose line has its limit
SHOWN_MAX = 20
_PATTERN_SIGNS = ("*", "?", "[")


def named_by(client: Client, selectors: Sequence[str]) -> Document:
    """The torrents that they name, each once; nothing is done to them."""
    status = client.call("status", {"torrents": [*selectors]})
    torrents: list[Json] = [
        torrent.pick("infohash", "name") for torrent in status.children("torrents")
    ]
    return Document({"torrents": torrents})


def is_pattern(selector: str) -> bool:
    """It may name many torrents, or others tomorrow than today."""
    text = selector.strip()
    return text == "all" or text.startswith("state:") or any(s in text for s in _PATTERN_SIGNS)


def confirm(torrents: list[Document], selectors: Sequence[str], data: bool, trash: bool) -> None:
    """Ask on a terminal; Failure elsewhere, and where the answer is not yes."""
    if len(torrents) < 2 or not any(is_pattern(selector) for selector in selectors):
        return
    also = " and their data" if data else ", their data to the trash" if trash else ""
    what = f"{many(len(torrents), 'torrent')}{also}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure(USAGE, f"that would remove {what}; --yes says that it is meant")
    for torrent in torrents[:SHOWN_MAX]:
        print(f"  {torrent.text('infohash')[:8]} {short_name(torrent)}", file=sys.stderr)
    if len(torrents) > SHOWN_MAX:
        print(f"  … and {len(torrents) - SHOWN_MAX} more", file=sys.stderr)
    print(f"remove {what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure(REFUSED, "nothing was removed")


def remove(client: Client, torrents: list[Document], data: bool, trash: bool) -> Document:
    """Batch by batch; the daemon removes each batch whole or not at all."""
    removed: list[Json] = []
    for start in range(0, len(torrents), BATCH):
        infohashes: list[Json] = [t.text("infohash") for t in torrents[start : start + BATCH]]
        params: dict[str, Json] = {"torrents": infohashes, "data": data, "trash": trash}
        document = client.call("remove", params)
        removed += [torrent.value for torrent in document.children("torrents")]
    return Document({"torrents": removed})
