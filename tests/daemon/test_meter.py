"""A rate of late, from a counter that only grows."""

import pytest

from torrentd.daemon.meter import SPAN_S, Meter


def test_nothing_is_known_at_first() -> None:
    meter = Meter()
    assert meter.per_s(100, 5.0) == 0.0
    meter.sample(100, 5.0)
    assert meter.per_s(100, 5.0) == 0.0


@pytest.mark.parametrize("interval_s", [0.1, 1.0, 4.7])
def test_a_steady_rate_is_told_whatever_the_interval(interval_s: float) -> None:
    meter = Meter()
    for step in range(1000):
        now = step * interval_s
        meter.sample(int(20 * now), now)
    now = 1000 * interval_s
    assert meter.per_s(int(20 * now), now) == pytest.approx(20, rel=0.05)


def test_what_was_longer_ago_than_the_span_is_forgotten() -> None:
    meter = Meter()
    meter.sample(0, 0.0)
    for now in range(1, 100):
        meter.sample(10_000, float(now))
    assert meter.per_s(10_000, 100.0) == 0.0
    assert len(meter._samples) <= SPAN_S + 2
