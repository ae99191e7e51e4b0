"""What the session tells about itself. Field names are those of the JSON documents (README)."""

import operator
from dataclasses import astuple, dataclass, field
from typing import Literal

from torrentd.wire.store.options import DEFAULTS, TorrentOptions

TorrentState = Literal[
    "metadata", "checking", "downloading", "seeding", "moving", "queued", "paused", "error"
]
# The stage of a torrent that still has no metadata, in the order in which a magnet passes them.
MagnetStage = Literal["dht", "peers", "handshakes", "metadata"]
# What becomes of the files of a torrent that is removed.
DataFate = Literal["stays", "deleted", "trashed"]


class Refused(Exception):
    """The daemon says no: one sentence for the user, with what would be right."""


@dataclass(slots=True)
class TorrentStatus:
    infohash: str
    name: str
    state: TorrentState
    stage: MagnetStage | None  # only while state is "metadata"
    progress: float  # 0 to 1, of what is wanted
    size_bytes: int  # of what is wanted; 0 while unknown
    done_bytes: int
    download_rate_bytes_per_s: int
    upload_rate_bytes_per_s: int
    downloaded_bytes: int  # payload from peers, over all runs
    uploaded_bytes: int
    wasted_bytes: int  # failed the hash, or nobody had asked for
    peers_connected: int
    peers_known: int
    seeds_connected: int
    eta_s: int | None
    error: str | None
    download_dir: str
    added_at: int  # seconds since 1970
    # What each stage took, the present one so far; {} for what was no magnet in this run.
    stages_s: dict[MagnetStage, float] = field(default_factory=dict)
    swarm_seeds: int | None = None  # about, as the DHT counts them (BEP 33); None: not known
    swarm_peers: int | None = None  # the others
    labels: list[str] = field(default_factory=list)
    forced: bool = False  # it runs whatever the queue says
    pause_reason: str = ""  # the seeding rule that paused it; "": the user
    paused_at: int = 0  # seconds since 1970; 0: it is not paused, or that is not known


@dataclass(slots=True)
class DhtFamilyStatus:
    family: Literal["ipv4", "ipv6"]
    node_id: str
    external_address: str | None
    nodes_good: int
    nodes_questionable: int
    nodes_bad: int
    buckets: int
    votes: dict[str, list[str]]  # by the address that they say is ours: who said so (BEP 42)
    health: Literal["joining", "online", "silent"] = "joining"
    rejoins: int = 0  # begun because nobody answered, or too few good nodes were left
    listens_at: str | None = None  # the address of this node of ours (BEP 45); None: none just now


@dataclass(slots=True)
class DhtStatus:
    """Counters are since the start; of the nodes at all listening addresses together."""

    enabled: bool
    nodes_good: int = 0
    nodes_questionable: int = 0
    nodes_bad: int = 0
    searches_running: int = 0
    peers_stored: int = 0  # announced to us by others
    items_stored: int = 0  # put here by others (BEP 44)
    queries_sent: int = 0
    replies_received: int = 0
    timeouts: int = 0
    queries_received: int = 0
    replies_sent: int = 0
    answered_per_s: float = 0.0  # of late
    last_reply_age_s: float | None = None  # since somebody answered us; None: nobody ever has
    datagrams_received: int = 0
    datagrams_sent: int = 0
    datagrams_dropped: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    families: list[DhtFamilyStatus] = field(default_factory=list)
    further: list[DhtFamilyStatus] = field(default_factory=list)  # nodes of other addresses


@dataclass(slots=True)
class BlocksStatus:
    """Whom we have nothing to do with: the blocklist, and bans by hand."""

    path: str | None  # of the list
    ranges: int
    bad_lines: int
    first_bad_line: int | None
    banned: int
    refused: int  # contacts, in and out, peers and nodes


@dataclass(frozen=True, slots=True, order=True)
class Moved:
    """What went over the network, without the headers of TCP, UDP and IP: payload of torrents, what
    else peers say to each other, and the DHT."""

    downloaded_bytes: int = 0
    uploaded_bytes: int = 0
    protocol_received_bytes: int = 0
    protocol_sent_bytes: int = 0
    dht_received_bytes: int = 0
    dht_sent_bytes: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(*map(operator.add, astuple(self), astuple(other)))


@dataclass(slots=True)
class DaemonStatus:
    version: str
    uptime_s: int
    pid: int
    listen_addresses: list[str]
    state_dir: str
    download_dir: str
    download_rate_bytes_per_s: int
    upload_rate_bytes_per_s: int
    peers_connected: int
    moved: Moved  # in this run
    dht: DhtStatus
    blocks: BlocksStatus
    warnings: list[str]  # what is wrong and heals by itself: "disk full on /srv", "no network"


@dataclass(slots=True)
class PeerStatus:
    address: str
    client: str  # sanitised; from BEP 10 `v`, else from the peer id (BEP 20)
    source: str  # dht, pex, incoming, magnet, manual
    flags: str  # see torrentctl peers --help
    progress: float
    download_rate_bytes_per_s: int
    upload_rate_bytes_per_s: int
    downloaded_bytes: int
    uploaded_bytes: int
    requests_out: int
    requests_in: int


@dataclass(slots=True)
class FileStatus:
    index: int
    path: str  # below download_dir, safe names
    size_bytes: int
    done_bytes: int
    wanted: bool
    priority: Literal["high", "normal", "low"] = "normal"


@dataclass(slots=True)
class TorrentInfo:
    status: TorrentStatus
    magnet: str
    piece_length_bytes: int
    piece_count: int
    pieces_had: int
    file_count: int
    hash_failures: int
    peers_banned: int
    files_root: str
    sequential: bool = False
    download_bytes_per_s_max: int = 0  # of its own; 0: none
    upload_bytes_per_s_max: int = 0
    rules: list[str] | None = None  # for seeding, of its own; None: those of the configuration
    super_seeding: bool = False  # once it has everything (BEP 16)


@dataclass(slots=True)
class PiecesStatus:
    """Bitfields as BEP 3 has them, in hex; empty before the metadata is known."""

    piece_count: int
    piece_length_bytes: int
    have: str
    here: str  # what connected peers have


@dataclass(slots=True)
class AddRequest:
    """One of magnet (uri or bare infohash) or metainfo (the bytes of a .torrent file)."""

    magnet: str | None = None
    metainfo: bytes | None = None
    download_dir: str | None = None
    paused: bool = False
    select: list[str] = field(default_factory=list)  # numbers, patterns; none: all, or `so`
    peers: list[str] = field(default_factory=list)
    options: TorrentOptions = DEFAULTS


@dataclass(slots=True)
class AddResult:
    infohash: str
    name: str
    added: bool  # False: it was there already
