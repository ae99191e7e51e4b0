"""Spans of a week, against counting minutes."""

import pytest

from torrentd.config.times import DAYS, parse_time_span


def when(text: str) -> list[str]:
    """Where it begins and ends in a week, minute by minute."""
    span = parse_time_span(text)
    held = [span.holds(day, minute) for day in range(7) for minute in range(24 * 60)]
    changes = []
    for at, now in enumerate(held):
        if now != held[at - 1]:
            day, minute = divmod(at, 24 * 60)
            changes.append(f"{'+' if now else '-'}{DAYS[day]} {minute // 60:02}:{minute % 60:02}")
    return changes


def test_a_span_within_the_day() -> None:
    assert when("wed 08:00-18:30") == ["+wed 08:00", "-wed 18:30"]
    assert when("sat-sun 10:00-11:00") == [
        "+sat 10:00", "-sat 11:00", "+sun 10:00", "-sun 11:00",
    ]  # fmt: skip


def test_a_night_ends_on_the_next_day() -> None:
    assert when("fri 22:00-06:00") == ["+fri 22:00", "-sat 06:00"]
    assert when("sun 22:00-06:00") == ["-mon 06:00", "+sun 22:00"]


def test_days_may_go_over_the_weekend() -> None:
    assert parse_time_span("fri-mon 01:00-02:00").days == {4, 5, 6, 0}


def test_without_days_it_is_every_day() -> None:
    assert parse_time_span("22:00-06:00").days == set(range(7))
    assert len(when("22:00-06:00")) == 14


def test_a_whole_day() -> None:
    assert when("sun 00:00-24:00") == ["-mon 00:00", "+sun 00:00"]
    assert when("tue 00:00-00:00") == ["+tue 00:00", "-wed 00:00"]


@pytest.mark.parametrize(
    "text", ["", "mon", "8:00-9:00", "mon 08:00", "moon 08:00-09:00", "25:00-26:00", "24:01-03:00",
             "mon-fri08:00-09:00", "08:00-09:60"]
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"span|day"):
        parse_time_span(text)
