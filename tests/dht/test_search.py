"""A search for peers in both DHTs (BEP 5, 32)."""

from tests.dht.makers import INFOHASH, NOW, PUBLIC, address, address6, node_id
from torrentd.dht.lookup import Lookup
from torrentd.dht.outputs import SearchEnded
from torrentd.dht.search import PEERS_MAX, Search
from torrentd.dht.stats import SearchStats


def make(announce_port: int | None = None) -> Search:
    lookups = [Lookup(INFOHASH, family, PUBLIC, wants_peers=True) for family in ("ipv4", "ipv6")]
    return Search(INFOHASH, lookups, announce_port)


def test_a_peer_is_told_once() -> None:
    search = make()
    assert search.new_peers([address(1), address(2), address(1)]) == [address(1), address(2)]
    assert search.new_peers([address(2), address(3)]) == [address(3)]
    assert search.ended() == SearchEnded(INFOHASH, 0, 0, peers=3, announced=0)


def test_peers_in_all_are_bounded() -> None:
    search = make()
    for index in range(0, 3 * PEERS_MAX, 100):
        search.new_peers([address(index + i) for i in range(100)])
    assert search.ended().peers == PEERS_MAX


def test_it_waits_while_nobody_could_be_asked() -> None:
    assert not make().check_finished(NOW + 1e6)


def test_the_family_without_nodes_does_not_hold_up_the_other() -> None:
    search = make()
    four, six = search.lookups
    four.offer(address(1), node_id(1))
    [asked] = four.next_queries(NOW)
    assert not search.check_finished(NOW)
    four.answered(asked, node_id(1), [], b"t")
    assert search.check_finished(NOW) and four.is_over and not six.is_over


def test_both_must_end_when_both_began() -> None:
    search = make()
    four, six = search.lookups
    four.offer(address(1), node_id(1))
    six.offer(address6(1), node_id(2))
    [asked], [asked6] = four.next_queries(NOW), six.next_queries(NOW)
    four.answered(asked, node_id(1), [], b"t")
    assert not search.check_finished(NOW)
    six.answered(asked6, node_id(2), [], b"t")
    assert search.check_finished(NOW)


def test_cancelling_stops_every_lookup() -> None:
    search = make()
    search.cancel()
    assert search.is_cancelled and all(lookup.is_over for lookup in search.lookups)


def test_its_figures_are_those_of_both_lookups() -> None:
    search = make()
    assert search.stats().waiting
    four, six = search.lookups
    four.offer(address(1), node_id(1))
    six.offer(address6(1), node_id(2))
    [asked], _ = four.next_queries(NOW), six.next_queries(NOW)
    four.answered(asked, node_id(1), [], b"t")
    search.new_peers([address(7)])
    assert search.stats() == SearchStats(INFOHASH.hex(), False, queries=2, responses=1, peers=1)
