"""The fast way answers as the slow one, byte for byte and counter for counter (BEP 5, BEP 32)."""

import random
from dataclasses import dataclass

import pytest

from tests.dht.makers import (
    INFOHASH,
    NOW,
    THEIR_ID,
    address,
    address6,
    befriend,
    dht_node,
    query,
    response,
    sent,
)
from tests.dht.twins import Twins
from torrentd.config.schema import Limits
from torrentd.dht import fast_answers
from torrentd.dht.krpc import Query, Response, decode_message
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId, random_node_id
from torrentd.dht.outputs import Output
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded, encode

NODES = 150
EXTERNAL = Address("5.6.7.8", 6881)
LIFTED = Limits(dht_upload_bytes_per_s_max=1_000_000_000, dht_datagrams_per_source_per_s_max=5000)
TIGHT = Limits(
    dht_upload_bytes_per_s_max=1000,
    dht_datagrams_per_source_per_s_max=1,
    dht_infohashes_stored_max=3,
)


@dataclass
class World:
    """Twins with full tables of both families, and who is out there."""

    twins: Twins
    rng: random.Random
    sources: list[tuple[Address, bytes]]
    tokens: dict[tuple[Address, bytes], bytes]
    now: float = NOW

    def own_id(self) -> bytes:
        self.twins.slow.stats(self.now)  # fills in figures, so for both
        family = self.rng.choice(self.twins.fast.stats(self.now).families)
        return bytes.fromhex(family.node_id)


def twin(limits: Limits, friends: dict[Address, NodeId], *, read_only: bool = False) -> DhtNode:
    node = dht_node(families=("ipv4", "ipv6"), limits=limits, read_only=read_only)
    befriend(node, friends, NOW, ip=b"\x05\x06\x07\x08\x1a\xe1")
    return node


def world(seed: int, limits: Limits, *, nodes: int = NODES, read_only: bool = False) -> World:
    rng = random.Random(seed)
    friends = {address(index): random_node_id(rng) for index in range(nodes)}
    friends |= {address6(index): random_node_id(rng) for index in range(nodes // 3)}
    twins = Twins(*[twin(limits, friends, read_only=read_only) for _ in range(2)])
    sources: list[tuple[Address, bytes]] = list(friends.items())
    for index in range(500, 520):
        sources.append((address(index, port=rng.choice([1, 6881, 65535])), rng.randbytes(20)))
        sources.append((address6(index), rng.randbytes(20)))
    sources += [(EXTERNAL, THEIR_ID), (Address("127.0.0.1", 6881), THEIR_ID)]
    return World(twins, rng, sources, {})


def target(w: World) -> bytes:
    """Anywhere, often near our own id, often the same again."""
    match w.rng.randrange(4):
        case 0:
            return w.rng.randbytes(20)
        case 1:
            near = bytearray(w.own_id())
            near[w.rng.randrange(20)] ^= 1 << w.rng.randrange(8)
            return bytes(near)
        case 2:
            return bytes([w.rng.randrange(256)]) * 20
        case _:
            return bytes(INFOHASH[:19]) + bytes([w.rng.randrange(4)])


def spelled(w: World, method: bytes, arguments: dict[bytes, Bencoded], sender: bytes) -> bytes:
    """A query as some client might spell it; mostly the common way."""
    rng = w.rng
    message: dict[bytes, Bencoded] = {
        b"a": {b"id": sender, **arguments},
        b"q": method,
        b"t": rng.randbytes(rng.choice([0, 1, 2, 2, 2, 3, 4, 4, 8, 20])),
        b"y": b"q",
    }
    if rng.random() < 0.6:
        message[b"v"] = rng.choice([b"LT\x01\x02", b"e1:q", b"UT", b""])
    if rng.random() < 0.1:
        message[b"ro"] = rng.choice([1, 0])
    if rng.random() < 0.1:
        message[b"zz"] = b"unknown"
    return encode(message)


def arguments_of(w: World, method: bytes) -> dict[bytes, Bencoded]:
    rng, arguments = w.rng, dict[bytes, Bencoded]()
    if method == b"find_node" or rng.random() < 0.03:
        arguments[b"target"] = target(w)
    if method == b"get_peers" or rng.random() < 0.03:
        arguments[b"info_hash"] = target(w)
    if rng.random() < 0.1:
        arguments[b"want"] = list[Bencoded](rng.choice([[b"n4"], [b"n6", b"n4"], [b"n5"], []]))
    if rng.random() < 0.05:
        arguments[rng.choice([b"scrape", b"noseed"])] = 1
    if rng.random() < 0.03:
        arguments.pop(b"target", None)
    return arguments


def some_query(w: World) -> tuple[bytes, Address]:
    source, node_id = w.rng.choice(w.sources)
    if w.rng.random() < 0.05:
        node_id = w.rng.choice([w.own_id(), THEIR_ID, w.rng.randbytes(20), b"short"])
    method = w.rng.choice([b"ping", b"find_node", b"get_peers", b"get_peers", b"vote"])
    if w.tokens and w.rng.random() < 0.1:
        (source, infohash), token = w.rng.choice(list(w.tokens.items()))
        announced: dict[bytes, Bencoded] = {b"info_hash": infohash, b"port": 7, b"token": token}
        announced[b"port"] = w.rng.choice([7000, 7001, 0])
        return spelled(w, b"announce_peer", announced, node_id), source
    return spelled(w, method, arguments_of(w, method), node_id), source


def damaged(w: World, data: bytes) -> bytes:
    at = w.rng.randrange(len(data))
    match w.rng.randrange(3):
        case 0:
            return data[:at] + bytes([data[at] ^ 1 << w.rng.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at]
        case _:
            return data[:at] + w.rng.randbytes(1) + data[at:]


def live(w: World, steps: int) -> None:
    """Queries good and bad, answers to ours, time that passes; the twins agree at each step."""
    asked: list[tuple[Query, Address]] = []
    for _ in range(steps):
        outputs: list[Output] = []
        match w.rng.randrange(12):
            case 0:
                w.now += w.rng.choice([0.001, 1.0, 20.0, 400.0, 1000.0])
                outputs = w.twins.tick(w.now)
            case 1:
                outputs = w.twins.add_node(w.rng.choice(w.sources)[0], w.now)
            case 2 if asked:
                question, to = asked.pop()
                who = dict(w.sources).get(to, THEIR_ID)
                outputs = w.twins.receive(response(question, {b"id": who}), to, w.now)
            case 3:
                data, source = some_query(w)
                outputs = w.twins.receive(damaged(w, data), source, w.now)
            case _:
                data, source = some_query(w)
                outputs = w.twins.receive(data, source, w.now)
                note_token(w, data, source, outputs)
        for datagram in sent(outputs):
            message = decode_message(datagram.data)
            if isinstance(message, Query):
                asked.append((message, datagram.address))


def note_token(w: World, data: bytes, source: Address, outputs: list[Output]) -> None:
    for datagram in sent(outputs):
        message = decode_message(datagram.data)
        if isinstance(message, Response) and message.token is not None:
            infohash = decode_message(data)
            assert isinstance(infohash, Query)
            wanted = infohash.arguments[b"info_hash"]
            assert isinstance(wanted, bytes)
            w.tokens[source, wanted] = message.token


class TestOracle:
    @pytest.mark.parametrize("seed", range(12))
    @pytest.mark.parametrize("limits", [LIFTED, TIGHT], ids=["lifted", "tight"])
    def test_the_two_ways_give_the_same_answers_and_leave_the_same_behind(
        self, seed: int, limits: Limits
    ) -> None:
        w = world(seed, limits)
        for _ in range(3):
            live(w, 150)
            w.twins.compare()
        assert w.twins.answered_fast > 20

    def test_with_hardly_a_node_known(self) -> None:
        for nodes in (0, 1, 5):
            w = world(nodes, LIFTED, nodes=nodes)
            live(w, 300)
            w.twins.compare()

    def test_a_read_only_node_answers_neither_way(self) -> None:
        w = world(1, LIFTED, read_only=True)
        live(w, 200)
        w.twins.compare()
        assert w.twins.answered_fast == 0

    def test_a_wrong_template_is_found_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The oracle is no formality."""
        monkeypatch.setattr(fast_answers, "SENT_BYTES_MAX", 200)
        with pytest.raises(AssertionError):
            live(world(0, LIFTED), 200)

    def test_a_counter_left_out_is_found_out(self) -> None:
        w = world(0, LIFTED)
        live(w, 20)
        w.twins.fast._stats.replies_sent += 1
        with pytest.raises(AssertionError, match="replies_sent"):
            w.twins.compare()


class TestShapes:
    """What mainline clients send must go the fast way, or it is of no use."""

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            (b"ping", {}),
            (b"find_node", {b"target": INFOHASH}),
            (b"get_peers", {b"info_hash": INFOHASH}),
        ],
    )
    @pytest.mark.parametrize("v", [None, b"LT\x02\x0b"])
    @pytest.mark.parametrize("transaction_id", [b"a", b"aa", b"aaaa", b"aaaaaaaa"])
    def test_the_common_queries_are_recognised(
        self,
        method: bytes,
        arguments: dict[bytes, Bencoded],
        v: bytes | None,
        transaction_id: bytes,
    ) -> None:
        w = world(1, LIFTED)
        source, node_id = w.sources[0]
        more: dict[str, Bencoded] = {"v": v} if v is not None else {}
        data = query(method, arguments, transaction_id, node_id, **more)
        assert len(sent(w.twins.receive(data, source, NOW))) == 1
        assert w.twins.answered_fast == 1
        w.twins.compare()

    def test_stored_peers_are_told_the_slow_way(self) -> None:
        w = world(1, LIFTED)
        source, node_id = w.sources[0]
        asks = query(b"get_peers", {b"info_hash": INFOHASH}, b"aa", node_id)
        [datagram] = sent(w.twins.receive(asks, source, NOW))
        given = decode_message(datagram.data)
        assert isinstance(given, Response) and given.token is not None
        announced: dict[bytes, Bencoded] = {
            b"info_hash": INFOHASH,
            b"port": 7000,
            b"token": given.token,
        }
        w.twins.receive(query(b"announce_peer", announced, b"aa", node_id), source, NOW)
        [datagram] = sent(w.twins.receive(asks, source, NOW))
        told = decode_message(datagram.data)
        assert isinstance(told, Response) and told.peers == [Address(source.host, 7000)]
        w.twins.compare()
