"""A lookup that is watched: its hops in order, what it found, and who shares its queries."""

import asyncio
from dataclasses import replace

from tests.daemon.fake_session import make_hop
from torrentd.daemon.dht_lookup import HOPS_MAX, PEERS_MAX, DhtLookup, Lookups
from torrentd.dht.outputs import TraceEnded
from torrentd.dht.search import Search
from torrentd.wire.formats.ids import InfoHash

INFOHASH = InfoHash(b"h" * 20)


class TestOne:
    def test_a_hop_says_when_who_how_far_and_what(self) -> None:
        lookup = DhtLookup(INFOHASH, 10.0)
        lookup.hop_ended(make_hop(1, "203.0.113.1"), 10.25)
        [hop] = asyncio.run(lookup.hops.take(1))
        assert hop == {
            "at_s": 0.25,
            "depth": 1,
            "family": "ipv4",
            "node_id": "01" * 20,
            "address": "192.0.2.1:6881",
            "distance_bits": 159,
            "outcome": "answered",
            "rtt_s": 0.1,
            "nodes": 8,
            "peers_given": 1,
            "peers": ["203.0.113.1:6881"],
        }

    def test_in_the_end_each_peer_is_told_once_and_the_first_one_has_its_time(self) -> None:
        lookup = DhtLookup(INFOHASH, 10.0)
        lookup.hop_ended(make_hop(1), 10.1)
        lookup.hop_ended(make_hop(2, "203.0.113.1", "203.0.113.2"), 10.5)
        lookup.hop_ended(make_hop(3, "203.0.113.2", "203.0.113.3"), 10.7)
        lookup.ended(TraceEnded(INFOHASH, 5, 3), 11.0)
        document = lookup.document(99.0)
        assert document["peers"] == [f"203.0.113.{n}:6881" for n in (1, 2, 3)]
        assert (document["first_peer_s"], document["took_s"]) == (0.5, 1.0)
        assert (document["complete"], document["queries"], document["responses"]) == (True, 5, 3)
        told = asyncio.run(lookup.hops.take(1))
        assert document["hops"] == told and [hop["peers_given"] for hop in told] == [0, 2, 2]
        assert told[2]["peers"] == ["203.0.113.3:6881"], "those that were new"
        assert lookup.hops.is_over

    def test_one_that_is_not_waited_for_is_not_complete(self) -> None:
        lookup = DhtLookup(INFOHASH, 10.0)
        document = lookup.document(12.5)
        assert (document["complete"], document["took_s"], document["queries"]) == (False, 2.5, None)

    def test_what_is_kept_of_it_is_bounded(self) -> None:
        lookup = DhtLookup(INFOHASH, 0.0)
        for _ in range(2 * HOPS_MAX):
            lookup.hop_ended(make_hop(1), 0.0)
        hops = lookup.document(1.0)["hops"]
        assert isinstance(hops, list) and len(hops) == HOPS_MAX

    def test_a_crowd_of_liars_fills_no_memory(self) -> None:
        lookup = DhtLookup(INFOHASH, 0.0)
        for number in range(0, 3 * PEERS_MAX, 200):
            peers = [f"20.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(number, number + 200)]
            lookup.hop_ended(make_hop(1, *peers), 0.0)
        document = lookup.document(1.0)
        hops, peers_found = document["hops"], document["peers"]
        assert isinstance(hops, list) and isinstance(peers_found, list)
        assert len(peers_found) == sum(len(hop["peers"]) for hop in hops) == PEERS_MAX


class TestMany:
    def test_two_who_watch_the_same_share_one_search_until_both_have_left(self) -> None:
        begun: list[Search] = []
        dropped: list[Search] = []
        lookups = Lookups(begun.append, dropped.append)
        first, second = lookups.watch(INFOHASH, 0.0), lookups.watch(INFOHASH, 1.0)
        other = lookups.watch(InfoHash(b"o" * 20), 1.0)
        lookups.hop_ended(make_hop(1), 2.0)
        assert len(begun) == 2
        seen = [asyncio.run(each.hops.take(0.001)) for each in (first, second, other)]
        assert [[hop["at_s"] for hop in hops] for hops in seen] == [[2.0], [2.0], []]
        lookups.leave(first)
        assert dropped == []
        lookups.leave(second)
        lookups.leave(second)
        assert dropped == begun[:1]

    def test_who_comes_later_sees_what_there_was(self) -> None:
        lookups = Lookups(lambda search: None, lambda search: None)
        first = lookups.watch(INFOHASH, 0.0)
        lookups.hop_ended(make_hop(1, "203.0.113.1"), 2.0)
        second = lookups.watch(INFOHASH, 3.0)
        lookups.hop_ended(make_hop(2, "203.0.113.1"), 4.0)
        told = [asyncio.run(each.hops.take(0.001)) for each in (first, second)]
        assert told[0] == told[1] and [hop["peers_given"] for hop in told[0]] == [1, 1]
        assert first.document(9.0) == second.document(9.0)

    def test_a_search_that_ended_is_not_dropped(self) -> None:
        dropped: list[Search] = []
        lookups = Lookups(lambda search: None, dropped.append)
        lookup = lookups.watch(INFOHASH, 0.0)
        lookups.ended(TraceEnded(INFOHASH, 1, 1), 1.0)
        lookups.hop_ended(replace(make_hop(1), outcome="silent"), 2.0)  # of another, long gone
        lookups.leave(lookup)
        assert dropped == [] and lookup.hops.is_over

    def test_the_end_of_the_node_ends_every_view(self) -> None:
        lookups = Lookups(lambda search: None, lambda search: None)
        lookup = lookups.watch(INFOHASH, 0.0)
        lookups.close()
        assert lookup.hops.is_over and lookup.document(1.0)["complete"] is False
