"""Silence of the network, and never of ours; too few nodes; and how often to rejoin (BEP 5)."""

from collections.abc import Callable
from itertools import pairwise

from tests.dht.makers import NOW
from torrentd.dht.health import (
    CHECK_S,
    NODES_NEEDED,
    QUIET_S,
    REJOIN_S_MAX,
    REJOIN_S_MIN,
    SILENT_S,
    Health,
)

MANY = NODES_NEEDED + 20


def live(
    health: Health,
    start: float,
    duration_s: float,
    nodes_good: Callable[[float], int] = lambda now: MANY,
    *,
    answers: bool = False,
) -> list[tuple[float, str]]:
    """Let time pass; every ping is answered, or none. What was advised, by seconds since NOW."""
    advised: list[tuple[float, str]] = []
    now = start
    while (now := max(health.next_deadline(), now)) <= start + duration_s:
        advice = health.check(now, nodes_good(now)) if health.is_check_due(now) else None
        if advice is not None:
            advised.append((now - NOW, advice))
        if advice == "ping" and answers:
            health.answered(now)
    return advised


def joined() -> Health:
    health = Health(NOW)
    health.answered(NOW)
    return health


def rejoins(advised: list[tuple[float, str]]) -> list[float]:
    return [at for at, advice in advised if advice == "rejoin"]


class TestSilence:
    def test_a_minute_without_an_answer_although_nodes_were_asked_is_silence(self) -> None:
        health = joined()
        advised = live(health, NOW, SILENT_S + CHECK_S)
        pings = [at for at, advice in advised if advice == "ping"]
        assert len(pings) >= 4 and QUIET_S <= pings[0] <= QUIET_S + CHECK_S
        assert len(rejoins(advised)) == 1 and rejoins(advised)[0] <= SILENT_S + CHECK_S
        assert health.state == "silent" and health.silent_since == NOW

    def test_a_content_table_that_asks_nobody_is_not_silent(self) -> None:
        """An hour in which nothing is asked but the pings: they are few."""
        health = joined()
        advised = live(health, NOW, 3600, answers=True)
        assert rejoins(advised) == []
        assert len(advised) <= 3600 / QUIET_S + 1
        assert health.state == "online"

    def test_a_process_that_was_stopped_for_an_hour_asks_before_it_believes_so(self) -> None:
        health = joined()
        advised = live(health, NOW + 3600, 60, answers=True)
        assert [advice for _, advice in advised][:1] == ["ping"]
        assert rejoins(advised) == []

    def test_the_first_answer_after_it_ends_it_and_says_since_when_it_lasted(self) -> None:
        health = joined()
        live(health, NOW, 3600)
        assert health.answered(NOW + 3600) == NOW
        assert health.state == "online"
        assert health.answered(NOW + 3601) is None


class TestOnline:
    def test_it_is_online_since_the_first_answer_after_the_last_silence(self) -> None:
        health = Health(NOW)
        told = [health.online_since]
        health.answered(NOW + 3)
        health.answered(NOW + 9)
        told.append(health.online_since)
        live(health, NOW + 9, 600)
        told.append(health.online_since)
        health.answered(NOW + 700)
        told.append(health.online_since)
        assert told == [None, NOW + 3, None, NOW + 700]


class TestJoining:
    def test_nobody_has_answered_yet_is_a_state_of_its_own(self) -> None:
        health = Health(NOW)
        states = [health.state]
        assert rejoins(live(health, NOW, SILENT_S + CHECK_S)) != []
        states.append(health.state)
        assert health.answered(NOW + 70) == NOW
        assert [*states, health.state] == ["joining", "joining", "online"]


class TestBackOff:
    def test_rejoins_go_on_for_ever_and_become_seldom(self) -> None:
        at = rejoins(live(joined(), NOW, 24 * 3600))
        gaps = [after - before for before, after in pairwise(at)]
        assert REJOIN_S_MIN <= gaps[0] <= REJOIN_S_MIN + CHECK_S
        assert all(REJOIN_S_MAX <= gap <= REJOIN_S_MAX + CHECK_S for gap in gaps[3:])

    def test_after_a_silence_that_ended_the_next_one_begins_with_the_short_distance(self) -> None:
        health = joined()
        live(health, NOW, 3600)
        health.answered(NOW + 3600)
        at = rejoins(live(health, NOW + 3600, 600))
        assert at[1] - at[0] <= REJOIN_S_MIN + CHECK_S

    def test_when_the_network_changed_it_begins_with_the_short_distance(self) -> None:
        health = joined()
        live(health, NOW, 3600)
        health.restart(NOW + 3600)
        at = rejoins(live(health, NOW + 3600, 600))
        assert 3600 + SILENT_S <= at[0] <= 3600 + SILENT_S + CHECK_S
        assert at[1] - at[0] <= REJOIN_S_MIN + CHECK_S


class TestFewNodes:
    def test_fewer_good_nodes_than_needed_after_there_were_more_is_a_rejoin_once(self) -> None:
        def nodes_good(now: float) -> int:
            return MANY if now < NOW + 100 else NODES_NEEDED - 1

        at = rejoins(live(joined(), NOW, 3600, nodes_good, answers=True))
        assert len(at) == 1 and 100 <= at[0] <= 100 + CHECK_S

    def test_a_small_dht_that_never_had_more_is_left_in_peace(self) -> None:
        assert rejoins(live(joined(), NOW, 3600, lambda now: 2, answers=True)) == []

    def test_a_count_that_swings_around_the_limit_costs_a_rejoin_a_minute_at_most(self) -> None:
        def nodes_good(now: float) -> int:
            return NODES_NEEDED - int(now / 10) % 2

        at = rejoins(live(joined(), NOW, 3600, nodes_good, answers=True))
        assert at
        assert all(b - a >= REJOIN_S_MIN for a, b in pairwise(at))
