"""dht/neighbourhoods.py: who was closest is found again, of either family."""

import pytest

from tests.dht.makers import (
    NOW,
    address,
    address6,
    befriend,
    dht_node,
    friends,
    node_id,
    queries,
    response,
)
from torrentd.dht import neighbourhoods
from torrentd.dht.neighbourhoods import Neighbourhoods
from torrentd.dht.node_id import distance
from torrentd.wire.formats.address import AddressPolicy
from torrentd.wire.formats.ids import InfoHash

ONE, TWO, THREE = (InfoHash(bytes([n]) * 20) for n in range(3))
NODES = [(node_id(n + 1), address(n + 100)) for n in range(3)] + [(node_id(9), address6(9))]


def test_both_families_come_back() -> None:
    kept = Neighbourhoods()
    assert kept.get(ONE) == []
    kept.keep(ONE, NODES)
    assert kept.get(ONE) == NODES


def test_a_search_that_nobody_answered_leaves_nothing() -> None:
    kept = Neighbourhoods()
    kept.keep(ONE, NODES)
    kept.keep(ONE, [])
    assert kept.get(ONE) == [] and len(kept) == 0


def test_the_oldest_is_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhoods, "KEPT_MAX", 2)
    kept = Neighbourhoods()
    for infohash in (ONE, TWO, ONE, THREE):
        kept.keep(infohash, NODES)
    assert kept.get(TWO) == [] and kept.get(ONE) == kept.get(THREE) == NODES


def test_they_are_asked_first_and_the_table_beside_them() -> None:
    node, known = dht_node(), friends(20)
    befriend(node, known)
    node._searches._neighbourhoods.keep(ONE, NODES[:3])
    asked = [to for _, to in queries(node.get_peers(ONE, NOW, 6881, is_seed=True))]
    assert set(asked[:3]) == {where for _, where in NODES[:3]}
    assert set(asked[3:]) <= set(known) and asked[3:]


def test_an_announce_is_the_beginning_of_the_next() -> None:
    node, known = dht_node(), friends(20)
    befriend(node, known)
    waiting = queries(node.get_peers(ONE, NOW, 6881, is_seed=True))
    while waiting:
        asked, to = waiting.pop(0)
        answer = response(asked, {b"id": known[to], b"token": b"t"})
        waiting += queries(node.receive_datagram(answer, to, NOW))
    kept = node._searches._neighbourhoods.get(ONE)
    nearest = sorted(known.items(), key=lambda each: distance(each[1], ONE))[:8]
    assert kept == [(who, where) for where, who in nearest]


def test_who_is_forbidden_by_now_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    node = dht_node()
    node._searches._neighbourhoods.keep(ONE, NODES)
    allows = AddressPolicy.allows_node
    monkeypatch.setattr(
        AddressPolicy, "allows_node", lambda self, a: a != address(101) and allows(self, a)
    )
    asked = {to for _, to in queries(node.get_peers(ONE, NOW, 6881, is_seed=True))}
    assert asked == {address(100), address(102)}
