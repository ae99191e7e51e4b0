"""What the DHT node asks and tells (BEP 5): every input of DhtNode returns a list of these."""

from dataclasses import dataclass, field
from typing import Literal

from torrentd.dht.items import Item
from torrentd.dht.node_id import NodeId
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash

Outcome = Literal["answered", "silent", "error", "wrong id"]


@dataclass(slots=True)
class SendDatagram:
    """Send `data` to `address`, from the socket of its address family."""

    data: bytes
    address: Address


@dataclass(slots=True)
class PeersFound:
    """New peers of `infohash`, told the moment a reply brought them; each once a search."""

    infohash: InfoHash
    peers: list[Address]


@dataclass(slots=True)
class SearchEnded:
    """The search is over: so many queries, answers, peers in all, and announces sent. `closest` are
    the nodes that a further search for it may begin with."""

    infohash: InfoHash
    queries: int
    responses: int
    peers: int
    announced: int
    closest: list[tuple[NodeId, Address]] = field(default_factory=list, compare=False)


@dataclass(slots=True)
class ScrapeEnded:
    """BEP 33: the infohash has about so many seeds and other peers, as counted by so many nodes."""

    target: InfoHash
    seeds: int
    peers: int
    nodes: int


@dataclass(slots=True)
class HopEnded:
    """One query of a Trace: to whom, the bits of its distance to the infohash, through how many
    nodes we came to it, and what it gave. Seeds have no id before they answer."""

    infohash: InfoHash
    address: Address
    family: Family
    node_id: NodeId | None
    distance_bits: int | None
    depth: int
    outcome: Outcome
    rtt_s: float
    nodes: int
    peers: list[Address]


@dataclass(slots=True)
class TraceEnded:
    infohash: InfoHash
    queries: int
    responses: int


@dataclass(slots=True)
class ItemEnded:
    """BEP 44: the item under this name, verified, which so many of the nodes asked have; None when
    none of them told a good one."""

    target: bytes
    item: Item | None
    copies: int
    nodes: int


@dataclass(slots=True)
class PutEnded:
    """BEP 44: so many nodes took the item; the others refused it by an error of this code, or 0 for
    silence. `copies` nodes had it before; `found` is another item that was under its name."""

    item: Item
    stored: int
    refusals: list[int]
    copies: int
    found: Item | None


@dataclass(slots=True)
class SampleEnded:
    """BEP 51: the infohashes that so many nodes named, of so many that they say they store."""

    target: bytes
    infohashes: list[InfoHash]
    nodes: int
    stored: int


@dataclass(slots=True)
class PingEnded:
    """What came of `DhtNode.ping`: who answered, after how long, and as whom it sees us (BEP 42).
    An error is an answer without an id; without `rtt_s`, nobody answered in time."""

    address: Address
    rtt_s: float | None = None
    node_id: NodeId | None = None
    external: Address | None = None


@dataclass(slots=True)
class BootstrapWanted:
    """Too few nodes are known: resolve the bootstrap hosts and call `DhtNode.bootstrap`. Repeated
    with back-off for ever while it stays so."""


@dataclass(slots=True)
class RejoinBegan:
    """Nobody of this family answered since `silent_since`, or (None) too few good nodes are left:
    open its sockets again. Repeated with back-off while it stays so."""

    family: Family
    silent_since: float | None


@dataclass(slots=True)
class SilenceEnded:
    """Nodes of this family answer again, or for the first time; nobody had since then."""

    family: Family
    since: float


@dataclass(slots=True)
class ExternalAddressChanged:
    """Nodes of different networks agree that this is our address (BEP 42); the id follows it."""

    host: str


Output = (
    SendDatagram
    | PeersFound
    | SearchEnded
    | ScrapeEnded
    | HopEnded
    | TraceEnded
    | ItemEnded
    | PutEnded
    | SampleEnded
    | PingEnded
    | BootstrapWanted
    | RejoinBegan
    | SilenceEnded
    | ExternalAddressChanged
)
