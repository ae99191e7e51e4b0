"""Spans of a week, as in `mon-fri 08:00-18:00`: when other limits hold."""

import re
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(DAYS)
_SPAN = re.compile(
    rf"(?:(?P<first>{_DAY})(?:-(?P<last>{_DAY}))? )?"
    r"(?P<begin>[0-2][0-9]:[0-5][0-9])-(?P<end>[0-2][0-9]:[0-5][0-9])"
)
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Minutes of a day, begin to end, on some days of a week (0 is Monday). An end that is not
    after the begin lies on the next day."""

    days: frozenset[int]
    begin_minute: int
    end_minute: int

    def holds(self, day: int, minute: int) -> bool:
        """At this minute of this day?"""
        if self.begin_minute < self.end_minute:
            return day in self.days and self.begin_minute <= minute < self.end_minute
        if minute >= self.begin_minute:
            return day in self.days
        return minute < self.end_minute and (day - 1) % 7 in self.days


def parse_time_span(text: str) -> TimeSpan:
    """ValueError with a reason. Without days it is every day; `fri-mon` goes over the weekend."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError("it is no span of time")
    first = DAYS.index(match["first"]) if match["first"] else 0
    last = DAYS.index(match["last"]) if match["last"] else first if match["first"] else 6
    count = (last - first) % 7 + 1
    days = frozenset((first + number) % 7 for number in range(count))
    return TimeSpan(days, _minute(match["begin"]), _minute(match["end"]))


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    minute = int(hours) * 60 + int(minutes)
    if minute > _DAY_MINUTES:
        raise ValueError("a day ends at 24:00")
    return minute
