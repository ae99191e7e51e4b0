"""The document of `status`, and what others have in common with it.

These types are the source of the JSON Schemas (schemas.py). A key is always there, unless it is
NotRequired; where nothing is known its value is null. `Annotated` says what the name does not.
"""

from typing import Annotated, Literal, TypedDict

State = Literal[
    "metadata", "checking", "downloading", "seeding", "moving", "queued", "paused", "error"
]
MagnetStage = Literal["dht", "peers", "handshakes", "metadata"]
Infohash = Annotated[str, "40 hex digits"]
UnixTime = Annotated[int, "seconds since 1970"]
RateLimit = Annotated[int, "0: none"]


class Document(TypedDict):
    """What every answer has."""

    schema: Annotated[Literal[1], "of the documents; it grows when a field goes or means another"]


class Named(TypedDict):
    """Which torrent."""

    infohash: Infohash
    name: Annotated[str, "as strangers chose it; the infohash while nothing else is known"]


class TorrentStatus(Named):
    """What one torrent is doing."""

    state: State
    stage: Annotated[MagnetStage | None, "what a magnet waits for; only while it is metadata"]
    progress: Annotated[float, "0 to 1, of what is wanted"]
    size_bytes: Annotated[int, "of what is wanted; 0 while unknown"]
    done_bytes: int
    download_rate_bytes_per_s: int
    upload_rate_bytes_per_s: int
    downloaded_bytes: Annotated[int, "payload from peers, over all runs"]
    uploaded_bytes: int
    wasted_bytes: Annotated[int, "failed the hash, or nobody had asked for"]
    peers_connected: int
    peers_known: int
    seeds_connected: int
    eta_s: int | None
    error: str | None
    download_dir: str
    added_at: UnixTime
    stages_s: Annotated[
        dict[MagnetStage, float], "what each stage of a magnet took, the present one so far"
    ]
    swarm_seeds: Annotated[int | None, "about, as the DHT counts them (BEP 33)"]
    swarm_peers: Annotated[int | None, "the others"]
    labels: list[str]
    forced: Annotated[bool, "it runs whatever the queue says"]
    pause_reason: Annotated[str, "the seeding rule that paused it; empty: the user"]
    paused_at: Annotated[int, "seconds since 1970; 0: it is not paused, or that is not known"]


class DhtFamilyStatus(TypedDict):
    """The node in one of the two DHTs (BEP 32)."""

    family: Literal["ipv4", "ipv6"]
    node_id: str
    external_address: Annotated[str | None, "ours, as nodes of different networks say (BEP 42)"]
    nodes_good: int
    nodes_questionable: int
    nodes_bad: int
    buckets: int
    votes: Annotated[dict[str, list[str]], "who said so, by the address that they say is ours"]
    health: Literal["joining", "online", "silent"]
    rejoins: Annotated[int, "begun because nobody answered, or too few good nodes were left"]
    listens_at: Annotated[str | None, "where this node of ours is (BEP 45); null: nowhere now"]


class DhtStatus(TypedDict):
    """The DHT node. Counters are since the start, of the nodes at all listening addresses."""

    enabled: bool
    nodes_good: int
    nodes_questionable: int
    nodes_bad: int
    searches_running: int
    peers_stored: Annotated[int, "announced to us by others"]
    items_stored: Annotated[int, "put here by others (BEP 44)"]
    queries_sent: int
    replies_received: int
    timeouts: int
    queries_received: int
    replies_sent: int
    answered_per_s: Annotated[float, "of late"]
    last_reply_age_s: Annotated[float | None, "null: nobody has ever answered"]
    datagrams_received: int
    datagrams_sent: int
    datagrams_dropped: int
    bytes_received: int
    bytes_sent: int
    families: list[DhtFamilyStatus]
    further: Annotated[list[DhtFamilyStatus], "nodes at other addresses than the first"]


class BlocksStatus(TypedDict):
    """Whom the daemon has nothing to do with: the blocklist, and bans by hand."""

    path: Annotated[str | None, "of the list"]
    ranges: int
    bad_lines: int
    first_bad_line: int | None
    banned: int
    refused: Annotated[int, "contacts, in and out, peers and nodes"]


class Moved(TypedDict):
    """What went over the network, without the headers of TCP, UDP and IP."""

    downloaded_bytes: Annotated[int, "payload of torrents"]
    uploaded_bytes: int
    protocol_received_bytes: Annotated[int, "what else peers say to each other"]
    protocol_sent_bytes: int
    dht_received_bytes: int
    dht_sent_bytes: int


class DaemonStatus(TypedDict):
    """The daemon as a whole."""

    version: str
    uptime_s: int
    pid: int
    listen_addresses: list[str]
    state_dir: str
    download_dir: str
    download_rate_bytes_per_s: int
    upload_rate_bytes_per_s: int
    peers_connected: int
    moved: Annotated[Moved, "in this run"]
    dht: DhtStatus
    blocks: BlocksStatus
    warnings: Annotated[list[str], "what is wrong and heals by itself"]


class Status(Document):
    """What the daemon and its torrents are doing."""

    daemon: DaemonStatus
    torrents: list[TorrentStatus]
