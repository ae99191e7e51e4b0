"""The documents of torrents: what a method answers, and a verb prints with --json.

See status_documents.py for how they are written.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from torrentd.daemon.client.status_documents import (
    Document,
    Named,
    RateLimit,
    State,
    TorrentStatus,
)


class Info(Document, TorrentStatus):
    """All about one torrent."""

    magnet: str
    piece_length_bytes: Annotated[int, "0 before the metadata is known"]
    piece_count: int
    pieces_had: int
    file_count: int
    hash_failures: int
    peers_banned: int
    files_root: str
    sequential: bool
    download_bytes_per_s_max: RateLimit
    upload_bytes_per_s_max: RateLimit
    rules: Annotated[list[str] | None, "for seeding, of its own; null: those of the configuration"]
    super_seeding: Annotated[bool, "once it has everything (BEP 16)"]


class WhyTorrent(Named):
    """What holds one torrent up."""

    state: State
    cause: Literal[
        "error",
        "paused",
        "moving",
        "queued",
        "checking",
        "check-waits",
        "complete",
        "disk-behind",
        "handshakes",
        "dialing",
        "unreachable",
        "dht-off",
        "no-dht-nodes",
        "search-waits",
        "searching",
        "nobody-announces",
        "metadata",
        "no-source",
        "choked",
        "snubbed",
        "running",
    ]
    sentence: str
    help: str | None


class Why(Document):
    """What holds torrents up, and what would help."""

    torrents: list[WhyTorrent]


class PeerStatus(TypedDict):
    """One connected peer."""

    address: str
    client: Annotated[str, "as it calls itself"]
    source: Literal["manual", "magnet", "dht", "lsd", "incoming", "pex"]
    flags: Annotated[str, "letters; torrentctl peers --help"]
    progress: float
    download_rate_bytes_per_s: int
    upload_rate_bytes_per_s: int
    downloaded_bytes: int
    uploaded_bytes: int
    requests_out: int
    requests_in: int


class Peers(Document, Named):
    """The peers that one torrent is connected to."""

    peers: list[PeerStatus]


class FileStatus(TypedDict):
    """One file of a torrent."""

    index: Annotated[int, "in the torrent, padding counted (BEP 53)"]
    path: Annotated[str, "below download_dir"]
    size_bytes: int
    done_bytes: int
    wanted: bool
    priority: Literal["high", "normal", "low"]


class Files(Document, Named):
    """The files of one torrent; none before the metadata is known."""

    sequential: bool
    files: list[FileStatus]


class Pieces(Document, Named):
    """The pieces of one torrent. A bit is a piece, the high bit of a digit the first (BEP 3)."""

    piece_count: int
    piece_length_bytes: int
    have: Annotated[str, "a bitfield in hex digits; empty before the metadata is known"]
    here: Annotated[str, "likewise, what connected peers have"]


Base64Parts = Annotated[list[str], "base64, to be joined: the bytes of the torrent file"]


class Export(Document, Named):
    """One torrent as a magnet, and as a torrent file where that was wanted."""

    magnet: str
    metainfo: NotRequired[Base64Parts]


class Resolve(Document, Named):
    """What a magnet stands for, which nobody added."""

    size_bytes: int
    file_count: int
    metainfo: NotRequired[Annotated[Base64Parts, "always in the daemon's answer"]]


class Touched(Document):
    """The torrents that were meant."""

    torrents: list[Named]


class RemovedTorrent(Named):
    """One torrent that is gone."""

    trashed: NotRequired[
        Annotated[list[str], "where its files are now, if in the trash; not with --dry-run"]
    ]


class Remove(Document):
    """The torrents that are gone."""

    torrents: list[RemovedTorrent]


class AddResult(Named):
    """One torrent after an add."""

    added: Annotated[bool, "false: it was there already"]


class AdoptedFile(TypedDict):
    """One file that was here already."""

    index: int
    name: str
    source: str
    size_bytes: int
    how: Annotated[
        Literal["in place", "there", "reflink", "hard link", "copy", "found"],
        "found: it would be linked, but for --dry-run",
    ]
    problem: Annotated[str | None, "why it could not be linked, and will be downloaded"]


class AdoptedTorrent(Named):
    """What was found of a torrent's data; it is to be added into `download_dir`."""

    download_dir: str
    in_place: bool
    size_bytes: int
    found_bytes: int
    file_count: int
    files: list[AdoptedFile]


class Adopt(Document, AdoptedTorrent):
    """What was found of a torrent's data."""


class Add(Document):
    """What was added; `adopted` is there with --from."""

    torrents: list[AddResult]
    adopted: NotRequired[list[AdoptedTorrent]]


class AddPeer(Document, Named):
    """The peer that is tried."""

    address: str


class Wait(Document):
    """`reached`: all are there; false when the time was over first."""

    reached: bool
    torrents: list[TorrentStatus]


class LabelledTorrent(Named):
    """One torrent and its labels."""

    labels: list[str]


class Label(Document):
    """The labels of torrents, as they are then."""

    torrents: list[LabelledTorrent]


class PlacedTorrent(Named):
    """Where one torrent is; `moving`: it is on its way there."""

    download_dir: str
    moving: bool


class Places(Document):
    """Where torrents are, or go to."""

    torrents: list[PlacedTorrent]


class QueuedTorrent(Named):
    """One torrent in the order of all."""

    place: Annotated[int, "the first is 1"]
    state: State
    forced: Annotated[bool, "it runs whatever its place"]


class Queue(Document):
    """The whole order, as it is then."""

    torrents: list[QueuedTorrent]


class LimitsOfAll(TypedDict):
    """How fast data may flow, of all torrents together."""

    download_bytes_per_s_max: RateLimit
    upload_bytes_per_s_max: RateLimit
    alternative_download_bytes_per_s_max: RateLimit
    alternative_upload_bytes_per_s_max: RateLimit
    alternative: Literal["on", "off", "auto"]
    alternative_holds: Annotated[bool, "the alternative limits are in force"]
    by_hand: Annotated[list[str], "keys of the configuration that were changed by hand"]


class LimitedTorrent(Named):
    """The limits of one torrent's own, and its own rules for seeding."""

    download_bytes_per_s_max: RateLimit
    upload_bytes_per_s_max: RateLimit
    rules: Annotated[list[str] | None, "null: those of the configuration"]
    super_seeding: Annotated[bool, "once it has everything (BEP 16)"]


class Limits(Document):
    """How fast data may flow; `torrents` are those that were named, or that have limits."""

    all: LimitsOfAll
    torrents: list[LimitedTorrent]
