"""What is accepted from one source, what is sent in all (D1, D9, T29)."""

import random

from tests.dht.makers import NOW, address
from torrentd.dht.rate_limit import (
    PROVEN_MAX,
    PROVEN_S,
    WINDOW_S,
    Budget,
    ProvenAddresses,
    SourceSketch,
)

PER_S = 5
SHARE = int(PER_S * WINDOW_S)


class TestSourceSketch:
    def test_a_source_gets_its_share_of_a_window_and_no_more(self) -> None:
        sketch = SourceSketch(PER_S, random.Random(1), NOW)
        taken = [sketch.take(b"flood", NOW + index / 1000) for index in range(1000)]
        assert sum(taken) == SHARE and all(taken[:SHARE])

    def test_five_a_second_for_ever_is_fine(self) -> None:
        sketch = SourceSketch(PER_S, random.Random(1), NOW)
        assert all(sketch.take(b"busy", NOW + index * 0.21) for index in range(2000))

    def test_the_penalty_ends_when_the_flood_does(self) -> None:
        sketch = SourceSketch(PER_S, random.Random(1), NOW)
        for _ in range(1000):
            sketch.take(b"flood", NOW)
        assert not sketch.take(b"flood", NOW + WINDOW_S - 1)
        assert not sketch.take(b"flood", NOW + WINDOW_S + 1)  # the window before counts too
        assert sketch.take(b"flood", NOW + 3 * WINDOW_S)

    def test_a_window_cannot_be_used_twice_at_its_edge(self) -> None:
        sketch = SourceSketch(PER_S, random.Random(1), NOW)
        edge = NOW + WINDOW_S
        before = sum(sketch.take(b"edge", edge - 0.1) for _ in range(100))
        after = sum(sketch.take(b"edge", edge + 0.1) for _ in range(100))
        assert before == SHARE and after <= 2

    def test_a_quiet_source_is_heard_during_a_flood_of_spoofed_ones(self) -> None:
        sketch, rng = SourceSketch(PER_S, random.Random(1), NOW), random.Random(2)
        for index in range(20_000):
            sketch.take(rng.randbytes(4), NOW + index / 4000)
        quiet = [sketch.take(b"quiet%d" % index, NOW + 5.1) for index in range(500)]
        assert all(quiet)

    def test_a_source_is_never_counted_too_low(self) -> None:
        sketch, rng = SourceSketch(PER_S, random.Random(1), NOW), random.Random(3)
        sources = [rng.randbytes(4) for _ in range(200)]
        taken = dict.fromkeys(sources, 0)
        for _ in range(30_000):
            source = rng.choice(sources)
            taken[source] += sketch.take(source, NOW + 1)
        assert max(taken.values()) <= SHARE


class TestBudget:
    def test_the_rate_is_met_within_five_percent(self) -> None:
        budget, sent = Budget(16_000, NOW), 0
        for index in range(100_000):
            sent += 300 * budget.take(300, NOW + index / 1000, proven=True)
        assert 0.95 < (sent - 32_000) / (16_000 * 100) <= 1.0

    def test_the_last_quarter_is_for_proven_addresses(self) -> None:
        budget = Budget(16_000, NOW)
        while budget.take(100, NOW, proven=False):
            pass
        reserve = 0
        while budget.take(100, NOW, proven=True):
            reserve += 100
        assert reserve == 8_000

    def test_a_clock_that_stands_still_gives_nothing(self) -> None:
        budget = Budget(1000, NOW)
        assert sum(budget.take(500, NOW, proven=True) for _ in range(100)) == 4


class TestProvenAddresses:
    def test_for_ten_minutes(self) -> None:
        proven = ProvenAddresses()
        assert not proven.is_proven(address(1), NOW)
        proven.add(address(1), NOW)
        assert proven.is_proven(address(1), NOW + PROVEN_S - 1)
        assert not proven.is_proven(address(1), NOW + PROVEN_S)
        assert not proven.is_proven(address(1, port=1), NOW)

    def test_the_oldest_is_forgotten(self) -> None:
        proven = ProvenAddresses()
        for index in range(PROVEN_MAX):
            proven.add(address(index), NOW)
        proven.add(address(0), NOW + 1)  # again: no longer the oldest
        proven.add(address(PROVEN_MAX), NOW + 1)
        assert proven.is_proven(address(0), NOW + 2)
        assert not proven.is_proven(address(1), NOW + 2)
