"""Contact: a node's id and address with what we saw of it, and compact node info (BEP 5, 32).

A `kademlia.node.Node`, whose constructor is not used: it takes ids of any length.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from kademlia.node import Node

from torrentd.dht.node_id import NodeId, id_fits_host
from torrentd.wire.formats.address import Address, network_key, pack_address, unpack_address
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import ID_BYTES

GOOD_S: Final = 15 * 60.0  # BEP 5: "within the last 15 minutes"
FAILURES_BAD: Final = 2  # BEP 5: bad when they "fail to respond to multiple queries in a row"
COMPACT_IPV4_BYTES: Final = ID_BYTES + 6
COMPACT_IPV6_BYTES: Final = ID_BYTES + 18


class NodeState(Enum):
    GOOD = "good"
    QUESTIONABLE = "questionable"
    BAD = "bad"


class Contact(Node):  # type: ignore[misc]  # kademlia is untyped
    """`last_replied_at` and `last_queried_at` are when it answered us, and asked us, last."""

    __slots__ = (
        "address",
        "compact",
        "failures",
        "fits_host",
        "id",
        "ip",
        "last_queried_at",
        "last_replied_at",
        "long_id",
        "network",
        "port",
        "rtt_s",
        "vouched",
    )
    id: NodeId
    ip: str
    port: int
    long_id: int

    def __init__(self, node_id: NodeId, address: Address) -> None:
        self.id = node_id
        self.ip, self.port = address
        self.long_id = int.from_bytes(node_id, "big")
        self.address: Final = address
        self.compact: Final[bytes] = node_id + pack_address(address)
        self.network: Final = network_key(address.host)
        self.fits_host: Final = id_fits_host(node_id, address.host)  # BEP 42
        self.last_replied_at: float | None = None
        self.last_queried_at: float | None = None
        self.failures = 0  # queries in a row that it left unanswered
        self.rtt_s: float | None = None
        self.vouched = False  # it was found by a lookup of ours, and answered since (Vouching)

    @property
    def heard_at(self) -> float:
        """When it last answered or asked us: what its being good is reckoned from. Only for one
        that has answered."""
        assert self.last_replied_at is not None
        return max(self.last_replied_at, self.last_queried_at or self.last_replied_at)

    def state(self, now: float) -> NodeState:
        """BEP 5: good is who "has responded to one of our queries within the last 15 minutes", or
        "has ever responded" and "sent us a query within the last 15 minutes"."""
        if self.failures >= FAILURES_BAD:
            return NodeState.BAD
        if self.failures == 0 and self.last_replied_at is not None and now - self.heard_at < GOOD_S:
            return NodeState.GOOD
        return NodeState.QUESTIONABLE

    def replied(self, now: float, rtt_s: float | None) -> None:
        self.last_replied_at = now
        self.failures = 0
        if rtt_s is not None:
            self.rtt_s = rtt_s if self.rtt_s is None else 0.7 * self.rtt_s + 0.3 * rtt_s


def encode_nodes(contacts: Iterable[Contact]) -> bytes:
    """`<20-byte id><4- or 16-byte address><2-byte port>` a node, without a gap."""
    return b"".join([contact.compact for contact in contacts])


def decode_nodes(data: bytes, size: int, count_max: int) -> list[tuple[NodeId, Address]]:
    """The first `count_max` nodes of `data`, whose length is a multiple of `size` (26 or 38)."""
    if len(data) % size:
        raise ProtocolError(f"compact node info of {len(data)} bytes, not a multiple of {size}")
    end = min(len(data), count_max * size)
    return [
        (
            NodeId(data[at : at + ID_BYTES]),
            unpack_address(data[at + ID_BYTES : at + size]),
        )
        for at in range(0, end, size)
    ]
