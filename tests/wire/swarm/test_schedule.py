"""When a swarm looks for peers, to the second (BEP 5 leaves it open)."""

import random
from itertools import pairwise

from torrentd.wire.swarm.schedule import (
    ANEW_SPREAD_S,
    ANNOUNCE_S,
    ANNOUNCE_SPREAD_S,
    SearchSchedule,
)


def searches(schedule: SearchSchedule, until: float, *, hungry: bool) -> list[tuple[float, bool]]:
    """(when, announce) of each search up to `until`."""
    found = []
    while (at := schedule.next_deadline()) is not None and at <= until:
        search = schedule.due(at, hungry=hungry)
        assert search is not None
        found.append((at, search.announce))
    return found


def test_without_peers_after_5_15_60_and_240_seconds() -> None:
    schedule = SearchSchedule(random.Random(1))
    schedule.start(100.0)
    times = searches(schedule, 600.0, hungry=True)
    assert times == [(100, True), (105, False), (120, False), (180, False), (420, False)]


def test_with_peers_only_the_announces() -> None:
    schedule = SearchSchedule(random.Random(1))
    schedule.start(0.0)
    times = searches(schedule, 10 * ANNOUNCE_S, hungry=False)
    assert all(announce for _, announce in times)
    gaps = [after - before for (before, _), (after, _) in pairwise(times)]
    assert all(ANNOUNCE_S <= gap <= ANNOUNCE_S + ANNOUNCE_SPREAD_S for gap in gaps)
    assert max(gaps) - min(gaps) > 1.0, "many torrents spread"


def test_never_two_announces_within_fifteen_minutes_whatever_happens() -> None:
    schedule = SearchSchedule(random.Random(2))
    announces = []
    rng = random.Random(3)
    now = 0.0
    for _ in range(3000):
        now += rng.random() * 20
        match rng.randrange(20):
            case 0:
                schedule.start(now)
            case 1:
                schedule.stop()
            case 2:
                schedule.hungry(now)
        search = schedule.due(now, hungry=rng.random() < 0.5)
        if search is not None and search.announce:
            announces.append(now)
    gaps = [after - before for before, after in pairwise(announces)]
    assert len(announces) > 10
    assert min(gaps) >= ANNOUNCE_S


def test_the_last_peer_gone_is_hunger_again() -> None:
    schedule = SearchSchedule(random.Random(1))
    schedule.start(0.0)
    schedule.due(0.0, hungry=False)
    schedule.hungry(300.0)
    assert searches(schedule, 330.0, hungry=True) == [(305, False), (310, False), (325, False)]


def test_asleep_before_a_start_and_after_a_stop() -> None:
    schedule = SearchSchedule(random.Random(1))
    schedule.hungry(1.0)
    assert schedule.next_deadline() is None
    assert schedule.due(5.0, hungry=True) is None
    schedule.start(5.0)
    schedule.stop()
    assert schedule.next_deadline() is None
    assert schedule.due(9999.0, hungry=True) is None


def test_after_an_outage_it_searches_and_announces_anew_at_once() -> None:
    schedule = SearchSchedule(random.Random(1))
    schedule.start(0.0)
    searches(schedule, 500.0, hungry=True)
    schedule.begin_anew(500.0, complete=False)
    assert searches(schedule, 600.0, hungry=True) == [
        (500, True),
        (505, False),
        (520, False),
        (580, False),
    ]


def test_many_that_have_all_they_want_do_not_all_announce_at_once() -> None:
    times = []
    for seed in range(200):
        schedule = SearchSchedule(random.Random(seed))
        schedule.start(0.0)
        searches(schedule, 10.0, hungry=False)
        schedule.begin_anew(100.0, complete=True)
        times += searches(schedule, 100.0 + ANEW_SPREAD_S, hungry=False)
    assert len(times) == 200 and all(announce for _, announce in times)
    assert max(at for at, _ in times) - min(at for at, _ in times) > ANEW_SPREAD_S / 2


def test_asleep_it_stays_asleep() -> None:
    schedule = SearchSchedule(random.Random(1))
    schedule.begin_anew(5.0, complete=False)
    assert schedule.next_deadline() is None
