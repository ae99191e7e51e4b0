"""BEP 51, both sides."""

import random

from tests.dht.makers import (
    NOW,
    PUBLIC,
    address,
    befriend,
    dht_node,
    friends,
    node_id,
    queries,
    response,
)
from tests.vectors.dht import TWO_SAMPLES
from torrentd.config.schema import Limits
from torrentd.dht.candidate import Candidate
from torrentd.dht.krpc import Response
from torrentd.dht.outputs import SampleEnded
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.sampling import (
    FOUND_MAX,
    RESTING_MAX,
    SAMPLE_S,
    SAMPLES_MAX,
    InfohashSample,
    Resting,
    SampleWalk,
)
from torrentd.wire.formats.bencode import KRPC_LIMITS, Bencoded, decode_dict

TARGET = node_id(77)


def filled(count: int) -> PeerStore:
    store = PeerStore(Limits(), PUBLIC, random.Random(1))
    for index in range(count):
        store.add(node_id(index), address(index), node_id(0), NOW)
    return store


class TestSample:
    def test_it_stays_for_its_interval_and_is_drawn_anew_then(self) -> None:
        sample = InfohashSample(filled(500), random.Random(2), NOW)
        first, interval_s = sample.take(NOW)
        assert len(set(first)) == SAMPLES_MAX and interval_s == SAMPLE_S
        assert sample.take(NOW + 600) == (first, 3000)
        later, interval_s = sample.take(NOW + SAMPLE_S)
        assert set(later) != set(first) and interval_s == SAMPLE_S

    def test_while_it_holds_all_it_is_never_old(self) -> None:
        store = filled(3)
        sample = InfohashSample(store, random.Random(2), NOW)
        assert len(sample.take(NOW)[0]) == 3
        store.add(node_id(50), address(1), node_id(0), NOW)
        assert node_id(50) in sample.take(NOW + 1)[0]


class TestWalk:
    def hear(self, walk: SampleWalk, index: int, **values: Bencoded) -> None:
        node = Candidate(address(index), node_id(index), TARGET, None, None)
        named = {key.encode(): value for key, value in values.items()}
        walk.heard(node, Response(b"aa", node_id(index), values=named), [], NOW)

    def test_what_all_name_is_told_once(self) -> None:
        walk = SampleWalk(TARGET, Resting())
        self.hear(walk, 1, samples=node_id(1) + node_id(2), num=10, interval=60)
        self.hear(walk, 2, samples=node_id(2) + node_id(3), num=5)
        self.hear(walk, 3)  # knows no sample_infohashes
        self.hear(walk, 4, samples=b"x" * 30, num=7)
        self.hear(walk, 5, samples=b"", num=-1, interval=10**9)
        ended = walk.ended()
        assert (ended.nodes, ended.stored) == (3, 15)
        assert [bytes(each) for each in ended.infohashes] == [bytes(node_id(n)) for n in (1, 2, 3)]

    def test_two_infohashes_without_a_gap(self) -> None:
        walk = SampleWalk(TARGET, Resting())
        answer = decode_dict(b"d7:samples" + TWO_SAMPLES + b"e", KRPC_LIMITS)
        self.hear(walk, 1, samples=answer[b"samples"])
        assert walk.ended().infohashes == [b"HELLO" * 4, b"world" * 4]

    def test_a_node_whose_interval_runs_is_asked_for_nodes_alone(self) -> None:
        resting = Resting()
        walk = SampleWalk(TARGET, resting)
        self.hear(walk, 1, samples=b"", interval=600)
        node = Candidate(address(1), node_id(1), TARGET, None, None)
        again = SampleWalk(TARGET, resting)
        assert again.query(node, NOW + 599) == (b"find_node", {b"target": TARGET})
        assert again.query(node, NOW + 601) == (b"sample_infohashes", {b"target": TARGET})

    def test_lies_are_bounded(self) -> None:
        walk, resting = SampleWalk(TARGET, Resting()), Resting()
        for index in range(FOUND_MAX // 90):
            self.hear(walk, index, samples=random.Random(index).randbytes(20 * 100))
        assert len(walk.ended().infohashes) == FOUND_MAX
        for index in range(RESTING_MAX + 5):
            resting.add(address(index % 50000, 1 + index // 50000), NOW + 1)
        assert len(resting._until) == RESTING_MAX

    def test_it_is_a_search(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        waiting, told = queries(node.search(SampleWalk(TARGET, Resting()), NOW)), []
        while waiting:
            asked, to = waiting.pop(0)
            assert asked.method == b"sample_infohashes"
            values: dict[bytes, Bencoded] = {b"id": known[to], b"samples": bytes(known[to])}
            got = node.receive_datagram(response(asked, values), to, NOW)
            told += [output for output in got if isinstance(output, SampleEnded)]
            waiting += [each for each in queries(got) if each[0].method != b"ping"]
        [ended] = told
        assert ended.nodes >= 8 and len(ended.infohashes) == ended.nodes
