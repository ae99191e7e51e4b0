"""The documents of the DHT: what it is asked, finds and keeps.

See status_documents.py for how they are written.
"""

from typing import Annotated, Literal, NotRequired, TypedDict, final

from torrentd.daemon.client.status_documents import DhtStatus, Document, Infohash

Family = Literal["ipv4", "ipv6"]
Target = Annotated[str, "40 hex digits"]
Key = Annotated[str, "64 hex digits, the owner's public key"]
Salt = Annotated[str, "hex digits; empty: none"]


class SearchStats(TypedDict):
    """One search as it is now."""

    infohash: str
    waiting: Annotated[bool, "until there is room for it, or a node to ask"]
    queries: int
    responses: int
    peers: int
    method: Annotated[str, "what it asks of the nodes"]


class DhtStatusAnswer(Document, DhtStatus):
    """How the node is, and its searches."""

    searches: list[SearchStats]


class NodeStats(TypedDict):
    """One contact of a routing table."""

    family: Family
    node_id: str
    address: str
    state: Literal["good", "questionable", "bad"]
    rtt_s: float | None
    replied_age_s: float | None
    fits_host: Annotated[bool, "its id follows from its address (BEP 42)"]
    listens_at: Annotated[str | None, "where that node of ours is which knows it (BEP 45)"]


class DhtNodes(Document):
    """The nodes of the routing tables."""

    nodes: list[NodeStats]


@final
class Hop(TypedDict):
    """One node that a lookup asked, and what it gave."""

    at_s: Annotated[float, "since the lookup began"]
    depth: Annotated[int, "the nodes that led to this one"]
    family: Family
    node_id: str | None
    address: str
    distance_bits: Annotated[int | None, "of its id to the infohash"]
    outcome: Literal["answered", "silent", "error", "wrong id"]
    rtt_s: float
    nodes: int
    peers_given: int
    peers: Annotated[list[str], "those that nobody gave before"]


@final
class MissedHops(TypedDict):
    """Hops that were not told, since they were not read in time."""

    missed: int


class DhtLookup(Document):
    """The peers of an infohash."""

    infohash: Infohash
    complete: Annotated[bool, "false: it was given up"]
    took_s: float
    first_peer_s: float | None
    queries: int | None
    responses: int | None
    peers: list[str]
    hops: NotRequired[Annotated[list[Hop], "not in the last line of --jsonl"]]


class DhtScrape(Document):
    """About how many are in a swarm (BEP 33)."""

    infohash: Infohash
    complete: bool
    seeds: int | None
    peers: Annotated[int | None, "the others"]
    nodes: Annotated[int, "that told"]


class DhtGet(Document):
    """The newest item of a name (BEP 44)."""

    target: Target
    found: bool
    value: NotRequired[Annotated[object, "text where it is text, else its hex digits"]]
    bencoded: NotRequired[Annotated[str, "hex digits"]]
    key: NotRequired[Key]
    salt: NotRequired[Salt]
    seq: NotRequired[int]
    copies: int
    nodes: Annotated[int, "that were asked and answered"]


class DhtPut(Document):
    """Where an item is now."""

    target: Target
    stored: Annotated[int, "nodes that keep it"]
    refusals: Annotated[list[int], "of other nodes: codes of errors (BEP 44), 0 for no answer"]


class DhtSample(Document):
    """Infohashes that nodes know of (BEP 51)."""

    target: Target
    infohashes: list[Infohash]
    nodes: int
    infohashes_stored: Annotated[int, "as the nodes say, of which these are a sample"]


class DhtPing(Document):
    """Whether one node is there."""

    address: str
    answered: bool
    rtt_s: float | None
    node_id: str | None
    sees_us_as: str | None


class DhtAddNode(DhtPing):
    """And whether it is in the routing table now."""

    kept: bool


class Pointer(TypedDict):
    """A mutable torrent (BEP 46)."""

    magnet: str
    key: Key
    salt: Salt
    followed: Annotated[bool, "false: published"]
    seq: Annotated[int | None, "null: nobody has it yet"]
    infohash: Infohash | None


class Pointers(Document):
    """The mutable torrents that were meant."""

    pointers: list[Pointer]


class Publish(Document):
    """A new version of a mutable torrent."""

    magnet: str
    infohash: Infohash
    seq: int
    stored: Annotated[int, "nodes that keep it"]
