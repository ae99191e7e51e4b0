"""The counters: whatever is dropped is in the sum."""

from dataclasses import fields

from torrentd.dht.stats import DhtStats


def test_every_reason_to_drop_counts_in_the_sum() -> None:
    reasons = [field.name for field in fields(DhtStats) if field.name.startswith("dropped_")]
    assert len(reasons) >= 9
    for count, reason in enumerate(reasons, 1):
        stats = DhtStats()
        setattr(stats, reason, count)
        assert stats.datagrams_dropped == count, reason
