"""What the journal has told of each torrent, so that a start can tell what a kill kept back.

Made of the journal's own events, and written at the head of each of its files: whoever reads a file
from its head on knows what was told, however many files are gone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torrentd.daemon.control_lines import Json

_METADATA, _DONE, _PAUSED = "m", "d", "p"


@dataclass(slots=True)
class ToldTorrent:
    """`files` are the indices of those told as done; none once `done` is told."""

    metadata: bool = False
    done: bool = False
    paused: bool = False
    files: frozenset[int] = frozenset()


class Told:
    """By infohash, as hex."""

    def __init__(self) -> None:
        self.torrents: dict[str, ToldTorrent] = {}

    def hear(self, event: Mapping[str, object]) -> None:
        """One event of the journal, or about to be."""
        infohash = event.get("infohash")
        if not isinstance(infohash, str):
            return
        if event["event"] == "removed":
            self.torrents.pop(infohash, None)
            return
        torrent = self.torrents.setdefault(infohash, ToldTorrent())
        match event["event"]:
            case "metadata":
                torrent.metadata = True
            case "file-done":
                index = event.get("file")
                if isinstance(index, int):
                    torrent.files |= {index}
            case "done":
                torrent.done = True
                torrent.files = frozenset()
            case "incomplete":
                torrent.done = False
                torrent.files = frozenset(_indices(str(event.get("files_done", ""))))
            case "paused" | "resumed" as which:
                torrent.paused = which == "paused"

    def to_json(self) -> dict[str, Json]:
        """`{infohash: [flags, files]}`."""
        return {infohash: _packed(torrent) for infohash, torrent in self.torrents.items()}

    @classmethod
    def from_json(cls, value: Json) -> "Told":
        """What is not of that form is left out."""
        told = cls()
        for infohash, packed in value.items() if isinstance(value, dict) else ():
            match packed:
                case [str(flags), str(files)]:
                    told.torrents[infohash] = ToldTorrent(
                        _METADATA in flags,
                        _DONE in flags,
                        _PAUSED in flags,
                        frozenset(_indices(files)),
                    )
        return told


def ranges_text(indices: Iterable[int]) -> str:
    """`0-2,7`, as `so` of a magnet has it (BEP 53)."""
    spans: list[list[int]] = []
    for index in sorted(indices):
        if spans and index == spans[-1][1] + 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)


def _indices(text: str) -> list[int]:
    """Of our own `ranges_text`."""
    found: list[int] = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _packed(torrent: ToldTorrent) -> Json:
    flags = _METADATA * torrent.metadata + _DONE * torrent.done + _PAUSED * torrent.paused
    return [flags, ranges_text(torrent.files)]
