"""What is kept between runs (BEP 5: "the routing table should be saved"): ids and good contacts,
those of the table and those that searches begin with.

Two bencoded dictionaries: the outer holds the inner as a string, with its BLAKE2b. Ages are
durations, so that a wrong clock cannot matter. A file that is hostile, torn or of another version
raises ProtocolError, and the node starts as if there were none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from torrentd.dht.contact import GOOD_S, Contact, decode_nodes
from torrentd.dht.network import Network
from torrentd.dht.node_id import NodeId
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import (
    Bencoded,
    Limits,
    decode_dict,
    encode,
    get_bytes,
    get_dict,
    get_int,
    get_list,
)
from torrentd.wire.formats.errors import ProtocolError

VERSION: Final = 1
NODES_MAX: Final = 1000  # of a family: those of the table, and as many of those beside it
LIMITS: Final = Limits(size_bytes_max=256 * 1024, depth_max=6, tokens_max=8000)
AGE_S_MAX: Final = 10**9
RTT_MS_MAX: Final = 5000
_SIZES: Final[dict[Family, int]] = {"ipv4": 26, "ipv6": 38}
_CHECK_BYTES: Final = 32


@dataclass(slots=True)
class SavedNode:
    """`age_s`: how long before the save it had answered us last; `rtt_s`: and how soon."""

    node_id: NodeId
    address: Address
    age_s: int
    rtt_s: float | None = None


@dataclass(slots=True)
class SavedNetwork:
    node_id: NodeId
    nodes: list[SavedNode]


def encode_snapshot(networks: dict[Family, Network], now: float) -> bytes:
    saved: dict[bytes, Bencoded] = {
        family.encode(): _encode_network(network, now) for family, network in networks.items()
    }
    body = encode({b"networks": saved, b"version": VERSION})
    return encode({b"body": body, b"check": _check(body)})


def decode_snapshot(data: bytes) -> dict[Family, SavedNetwork]:
    outer = decode_dict(data, LIMITS)
    body = get_bytes(outer, b"body") or b""
    if get_bytes(outer, b"check") != _check(body):
        raise ProtocolError("the saved nodes do not match their checksum")
    inner = decode_dict(body, LIMITS)
    networks = get_dict(inner, b"networks")
    if get_int(inner, b"version", VERSION, VERSION) is None or networks is None:
        raise ProtocolError("saved nodes of another version")
    return {
        family: _decode_network(saved, size)
        for family, size in _SIZES.items()
        if (saved := get_dict(networks, family.encode())) is not None
    }


def restore_networks(
    networks: dict[Family, Network], data: bytes, may_ask: Callable[[Address], bool], now: float
) -> None:
    """Saved nodes are questionable until they answer again. Damaged `data` counts as none."""
    try:
        saved = decode_snapshot(data)
    except ProtocolError:
        return
    for family, kept in saved.items():
        network = networks.get(family)
        if network is None:
            continue
        network.take_id(kept.node_id, now)
        for node in kept.nodes:
            if may_ask(node.address):
                contact = Contact(node.node_id, node.address)
                contact.last_replied_at = now - GOOD_S - node.age_s
                contact.rtt_s = node.rtt_s
                network.table.restore(contact, now)
                if node.rtt_s is not None:
                    network.near_nodes.heard(
                        node.node_id, node.address, node.rtt_s, now - node.age_s
                    )


def _encode_network(network: Network, now: float) -> Bencoded:
    def age_s(heard_at: float) -> int:
        return max(0, min(int(now - heard_at), AGE_S_MAX))

    known = [
        SavedNode(c.id, c.address, age_s(c.last_replied_at), c.rtt_s)
        for c in network.table
        if c.last_replied_at is not None and not c.failures
    ]
    met = dict.fromkeys(node.address for node in known)
    beside = [
        SavedNode(n.node_id, n.address, age_s(n.heard_at), n.rtt_s)
        for n in network.near_nodes
        if n.address not in met
    ]
    saved = (sorted(known, key=_by_age) + sorted(beside, key=_by_age))[:NODES_MAX]
    return {
        b"ages": [node.age_s for node in saved],
        b"id": network.own_id,
        b"nodes": b"".join([node.node_id + pack_address(node.address) for node in saved]),
        b"rtts": [_rtt_ms(node) for node in saved],
    }


def _by_age(node: SavedNode) -> tuple[int, NodeId]:
    return node.age_s, node.node_id


def _rtt_ms(node: SavedNode) -> int:
    return 0 if node.rtt_s is None else max(1, round(node.rtt_s * 1000))


def _decode_network(saved: dict[bytes, Bencoded], size: int) -> SavedNetwork:
    nodes = decode_nodes(get_bytes(saved, b"nodes") or b"", size, NODES_MAX)
    ages = get_list(saved, b"ages") or []
    if len(ages) < len(nodes):
        raise ProtocolError("saved nodes without their ages")
    rtts = [rtt if isinstance(rtt, int) else 0 for rtt in get_list(saved, b"rtts") or []]
    rtts += [0] * (len(nodes) - len(rtts))  # saved by an earlier version
    return SavedNetwork(
        NodeId(get_bytes(saved, b"id") or b""),
        [
            SavedNode(
                node_id,
                address,
                age if isinstance(age, int) and age >= 0 else AGE_S_MAX,
                rtt_ms / 1000 if 0 < rtt_ms <= RTT_MS_MAX else None,
            )
            for (node_id, address), age, rtt_ms in zip(nodes, ages, rtts, strict=False)
        ],
    )


def _check(body: bytes) -> bytes:
    return blake2b(body, digest_size=_CHECK_BYTES).digest()
