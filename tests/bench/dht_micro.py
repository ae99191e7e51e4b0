"""The DHT's parts, one by one, beside what could do the same: microseconds and ratios.

    python -m tests.bench.dht_micro

Two thousand nodes answer; their ids share from no bit to all with ours, so that a table of buckets
of eight keeps most of them. The closest eight are looked for by us, by a sort of all that are kept,
and by kademlia's own walk over its own table of the same nodes (which is not exact); a message is
decoded by us, by bencode.py as it is (no limits, and no check of what is in it), and by nobody: the
fast answer recognises a query without decoding it. On a shared machine only the ratios mean
something.
"""

import random
import statistics
import time
from collections.abc import Callable

import bencodepy
from kademlia.node import Node
from kademlia.routing import KBucket
from kademlia.routing import RoutingTable as KademliaTable

from tests.bench.query_load import query
from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.contact import Contact
from torrentd.dht.fast_answers import _QUERY
from torrentd.dht.krpc import decode_message, encode_response
from torrentd.dht.node_id import NodeId, distance
from torrentd.dht.routing_table import RoutingTable
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bencode import Bencoded

NODES = 2000
TARGETS = 1000
ROUNDS = 7
NOW = 100.0


def near(own_id: bytes, bits: int, rng: random.Random) -> NodeId:
    """An id that shares `bits` bits with ours, and no more."""
    flipped = 1 << (159 - bits) | rng.getrandbits(159 - bits) if bits < 159 else 1
    return NodeId((int.from_bytes(own_id) ^ flipped).to_bytes(20))


def contacts(own_id: bytes, rng: random.Random) -> list[tuple[NodeId, Address]]:
    """Each in a network of its own."""
    return [
        (near(own_id, index % 160, rng), Address(f"20.{index >> 8}.{index & 255}.1", 6881))
        for index in range(NODES)
    ]


def filled(own_id: NodeId, nodes: list[tuple[NodeId, Address]]) -> RoutingTable:
    table = RoutingTable(own_id, AddressPolicy(allow_local=False), NOW)
    for node_id, address in nodes:
        table.replied(node_id, address, NOW, 0.1)
    return table


class Silent:
    """What kademlia's table wants of its protocol, without a network."""

    def call_ping(self, node: Node) -> None: ...


def kademlias(own_id: NodeId, nodes: list[tuple[NodeId, Address]]) -> KademliaTable:
    table = KademliaTable(Silent(), BUCKET_SIZE, Node(own_id))
    for node_id, address in nodes:
        put_into_kademlias(table, Node(node_id, address.host, address.port))
    return table


def put_into_kademlias(table: KademliaTable, node: Node) -> None:
    """Its `add_contact` without the ping that wants a loop."""
    while True:
        index = table.get_bucket_for(node)
        bucket: KBucket = table.buckets[index]
        if bucket.add_node(node) or not (bucket.has_in_range(table.node) or bucket.depth() % 5):
            return
        table.split_bucket(index)


def microseconds(work: Callable[[], None], count: int) -> float:
    """Of one of `count`, in the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began_at = time.perf_counter()
        work()
        rounds.append((time.perf_counter() - began_at) / count * 1e6)
    return statistics.median(rounds)


def line(what: str, who: str, us: float, ours_us: float) -> None:
    print(f"{what:22} {who:34} {us:9.2f} µs  {us / ours_us:7.2f} x")


def closest(table: RoutingTable, other: KademliaTable, rng: random.Random) -> None:
    """Ours walks to be exact; what other nodes are told is mostly known already."""
    targets = [rng.randbytes(20) for _ in range(TARGETS)]
    kept: list[Contact] = list(table)

    def by_us() -> None:
        for target in targets:
            table.closest_nodes(target, BUCKET_SIZE, NOW, good_only=False)

    def told() -> None:
        for target in targets:
            table.good_nodes.compact(target, NOW)

    def by_sort() -> None:
        for target in targets:
            sorted(kept, key=lambda node: distance(node.id, target))[:BUCKET_SIZE]

    def by_kademlia() -> None:
        for target in targets:
            other.find_neighbors(Node(target))

    ours_us = microseconds(by_us, TARGETS)
    line("closest 8", f"torrentd, {len(kept)} nodes", ours_us, ours_us)
    line("", "torrentd, as others are told them", microseconds(told, TARGETS), ours_us)
    line("", "a sort of all", microseconds(by_sort, TARGETS), ours_us)
    held = sum(len(bucket) for bucket in other.buckets)
    line("", f"kademlia, {held} nodes", microseconds(by_kademlia, TARGETS), ours_us)


def insertion(own_id: NodeId, nodes: list[tuple[NodeId, Address]]) -> None:
    ours_us = microseconds(lambda: ignored(filled(own_id, nodes)), NODES)
    line("insertion", "torrentd", ours_us, ours_us)
    line("", "kademlia", microseconds(lambda: ignored(kademlias(own_id, nodes)), NODES), ours_us)


def ignored(value: object) -> None:
    """What was made for the time that it took."""


def decoding(rng: random.Random) -> None:
    values: dict[bytes, Bencoded] = {
        b"id": rng.randbytes(20),
        b"nodes": b"".join(
            rng.randbytes(20) + bytes([20, index, 1, 1, 26, 225]) for index in range(8)
        ),
        b"token": b"12345678",
    }
    answer = encode_response(b"aa", values, Address("20.1.1.1", 6881))
    for name, data in (("get_peers", query(b"get_peers", 5)), ("answer of 8 nodes", answer)):

        def decoded(decode: Callable[[bytes], object], data: bytes = data) -> float:
            return microseconds(lambda: ignored([decode(data) for _ in range(TARGETS)]), TARGETS)

        ours_us = decoded(decode_message)
        line(f"decode {name}", "torrentd", ours_us, ours_us)
        line("", "bencode.py", decoded(bencodepy.decode), ours_us)
        if name == "get_peers":
            line("", "torrentd, by its shape", decoded(_QUERY.fullmatch), ours_us)


def main() -> None:
    rng = random.Random(1)
    own_id = NodeId(rng.randbytes(20))
    nodes = contacts(own_id, rng)
    print(f"{'':22} {'':34} {'one takes':>12}  x torrentd")
    closest(filled(own_id, nodes), kademlias(own_id, nodes), rng)
    insertion(own_id, nodes)
    decoding(rng)


if __name__ == "__main__":
    main()
