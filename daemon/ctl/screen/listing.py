"""The torrents as the screen lists them: which, and in which order. No terminal is known here."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from torrentd.daemon.ctl.document import Document

_DIGITS = re.compile(r"[0-9a-f]{4,40}")
_NEVER_S = 10**9  # time left, of what does not move

Key = Callable[[Document], tuple[float, str]]


class Sort(NamedTuple):
    """By a column; `title` is that of the column, "" for the order in which they were added."""

    title: str
    word: str
    key: Key
    descending: bool = False  # at first: who sorts by a rate looks for the large ones


def _number(field: str) -> Key:
    return lambda torrent: (torrent.number(field), "")


def _text(field: str) -> Key:
    return lambda torrent: (0, torrent.text(field).casefold())


def _left(torrent: Document) -> tuple[float, str]:
    eta_s = torrent.integer_or_none("eta_s")
    moves = eta_s is not None and torrent.text("state") == "downloading"
    return (eta_s if eta_s is not None and moves else _NEVER_S, "")


SORTS = (
    Sort("", "as added", lambda torrent: (0, "")),
    Sort("NAME", "by name", _text("name")),
    Sort("STATE", "by state", _text("state")),
    Sort("DONE", "by what is done", _number("progress")),
    Sort("SIZE", "by size", _number("size_bytes"), descending=True),
    Sort("DOWN/s", "by download", _number("download_rate_bytes_per_s"), descending=True),
    Sort("UP/s", "by upload", _number("upload_rate_bytes_per_s"), descending=True),
    Sort("PEERS", "by peers", _number("peers_connected"), descending=True),
    Sort("LEFT", "by time left", _left),
)


class Listing:
    """`order` are the infohashes of those that are shown."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.sort = SORTS[0]
        self.turned = False  # against the order that the sort has at first
        self.words = ""  # of the filter
        self._torrents: dict[str, Document] = {}

    def __len__(self) -> int:
        """All, shown or not."""
        return len(self._torrents)

    def __contains__(self, infohash: str) -> bool:
        return infohash in self._torrents

    def get(self, infohash: str) -> Document:
        """An empty document for one that is gone."""
        return self._torrents.get(infohash) or Document({})

    def replace(self, torrents: Sequence[Document]) -> None:
        """These are all."""
        self._torrents = {torrent.text("infohash"): torrent for torrent in torrents}
        self.arrange()

    def update(self, torrents: Sequence[Document]) -> None:
        """Some have other numbers; the order stays until all are known again."""
        for torrent in torrents:
            infohash = torrent.text("infohash")
            if infohash in self._torrents:
                self._torrents[infohash] = torrent

    def arrange(self) -> None:
        """After the sort or the filter was changed."""
        words = self.words.casefold().split()
        shown = [
            (infohash, torrent)
            for infohash, torrent in self._torrents.items()
            if not words or matches(torrent, words)
        ]
        if self.sort.title:
            key, descending = self.sort.key, self.sort.descending != self.turned
            shown.sort(key=lambda entry: key(entry[1]), reverse=descending)
        elif self.turned:
            shown.reverse()
        self.order = [infohash for infohash, _ in shown]

    def sort_next(self) -> None:
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.turned = False
        self.arrange()

    def turn(self) -> None:
        self.turned = not self.turned
        self.arrange()


def matches(torrent: Document, words: Sequence[str]) -> bool:
    """Each word, in lower case, is in the name, begins the infohash, or is `state:` or `label:`."""
    return all(_matches_one(torrent, word) for word in words)


def _matches_one(torrent: Document, word: str) -> bool:
    kind, colon, rest = word.partition(":")
    if colon and kind == "state":
        return torrent.text("state").startswith(rest)
    if colon and kind == "label":
        return any(label.casefold().startswith(rest) for label in torrent.texts("labels"))
    if word in torrent.text("name").casefold():
        return True
    return _DIGITS.fullmatch(word) is not None and torrent.text("infohash").startswith(word)
