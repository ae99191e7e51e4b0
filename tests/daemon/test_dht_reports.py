"""The DHT's counters as a document: each under its own name."""

from dataclasses import fields

from torrentd.daemon.dht_reports import JOINING_PATIENCE_S, dht_status, silence_sentence
from torrentd.daemon.status import DhtFamilyStatus, DhtStatus
from torrentd.dht.health import HealthState
from torrentd.dht.stats import DhtStats, FamilyStats
from torrentd.wire.formats.address import parse_address

HOME = "192.0.2.1:6881"


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
    family = FamilyStats("ipv4", "a1" * 20, "203.0.113.9", 5, 2, 1, 3, votes, "silent", 4)
    stats = DhtStats(families=[family])
    status = dht_status(stats, 0.0, (), {"ipv4": HOME}.get, dropped=0, answered_per_s=0.0)
    assert status.families == [
        DhtFamilyStatus("ipv4", "a1" * 20, "203.0.113.9", 5, 2, 1, 3, votes, "silent", 4, HOME)
    ]


def test_nodes_of_further_addresses_count_as_well() -> None:
    """BEP 45."""
    own = DhtStats(nodes_good=5, queries_sent=10, last_reply_at=3.0, families=[family("online")])
    other = DhtStats(nodes_good=7, nodes_bad=1, queries_sent=2, last_reply_at=6.0)
    other.families = [family("silent")]
    further = [(parse_address("192.0.2.2:6881"), other)]
    status = dht_status(own, 9.0, further, dropped=0, answered_per_s=0.0)
    assert (status.nodes_good, status.nodes_bad, status.queries_sent) == (12, 1, 12)
    assert status.last_reply_age_s == 3.0
    assert [node.health for node in status.families] == ["online"]
    assert [(node.health, node.listens_at) for node in status.further] == [
        ("silent", "192.0.2.2:6881")
    ]
    assert own.nodes_good == 5, "the live counters are left alone"


def family(health: HealthState, rejoins: int = 0) -> FamilyStats:
    return FamilyStats("ipv4", "a1" * 20, None, 0, 0, 0, 1, {}, health, rejoins)


class TestSilence:
    def test_silence_is_a_sentence_with_its_length_and_what_was_done(self) -> None:
        stats = DhtStats(last_reply_at=100.0, families=[family("silent", 2), family("joining", 1)])
        assert silence_sentence(stats, 175.0, 0.0) == (
            "no DHT node has answered for 75 s; asked again with new sockets, 3 times"
        )

    def test_one_family_that_answers_is_enough(self) -> None:
        stats = DhtStats(last_reply_at=100.0, families=[family("silent", 2), family("online")])
        assert silence_sentence(stats, 175.0, 0.0) is None

    def test_a_start_has_some_time_before_it_is_a_trouble(self) -> None:
        stats = DhtStats(families=[family("joining")])
        assert silence_sentence(stats, 5.0 + JOINING_PATIENCE_S - 1, 5.0) is None
        assert silence_sentence(stats, 45.0, 5.0) == (
            "no DHT node has answered since the start, 40 s ago"
        )
