"""Announces of seeds: a stream as wide as the limit, and no search that is waited for is behind."""

import random

import pytest

from tests.dht.makers import INFOHASH, NOW, befriend, dht_node, friends, queries, response, sent
from torrentd.config.schema import Limits
from torrentd.dht.krpc import Query, decode_message
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId, node_id_for
from torrentd.dht.outputs import Output, SearchEnded
from torrentd.dht.patience import BURST_S, RUNNING_MAX, Patience
from torrentd.dht.search import PeerSearch
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash

RATE = 4000


def a_search(number: int) -> PeerSearch:
    return PeerSearch(InfoHash(number.to_bytes(20, "big")), 6881, is_seed=True)


def patience(count: int) -> Patience:
    made = Patience(RATE, NOW)
    for number in range(count):
        search = a_search(number)
        made.waiting[search.key] = search
    return made


class TestPatience:
    def test_the_first_that_came_is_the_first_that_begins(self) -> None:
        waiting = patience(2)
        first = waiting.next(NOW, 0)
        assert first is not None and first.target == (0).to_bytes(20, "big")

    def test_nobody_begins_while_enough_are_under_way(self) -> None:
        waiting = patience(1)
        assert waiting.next(NOW, RUNNING_MAX) is None
        assert waiting.next_deadline(RUNNING_MAX) is None

    def test_what_was_overdrawn_is_paid_before_the_next_begins(self) -> None:
        waiting = patience(2)
        assert waiting.next(NOW, 0) is not None
        waiting.spent(int(RATE * (BURST_S + 3)), NOW)
        assert waiting.next(NOW + 2.9, 0) is None
        at = waiting.next_deadline(0)
        assert at == pytest.approx(NOW + 3, abs=0.01)
        assert at is not None and waiting.next(at, 0) is not None

    def test_without_anybody_there_is_no_deadline(self) -> None:
        assert patience(0).next_deadline(0) is None


class World:
    """Everybody answers 100 ms after he is asked; `sent_bytes` of searches by second."""

    def __init__(self, node: DhtNode, known: dict[Address, NodeId]) -> None:
        self.node, self.known, self.now = node, known, NOW
        self.sent_bytes: dict[int, int] = {}
        self.ended: list[tuple[float, InfoHash]] = []
        self.asked: dict[bytes, int] = {}
        self._answers: list[tuple[float, bytes, Address]] = []

    def hear(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, SearchEnded):
                self.ended.append((self.now, output.infohash))
        for datagram in sent(outputs):
            message = decode_message(datagram.data)
            if isinstance(message, Query) and b"info_hash" in message.arguments:
                second = int(self.now - NOW)
                self.sent_bytes[second] = self.sent_bytes.get(second, 0) + len(datagram.data)
        for asked, to in queries(outputs):
            target = asked.arguments.get(b"info_hash")
            if asked.method == b"get_peers" and isinstance(target, bytes):
                self.asked[target] = self.asked.get(target, 0) + 1
            values = response(asked, {b"id": self.known[to], b"token": b"t"})
            self._answers.append((self.now + 0.1, values, to))

    def live(self, until: float) -> None:
        while self.now < until:
            due = self.node.next_deadline()
            at = min([due or until, until, *(each[0] for each in self._answers[:1])])
            self.now = max(self.now + 1e-4, at)
            while self._answers and self._answers[0][0] <= self.now:
                _, data, source = self._answers.pop(0)
                self.hear(self.node.receive_datagram(data, source, self.now))
            self.hear(self.node.tick(self.now))


@pytest.fixture
def world() -> World:
    limits = Limits(dht_upload_bytes_per_s_max=RATE)
    rng = random.Random(4)
    node = dht_node(limits=limits)
    known = {where: node_id_for(where.host, rng) for where in friends(40)}
    befriend(node, known)
    return World(node, known)


def infohashes(count: int) -> list[InfoHash]:
    rng = random.Random(5)
    return [InfoHash(rng.randbytes(20)) for _ in range(count)]


class TestManySeeds:
    def test_they_keep_to_the_limit_and_all_have_their_turn(self, world: World) -> None:
        many = infohashes(60)
        for infohash in many:
            world.hear(world.node.get_peers(infohash, NOW, 6881, is_seed=True))
        world.live(NOW + 120)
        assert {infohash for _, infohash in world.ended} == set(many)
        widest = max(
            sum(world.sent_bytes.get(second + i, 0) for i in range(10)) for second in range(100)
        )
        assert widest <= RATE * (10 + BURST_S) * 1.1, "what has begun ends, however much that takes"

    def test_a_download_begins_before_all_of_them(self, world: World) -> None:
        for infohash in infohashes(60):
            world.hear(world.node.get_peers(infohash, NOW, 6881, is_seed=True))
        out = world.node.get_peers(INFOHASH, NOW)
        assert queries(out), "at once"
        world.hear(out)
        world.live(NOW + 10)
        assert INFOHASH in {infohash for _, infohash in world.ended}

    def test_while_others_wait_nobody_is_woken_for_them(self, world: World) -> None:
        for infohash in infohashes(60):
            world.hear(world.node.get_peers(infohash, NOW))
        world.node.get_peers(INFOHASH, NOW, 6881, is_seed=True)
        deadline = world.node._searches.next_deadline()
        assert deadline is not None and deadline > NOW + 0.05

    def test_a_seed_that_lost_a_piece_waits_no_longer(self, world: World) -> None:
        many = infohashes(60)
        for infohash in many:
            world.hear(world.node.get_peers(infohash, NOW, 6881, is_seed=True))
        assert queries(world.node.get_peers(many[-1], NOW, 6881))

    def test_one_that_is_cancelled_while_it_waits_never_begins(self, world: World) -> None:
        many = infohashes(60)
        for infohash in many:
            world.hear(world.node.get_peers(infohash, NOW, 6881, is_seed=True))
        world.node.cancel_search(many[-1])
        world.live(NOW + 120)
        assert many[-1] not in world.asked
