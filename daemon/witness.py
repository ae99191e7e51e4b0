"""What happens to torrents, told in one place to whoever attached a witness."""

from dataclasses import dataclass
from typing import Literal, Protocol

from torrentd.wire.formats.ids import InfoHash

Kind = Literal[
    "added",
    "metadata",
    "file-done",
    "done",
    "error",
    "recovered",
    "paused",
    "resumed",
    "removed",
]


@dataclass(frozen=True, slots=True)
class Happening:
    """`detail` is the sentence of an error, the path of a file below the download folder, or what
    becomes of the files of a torrent that is removed (DataFate)."""

    kind: Kind
    infohash: InfoHash
    name: str
    detail: str = ""


class Witness(Protocol):
    """Whoever wants to know."""

    def happened(self, happening: Happening) -> None:
        """In the loop, at once: it must neither wait nor raise."""

    def looked_at(self, infohash: InfoHash) -> None:
        """What is had of it was found or lost: it may be news or not."""


class Witnesses:
    """Told in the order in which they were attached."""

    def __init__(self) -> None:
        self._attached: dict[Witness, None] = {}

    def attach(self, witness: Witness) -> None:
        """It hears of everything from now on."""
        self._attached[witness] = None

    def tell(self, kind: Kind, infohash: InfoHash, name: str, detail: str = "") -> None:
        happening = Happening(kind, infohash, name, detail)
        for witness in list(self._attached):
            witness.happened(happening)

    def looked_at(self, infohash: InfoHash) -> None:
        for witness in list(self._attached):
            witness.looked_at(infohash)
