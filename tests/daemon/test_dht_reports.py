"""The DHT's counters as a document: each under its own name."""

from dataclasses import fields

from torrentd.daemon.dht_reports import dht_status
from torrentd.daemon.status import DhtFamilyStatus, DhtStatus
from torrentd.dht.stats import DhtStats, FamilyStats


def test_every_counter_is_told_under_its_own_name() -> None:
    stats = DhtStats()
    shared = {field.name for field in fields(DhtStats)} & {
        field.name for field in fields(DhtStatus)
    }
    counters = sorted(shared - {"families"})
    assert len(counters) >= 12
    for number, name in enumerate(counters, 1):
        setattr(stats, name, number)
    status = dht_status(stats, 0.0, dropped=0, answered_per_s=0.0)
    assert [getattr(status, name) for name in counters] == [*range(1, len(counters) + 1)]


def test_what_never_reached_the_node_is_received_and_dropped() -> None:
    stats = DhtStats(datagrams_received=10, dropped_malformed=2)
    status = dht_status(stats, 0.0, dropped=5, answered_per_s=0.0)
    assert (status.datagrams_received, status.datagrams_dropped) == (15, 7)


def test_the_last_reply_has_an_age_once_there_was_one() -> None:
    assert dht_status(DhtStats(), 9.0, dropped=0, answered_per_s=0).last_reply_age_s is None
    stats = DhtStats(last_reply_at=7.0)
    assert dht_status(stats, 9.0, dropped=0, answered_per_s=0).last_reply_age_s == 2.0


def test_a_family_is_told_with_its_votes() -> None:
    votes = {"203.0.113.9": ["192.0.2.1"]}
    family = FamilyStats("ipv4", "a1" * 20, "203.0.113.9", 5, 2, 1, 3, votes)
    status = dht_status(DhtStats(families=[family]), 0.0, dropped=0, answered_per_s=0.0)
    assert status.families == [DhtFamilyStatus("ipv4", "a1" * 20, "203.0.113.9", 5, 2, 1, 3, votes)]
    assert status.nodes_bad == 1
