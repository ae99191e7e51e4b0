"""Rates (the ones BEP 3's choking algorithm compares), against bytes counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.wire.peer.rates import Rate


def test_a_steady_flow_is_measured_right_from_the_first_second_on() -> None:
    rate = Rate(100.0, time_constant_s=10.0)
    for tenth in range(1, 1001):
        now = 100.0 + tenth / 10
        rate.add(5000, now)
        if tenth >= 10:
            assert rate.bytes_per_s(now) == pytest.approx(50_000, rel=0.06)


def test_silence_lets_the_rate_fall_by_its_time_constant() -> None:
    rate = Rate(0.0, time_constant_s=10.0)
    for second in range(1, 101):
        rate.add(1000, float(second))
    before = rate.bytes_per_s(100.0)
    assert rate.bytes_per_s(110.0) == pytest.approx(before / 2.71828, rel=0.01)
    assert rate.bytes_per_s(300.0) == 0.0


def test_a_rate_that_never_saw_a_byte_is_zero() -> None:
    assert Rate(5.0).bytes_per_s(5.0) == 0.0 == Rate(5.0).bytes_per_s(500.0)


def test_a_burst_in_the_first_instant_is_not_an_endless_rate() -> None:
    rate = Rate(0.0)
    rate.add(1_000_000, 0.0)
    assert rate.bytes_per_s(0.0) <= 2_100_000


def test_a_restart_forgets_the_past() -> None:
    rate = Rate(0.0)
    rate.add(10_000_000, 1.0)
    rate.restart(2.0)
    assert rate.bytes_per_s(2.0) == 0.0
    rate.add(1000, 3.0)
    assert rate.bytes_per_s(3.0) == pytest.approx(1000, rel=0.06)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(0, 100)), max_size=30))
def test_adding_at_one_moment_in_parts_or_at_once_is_the_same(
    flows: list[tuple[int, float]],
) -> None:
    whole, parts = Rate(0.0), Rate(0.0)
    now = 0.0
    for size, gap in flows:
        now += gap
        whole.add(size, now)
        parts.add(size // 2, now)
        parts.add(size - size // 2, now)
    assert whole.bytes_per_s(now) == pytest.approx(parts.bytes_per_s(now))


def test_a_clock_that_stands_or_is_late_does_no_harm() -> None:
    rate = Rate(10.0)
    rate.add(1000, 9.0)
    assert 0 <= rate.bytes_per_s(9.0) <= 2100
