"""The documents that torrentctl makes by itself, of files that lie here.

See status_documents.py for how they are written.
"""

from typing import Annotated, NotRequired, TypedDict

from torrentd.daemon.client.status_documents import Document, Infohash, Named


class ShownFile(TypedDict):
    """One file of a torrent file."""

    index: Annotated[int, "in the torrent, padding counted (BEP 53)"]
    path: Annotated[str, "as it would be on disk"]
    size_bytes: int


class ShownTorrent(TypedDict):
    """What a torrent file or a magnet says; what only the metadata knows is null in a magnet."""

    infohash: Infohash
    name: str | None
    size_bytes: int | None
    piece_length_bytes: int | None
    piece_count: int | None
    nodes: list[str]
    peers: list[str]
    select: NotRequired[Annotated[list[int] | None, "only in a magnet: its files (BEP 53)"]]
    web_seeds: list[str]
    magnet: str
    files: list[ShownFile] | None


class Show(Document):
    """What torrent files and magnets say."""

    torrents: list[ShownTorrent]


class Create(Document, Named):
    """The torrent file that was made; `added` is there with --seed."""

    file: str
    size_bytes: int
    file_count: int
    piece_length_bytes: int
    piece_count: int
    left_out: Annotated[list[str], "links and devices"]
    magnet: str
    added: NotRequired[Annotated[bool, "false: it was there already"]]


class ImportedTorrent(Named):
    """One torrent of another daemon."""

    problem: Annotated[str | None, "why it is not added"]
    dir: str
    paused: bool
    labels: list[str]
    unwanted: Annotated[list[int], "indices of files"]
    ratio: float | None
    added: NotRequired[Annotated[bool, "false: it was there already; not in a preview"]]


class Import(Document):
    """The torrents of another daemon."""

    torrents: list[ImportedTorrent]
