"""Lookups under way together (BEP 5, Overview; BEP 32)."""

import random

from tests.dht.makers import (
    INFOHASH,
    NOW,
    THEIR_ID,
    address,
    address6,
    befriend,
    dht_node,
    friends,
    queries,
    query,
    response,
    sent,
)
from torrentd.dht.krpc import (
    AnnouncePeer,
    GetPeers,
    Query,
    Response,
    decode_arguments,
    decode_message,
)
from torrentd.dht.lookup import WINDOW
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId, node_id_for, random_node_id
from torrentd.dht.outputs import Output, PeersFound, SearchEnded
from torrentd.dht.searches import ACTIVE_MAX
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.ids import InfoHash

PEER = Address("9.9.9.9", 7000)


def get_peers_of(outputs: list[Output]) -> list[tuple[Query, Address]]:
    return [(asked, to) for asked, to in queries(outputs) if asked.method == b"get_peers"]


def answer(
    node: DhtNode, asked: Query, to: Address, who: NodeId, values: dict[bytes, Bencoded]
) -> list[Output]:
    return node.receive_datagram(response(asked, {b"id": who, **values}), to, NOW)


class TestSearch:
    def test_the_first_queries_leave_in_the_same_call(self) -> None:
        node = dht_node()
        befriend(node, friends(20))
        asked = get_peers_of(node.get_peers(INFOHASH, NOW))
        assert len(asked) == WINDOW
        own_id = NodeId(bytes.fromhex(node.stats(NOW).families[0].node_id))
        assert all(decode_arguments(q) == GetPeers(own_id, INFOHASH, ()) for q, _ in asked)

    def test_all_bootstrap_hosts_are_asked_however_they_resolve_one_after_the_other(self) -> None:
        node = dht_node()
        for index in range(3):
            node.bootstrap([address(index)], NOW)
        asked = get_peers_of(node.get_peers(INFOHASH, NOW))
        assert {to for _, to in asked} == {address(index) for index in range(3)}

    def test_it_begins_with_near_nodes_beside_those_of_the_table(self) -> None:
        node, known = dht_node(), friends(60)
        befriend(node, known)
        near_nodes = node._networks["ipv4"].near_nodes
        met = [address(index) for index in range(1000, 1040)]
        for each in met:
            near_nodes.heard(node_id_for(each.host, random.Random(each.host)), each, 0.01, NOW)
        asked = {to for _, to in get_peers_of(node.get_peers(INFOHASH, NOW))}
        assert asked & set(met)
        for each in met:
            near_nodes.failed(each)
        again = {to for _, to in get_peers_of(node.get_peers(InfoHash(bytes(20)), NOW))}
        assert not again & set(met)

    def test_peers_are_told_the_moment_they_come_and_once(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        first, second, *_ = get_peers_of(node.get_peers(INFOHASH, NOW))
        values: dict[bytes, Bencoded] = {b"values": [pack_address(PEER)], b"token": b"t"}
        out = answer(node, *first, known[first[1]], values)
        assert out[0] == PeersFound(INFOHASH, [PEER])
        out = answer(node, *second, known[second[1]], values)
        assert not [output for output in out if isinstance(output, PeersFound)]

    def test_at_the_end_it_announces_to_those_that_gave_tokens(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        waiting = get_peers_of(node.get_peers(INFOHASH, NOW, announce_port=6881))
        out: list[Output] = []
        answered = 0
        while waiting:
            asked, to = waiting.pop(0)
            answered += 1
            got = answer(node, asked, to, known[to], {b"token": b"of " + to.host.encode()})
            waiting += get_peers_of(got)
            out += got
        announces = [(q, to) for q, to in queries(out) if q.method == b"announce_peer"]
        assert len(announces) == 8
        for asked, to in announces:
            arguments = decode_arguments(asked)
            assert isinstance(arguments, AnnouncePeer) and arguments.port == 6881
            assert arguments.token == b"of " + to.host.encode()
        [ended] = [output for output in out if isinstance(output, SearchEnded)]
        assert ended == SearchEnded(INFOHASH, answered, answered, peers=0, announced=8)

    def test_begun_before_any_node_it_starts_with_the_first_answer(self) -> None:
        node = dht_node()
        assert not sent(node.get_peers(INFOHASH, NOW))
        [(ping, to)] = queries(node.add_node(address(1), NOW))
        nodes = b"".join(bytes([i]) * 20 + pack_address(address(i)) for i in (2, 3))
        out = answer(node, ping, to, THEIR_ID, {b"nodes": nodes})
        assert {to for _, to in get_peers_of(out)} == {address(1), address(2), address(3)}

    def test_late_peers_of_an_ended_search_are_told_but_not_of_a_cancelled_one(self) -> None:
        for cancelled in (False, True):
            node, known = dht_node(), friends(20)
            befriend(node, known)
            late, *waiting = get_peers_of(node.get_peers(INFOHASH, NOW))
            node.tick(NOW + 0.5)
            while waiting:
                asked, to = waiting.pop(0)
                waiting += get_peers_of(answer(node, asked, to, known[to], {}))
            if cancelled:
                node.cancel_search(INFOHASH)
            out = answer(node, *late, known[late[1]], {b"values": [pack_address(PEER)]})
            found = [output for output in out if isinstance(output, PeersFound)]
            assert found == ([] if cancelled else [PeersFound(INFOHASH, [PEER])])

    def test_a_second_search_for_the_same_only_adds_the_announce(self) -> None:
        node = dht_node()
        befriend(node, friends(20))
        assert sent(node.get_peers(INFOHASH, NOW))
        assert node.get_peers(INFOHASH, NOW, announce_port=6881) == []
        assert node.stats(NOW).searches_running == 1

    def test_a_cancelled_search_asks_nothing_more(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        first, *_ = get_peers_of(node.get_peers(INFOHASH, NOW))
        node.cancel_search(INFOHASH)
        assert node.stats(NOW).searches_running == 0
        assert not get_peers_of(answer(node, *first, known[first[1]], {}))

    def test_too_many_searches_wait_for_their_turn(self) -> None:
        node, rng = dht_node(), random.Random(3)
        befriend(node, friends(20))
        infohashes = [InfoHash(rng.randbytes(20)) for _ in range(ACTIVE_MAX + 5)]
        started = [bool(sent(node.get_peers(infohash, NOW))) for infohash in infohashes]
        assert started == [True] * ACTIVE_MAX + [False] * 5
        node.cancel_search(infohashes[0])
        out = node.tick(NOW + 0.01)
        told = [asked.arguments[b"info_hash"] for asked, _ in get_peers_of(out)]
        assert infohashes[ACTIVE_MAX] in told


class TestOwnStore:
    def announced(self, node: DhtNode, source: Address) -> list[Output]:
        [datagram] = sent(
            node.receive_datagram(query(b"get_peers", {b"info_hash": INFOHASH}), source, NOW)
        )
        message = decode_message(datagram.data)
        assert isinstance(message, Response) and message.token is not None
        given: dict[bytes, Bencoded] = {
            b"info_hash": INFOHASH,
            b"port": 7000,
            b"token": message.token,
        }
        return node.receive_datagram(query(b"announce_peer", given), source, NOW)

    def test_whoever_announced_to_us_is_told_when_the_search_begins(self) -> None:
        node = dht_node()
        self.announced(node, address(1))
        out = node.get_peers(INFOHASH, NOW)
        assert out[:1] == [PeersFound(INFOHASH, [address(1, port=7000)])]

    def test_and_whoever_announces_while_it_runs(self) -> None:
        node = dht_node()
        node.get_peers(INFOHASH, NOW)
        out = self.announced(node, address(1))
        assert PeersFound(INFOHASH, [address(1, port=7000)]) in out and len(sent(out)) == 1


class TestHaste:
    def test_a_search_that_begins_amid_the_bootstrap_asks_the_hosts_itself(self) -> None:
        """What they answer to the bootstrap leads to our own id, and so a hop away from here."""
        node = dht_node()
        node.bootstrap([address(1), address(2)], NOW)
        asked = get_peers_of(node.get_peers(INFOHASH, NOW + 0.003))
        assert {to for _, to in asked} == {address(1), address(2)}

    def test_one_that_begins_later_leaves_them_alone(self) -> None:
        node, known = dht_node(), friends(3)
        node.bootstrap([address(100)], NOW)
        befriend(node, known)
        asked = get_peers_of(node.get_peers(INFOHASH, NOW))
        assert {to for _, to in asked} == set(known)


def test_when_the_table_is_filled_bootstrap_hosts_are_asked_again() -> None:
    """It may be full of liars, whose lookups find liars."""
    node, host, known = dht_node(), address(200), friends(20)
    network = node._networks["ipv4"]
    befriend(node, known)
    said, now, begun_with = queries(node.bootstrap([host], NOW)), NOW, set[Address]()
    while now < NOW + 60:
        while said:
            asked, to = said.pop()
            said += queries(answer(node, asked, to, known.get(to, THEIR_ID), {b"nodes": b""}))
        now += 0.5
        said = queries(node.tick(now))
        if network.is_filled and network.upkeep is not None:
            begun_with |= {c.address for c in network.upkeep._order if c.is_seed}
    assert begun_with == {host}


class TestBothFamilies:
    def test_nodes6_of_an_ipv4_node_lead_into_the_ipv6_dht(self) -> None:
        """BEP 32, Bootstrapping: "leaking data between the two DHTs"."""
        node = dht_node(families=("ipv4", "ipv6"))
        node.get_peers(INFOHASH, NOW)
        asked = queries(node.bootstrap([address(1)], NOW))
        assert [query.method for query, _ in asked] == [b"find_node", b"get_peers"]
        six = b"\x07" * 20 + pack_address(address6(1))
        out = answer(node, *asked[0], THEIR_ID, {b"nodes6": six})
        assert address6(1) in {to for _, to in get_peers_of(out)}
        later = queries(node.tick(NOW + 0.2))
        assert (b"ping", address6(1)) in {(q.method, to) for q, to in later}

    def test_the_ipv6_search_gets_no_ipv4_node(self) -> None:
        node, rng = dht_node(families=("ipv4", "ipv6")), random.Random(1)
        known = {address6(i): random_node_id(rng) for i in range(WINDOW)} | friends(WINDOW)
        befriend(node, known)
        asked = get_peers_of(node.get_peers(INFOHASH, NOW))
        assert len(asked) == 2 * WINDOW
        assert sum(":" in to.host for _, to in asked) == WINDOW
