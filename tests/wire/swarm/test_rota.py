"""Ten thousand torrents are announced evenly, in virtual time; none of them too often."""

import hashlib
import random
from collections import Counter
from itertools import pairwise

import pytest

from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.swarm.rota import FEW, Rota
from torrentd.wire.swarm.schedule import ANNOUNCE_S

MANY = 10_000
HOUR_S = 3600.0


def infohash(number: int) -> InfoHash:
    return InfoHash(hashlib.sha1(b"%d" % number).digest())


def infohashes(count: int) -> list[InfoHash]:
    return [infohash(number) for number in range(count)]


def live(rota: Rota, since: float, until: float) -> list[tuple[float, InfoHash]]:
    """Every announce, with its time; called a few milliseconds late, as a loop does."""
    announces = []
    while (at := rota.next_deadline()) is not None and at <= until:
        now = max(at, since) + 0.004
        announces += [(now, each) for each in rota.due(now)]
    return announces


def check_intervals(announces: list[tuple[float, InfoHash]]) -> None:
    times: dict[InfoHash, list[float]] = {}
    for at, each in announces:
        times.setdefault(each, []).append(at)
    gaps = [after - before for mine in times.values() for before, after in pairwise(mine)]
    assert min(gaps) >= ANNOUNCE_S
    assert max(gaps) <= ANNOUNCE_S * 1.1


def per_minute(announces: list[tuple[float, InfoHash]]) -> list[int]:
    counts = Counter(int(at // 60) for at, _ in announces)
    return [counts[minute] for minute in range(min(counts), max(counts) + 1)]


def test_after_a_start_every_minute_has_its_equal_part() -> None:
    rota = Rota(random.Random(1))
    rota.spread(infohashes(MANY), 0.0)
    announces = live(rota, 0.0, HOUR_S)
    assert len({each for _, each in announces}) == MANY
    check_intervals(announces)
    share = MANY * 60 / ANNOUNCE_S
    assert all(0.97 * share <= count <= 1.03 * share for count in per_minute(announces)[:-1])


def test_those_that_came_at_once_are_drawn_apart_and_stay_so() -> None:
    rota = Rota(random.Random(1))
    for each in infohashes(MANY):
        rota.add(each, 0.0)
    announces = live(rota, 0.0, HOUR_S)
    check_intervals(announces)
    fastest = 2 * MANY * 60 / ANNOUNCE_S
    assert max(per_minute(announces)) <= 1.03 * fastest


def test_a_loop_that_was_late_makes_good_for_a_second_no_more() -> None:
    rota = Rota(random.Random(1))
    rota.spread(infohashes(MANY), 0.0)
    live(rota, 0.0, 10.0)
    step_s = ANNOUNCE_S / MANY / 2
    assert len(rota.due(500.0)) == pytest.approx(1.0 / step_s, abs=2)


def test_a_few_take_less_than_the_interval() -> None:
    rota = Rota(random.Random(1))
    rota.spread(infohashes(5), 50.0)
    assert len(live(rota, 50.0, 50.0 + 6 * ANNOUNCE_S / FEW)) == 5


def test_it_is_announced_when_it_was_due_last() -> None:
    rota = Rota(random.Random(1))
    rota.add(infohash(1), 10.0)
    rota.add(infohash(1), 30.0)
    assert [at for at, _ in live(rota, 0.0, 100.0)] == [pytest.approx(30.0, abs=0.01)]


def test_what_is_removed_is_due_no_more_and_tells_when_it_was() -> None:
    rota = Rota(random.Random(1))
    rota.add(infohash(1), 10.0)
    rota.add(infohash(2), 20.0)
    assert rota.remove(infohash(1)) == 10.0
    assert rota.remove(infohash(1)) is None
    assert [each for _, each in live(rota, 0.0, 100.0)] == [infohash(2)]
    assert len(rota) == 1


def test_nothing_is_kept_of_what_comes_and_goes() -> None:
    rota = Rota(random.Random(1))
    for number in range(1000):
        rota.add(infohash(number), float(number))
        rota.remove(infohash(number))
        rota.add(infohash(0), float(number))
    assert len(rota._heap) <= 4
