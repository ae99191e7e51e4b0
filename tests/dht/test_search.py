"""A search for peers in both DHTs (BEP 5, 32)."""

from tests.dht.makers import INFOHASH, NOW, PUBLIC, address, address6, node_id
from torrentd.dht.lookup import Lookup
from torrentd.dht.outputs import SearchEnded
from torrentd.dht.search import PEERS_MAX, PeerSearch
from torrentd.dht.stats import SearchStats


def make(announce_port: int | None = None, *, is_seed: bool = False) -> PeerSearch:
    search = PeerSearch(INFOHASH, announce_port, is_seed=is_seed)
    search.lookups = [
        Lookup(INFOHASH, family, PUBLIC, wants_peers=True) for family in ("ipv4", "ipv6")
    ]
    return search


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


def test_an_announce_brings_back_the_token_and_names_its_port() -> None:
    search = make(7000)
    four, _ = search.lookups
    for index, token in enumerate((b"secret", None)):
        four.offer(address(index), node_id(index))
        [asked] = four.next_queries(NOW)
        four.answered(asked, node_id(index), [], token)
    [(candidate, arguments)] = search.last_queries()  # without a token, no announce
    assert candidate.address == address(0)
    assert arguments == {
        b"implied_port": 0,
        b"info_hash": INFOHASH,
        b"port": 7000,
        b"token": b"secret",
    }
    assert make().last_queries() == []


def test_a_seed_says_so_and_wants_no_seeds() -> None:
    """BEP 33, New ANNOUNCE_PEER semantics, New GET_PEERS semantics."""
    for is_seed in (True, False):
        search = make(7000, is_seed=is_seed)
        four, _ = search.lookups
        four.offer(address(1), node_id(1))
        [asked] = four.next_queries(NOW)
        expected = {b"info_hash": INFOHASH} | ({b"noseed": 1} if is_seed else {})
        assert search.query(asked, NOW) == (b"get_peers", expected)
        four.answered(asked, node_id(1), [], b"secret")
        [(_, arguments)] = search.last_queries()
        assert arguments.get(b"seed") == (1 if is_seed else None)


def test_a_partial_seed_wants_no_seeds_and_is_not_counted_as_one() -> None:
    """BEP 21: it is "incomplete without downloading anything more"."""
    search = PeerSearch(INFOHASH, 7000, is_seed=True, is_partial=True)
    search.lookups = make().lookups
    four, _ = search.lookups
    four.offer(address(1), node_id(1))
    [asked] = four.next_queries(NOW)
    assert search.query(asked, NOW) == (b"get_peers", {b"info_hash": INFOHASH, b"noseed": 1})
    four.answered(asked, node_id(1), [], b"secret")
    [(_, arguments)] = search.last_queries()
    assert b"seed" not in arguments


def test_it_ends_with_the_nodes_that_a_scrape_may_begin_with() -> None:
    search = make()
    four, _ = search.lookups
    for index in (1, 2):
        four.offer(address(index), node_id(index))
    answering, silent = four.next_queries(NOW)
    assert answering.node_id is not None
    four.answered(answering, answering.node_id, [], b"t")
    four.failed(silent)
    assert search.ended().closest == [(answering.node_id, answering.address)]


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
