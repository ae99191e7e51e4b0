"""Rates in virtual time: exact, fair, and changed while they run. No BEP applies."""

import random
from collections.abc import Callable

import pytest

from torrentd.wire.swarm.throttle import ACTIVE_S, UNLIMITED, Meter, Throttle

BLOCK_BYTES = 16_384
Wants = Callable[[float], int]  # bytes that it would take at a time


def always(_: float) -> int:
    return UNLIMITED


def trickle(bytes_per_s: int) -> Wants:
    """Something that itself is no faster than that."""
    last_at = [0.0]

    def wants(now: float) -> int:
        size = int((now - last_at[0]) * bytes_per_s)
        if size:
            last_at[0] = now
        return size

    return wants


def flow(meters: dict[Meter, Wants], since: float, seconds: float, unit: int = 1) -> list[int]:
    """What each let through, taken in units of `unit` bytes, looked at when it asks to be."""
    came = dict.fromkeys(meters, 0)
    due = dict.fromkeys(meters, since)
    rng = random.Random(7)
    while True:
        meter = min(due, key=lambda m: due[m])
        now = due[meter]
        if now >= since + seconds:
            return list(came.values())
        wanted = meters[meter](now)
        while wanted > 0 and (room := meter.room(now)) > 0:
            size = min(wanted, max(room // unit, 1) * unit)
            meter.take(size)
            came[meter] += size
            wanted -= size
        due[meter] = max(meter.next_at(now), now + 0.001) + rng.random() * 0.01


@pytest.mark.parametrize("rate", [5_000, 100_000, 3_000_000, 200_000_000])
@pytest.mark.parametrize("unit", [1, BLOCK_BYTES])
def test_a_rate_is_exact_to_five_per_cent_over_five_seconds(rate: int, unit: int) -> None:
    throttle = Throttle(rate, 0.0)
    (came,) = flow({throttle.meter(0.0): always}, 0.0, 5.0, unit)
    assert came == pytest.approx(5 * rate, rel=0.05, abs=unit)


@pytest.mark.parametrize("rate", [20_000, 2_000_000])
def test_so_is_the_limit_of_one_torrent(rate: int) -> None:
    meter = Throttle(0, 0.0).meter(0.0)
    meter.set_limit(rate, 0.0)
    (came,) = flow({meter: always}, 0.0, 5.0, BLOCK_BYTES)
    assert came == pytest.approx(5 * rate, rel=0.05, abs=BLOCK_BYTES)


def test_without_any_limit_nothing_is_counted() -> None:
    meter = Throttle(0, 0.0).meter(0.0)
    assert not meter.is_limited
    assert meter.room(0.0) == UNLIMITED
    meter.take(1 << 40)
    assert meter.room(0.0) == UNLIMITED


def test_torrents_share_alike() -> None:
    throttle = Throttle(900_000, 0.0)
    came = flow({throttle.meter(0.0): always for _ in range(9)}, 0.0, 10.0, BLOCK_BYTES)
    assert sum(came) == pytest.approx(9_000_000, rel=0.05)
    for one in came:
        assert one == pytest.approx(1_000_000, rel=0.08)


def test_what_one_does_not_use_goes_to_the_others() -> None:
    throttle = Throttle(1_000_000, 0.0)
    limited = throttle.meter(0.0)
    limited.set_limit(50_000, 0.0)
    meters = {
        throttle.meter(0.0): trickle(100_000),
        limited: always,
        throttle.meter(0.0): always,
        throttle.meter(0.0): always,
    }
    slow, own, one, other = flow(meters, 0.0, 10.0)
    assert slow == pytest.approx(1_000_000, rel=0.05)
    assert own == pytest.approx(500_000, rel=0.05)
    assert one == pytest.approx(other, rel=0.05)
    assert slow + own + one + other == pytest.approx(10_000_000, rel=0.05)


def test_who_is_silent_gets_no_part_after_a_second() -> None:
    throttle = Throttle(100_000, 0.0)
    silent, busy = throttle.meter(0.0), throttle.meter(0.0)
    silent.room(0.0)
    flow({busy: always}, 0.0, 2 * ACTIVE_S)
    (came,) = flow({busy: always}, 2 * ACTIVE_S, 10.0)
    assert came == pytest.approx(1_000_000, rel=0.05)
    assert silent.room(2 * ACTIVE_S + 10.0) <= 20_000, "nothing was saved up"


def test_a_limit_is_changed_while_bytes_flow() -> None:
    throttle = Throttle(1_000_000, 0.0)
    meter = throttle.meter(0.0)
    flow({meter: always}, 0.0, 3.0, BLOCK_BYTES)
    throttle.set_rate(100_000, 3.0)
    (came,) = flow({meter: always}, 3.0, 5.0, BLOCK_BYTES)
    assert came == pytest.approx(500_000, rel=0.05)
    throttle.set_rate(0, 8.0)
    assert meter.room(8.0) == UNLIMITED
    throttle.set_rate(200_000, 9.0)
    (came,) = flow({meter: always}, 9.0, 5.0, BLOCK_BYTES)
    assert came == pytest.approx(1_000_000, rel=0.05)


def test_a_debt_is_paid_before_more_flows() -> None:
    throttle = Throttle(16_384, 0.0)
    meter = throttle.meter(0.0)
    meter.room(0.0)
    assert meter.room(0.1) > 0
    meter.take(BLOCK_BYTES)
    assert meter.room(0.9) == 0
    assert meter.room(1.2) > 0


def test_of_what_is_owed_when_a_limit_changes_a_block_is_still_to_be_paid() -> None:
    """It may be on its way; more than that is of a faster time."""
    for owed_bytes in (10_000_000, BLOCK_BYTES):
        throttle = Throttle(50_000_000, 0.0)
        meter = throttle.meter(0.0)
        meter.set_limit(50_000_000, 0.0)
        meter.room(0.1)
        meter.take(10_000_000 + owed_bytes)
        throttle.set_rate(10_000, 0.1)
        meter.set_limit(10_000, 0.1)
        assert not any(meter.room(at) for at in (0.6, 1.1, 1.6))
        assert meter.room(1.9) > 0


def test_one_that_left_takes_no_part() -> None:
    throttle = Throttle(100_000, 0.0)
    gone, stays = throttle.meter(0.0), throttle.meter(0.0)
    gone.room(0.0)
    stays.room(0.0)
    gone.leave()
    assert stays.room(0.1) == pytest.approx(10_000, abs=1)
