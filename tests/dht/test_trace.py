"""A lookup that tells of each node on its way (BEP 5)."""

from tests.dht.makers import (
    INFOHASH,
    NOW,
    address,
    befriend,
    dht_node,
    friends,
    node_id,
    queries,
    response,
    sent,
)
from torrentd.dht.contact import Contact, encode_nodes
from torrentd.dht.krpc import Query, encode_error
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId, distance
from torrentd.dht.outputs import HopEnded, Output, PeersFound, SearchEnded, TraceEnded
from torrentd.dht.searches import ACTIVE_MAX
from torrentd.dht.trace import Trace
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.ids import InfoHash

NEAR, FAR, NEARER = node_id(1), node_id(1 << 150), NodeId(INFOHASH[:10] + b"x" * 10)


def hops(outputs: list[Output]) -> list[HopEnded]:
    return [output for output in outputs if isinstance(output, HopEnded)]


def begun(node: DhtNode) -> list[tuple[Query, Address]]:
    """The first queries of a trace."""
    asked = queries(node.search(Trace(INFOHASH), NOW))
    assert all(query.method == b"get_peers" for query, _ in asked)
    return [(query, to) for query, to in asked]


def test_each_answer_is_a_hop_with_its_distance_round_trip_and_gifts() -> None:
    node = dht_node()
    befriend(node, {address(1): FAR})
    [(asked, to)] = begun(node)
    named = encode_nodes([Contact(NEARER, address(2))])
    out = node.receive_datagram(response(asked, {b"id": FAR, b"nodes": named}), to, NOW + 0.25)
    [hop] = hops(out)
    assert hop == HopEnded(
        INFOHASH, address(1), "ipv4", FAR, distance(FAR, INFOHASH).bit_length(),
        depth=1, outcome="answered", rtt_s=0.25, nodes=1, peers=[],
    )  # fmt: skip
    [(asked, to)] = [(q, to) for q, to in queries(out) if q.method == b"get_peers"]
    assert to == address(2)
    peer = Address("9.9.9.9", 51413)
    values: dict[bytes, Bencoded] = {b"id": NEARER, b"values": [pack_address(peer)], b"token": b"t"}
    out = node.receive_datagram(response(asked, values), to, NOW + 0.5)
    [hop] = hops(out)
    assert (hop.depth, hop.peers, hop.nodes, hop.distance_bits) == (2, [peer], 0, 76)
    assert TraceEnded(INFOHASH, queries=2, responses=2) in out


def test_it_announces_nothing_and_is_no_search_for_peers() -> None:
    node = dht_node()
    befriend(node, {address(1): FAR})
    [(asked, to)] = begun(node)
    peer = pack_address(Address("9.9.9.9", 51413))
    values: dict[bytes, Bencoded] = {b"id": FAR, b"values": [peer], b"token": b"t"}
    out = node.receive_datagram(response(asked, values), to, NOW + 0.25)
    assert any(isinstance(output, TraceEnded) for output in out)
    assert not any(isinstance(output, PeersFound | SearchEnded) for output in out)
    assert not any(query.method == b"announce_peer" for query, _ in queries(out))


def test_a_torrents_own_search_of_the_same_infohash_goes_on_beside_it() -> None:
    node = dht_node()
    befriend(node, {address(1): FAR})
    assert len(sent(node.get_peers(INFOHASH, NOW, 6881))) == 1
    [(asked, to)] = begun(node)
    assert len(node.search_stats()) == 2
    out = node.receive_datagram(response(asked, {b"id": FAR, b"token": b"t"}), to, NOW + 0.1)
    assert any(isinstance(output, TraceEnded) for output in out)
    assert [search.infohash for search in node.search_stats()] == [INFOHASH.hex()]


def test_silence_an_error_and_a_stranger_are_hops_too() -> None:
    node = dht_node()
    befriend(node, {address(1): NEAR, address(2): FAR, address(3): NEARER})
    asked = {to: query for query, to in begun(node)}
    refusal = encode_error(asked[address(1)].transaction_id, 202, "no")
    out = node.receive_datagram(refusal, address(1), NOW + 0.1)
    stranger = response(asked[address(2)], {b"id": node_id(99)})
    out += node.receive_datagram(stranger, address(2), NOW + 0.2)
    out += node.tick(NOW + 5.0)
    told = {hop.address: hop for hop in hops(out)}
    assert [told[address(n)].outcome for n in (1, 2, 3)] == ["error", "wrong id", "silent"]
    assert told[address(3)].rtt_s == 5.0


def test_one_that_is_dropped_tells_no_more() -> None:
    node = dht_node()
    befriend(node, {address(1): FAR})
    trace = Trace(INFOHASH)
    [(asked, to)] = queries(node.search(trace, NOW))
    node.drop_search(trace)
    out = node.receive_datagram(response(asked, {b"id": FAR}), to, NOW + 0.1)
    assert hops(out) == [] and hops(node.tick(NOW + 60.0)) == []


def test_whoever_watches_does_not_wait_for_the_others_turn() -> None:
    node = dht_node()
    befriend(node, friends(8))
    for number in range(ACTIVE_MAX + 5):
        node.get_peers(InfoHash(bytes([number]) * 20), NOW)
    assert sum(search.waiting for search in node.search_stats()) >= 5
    node.search(Trace(INFOHASH), NOW)
    [trace] = [each for each in node.search_stats() if each.infohash == INFOHASH.hex()]
    assert not trace.waiting
