"""Sizes, rates and times, within the widths that tables rely on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon.ctl.quantities import (
    duration,
    milliseconds,
    percent,
    rate,
    seconds,
    short_size,
    size,
)


@pytest.mark.parametrize(
    ("count", "long", "short"),
    [
        (0, "0 B", "0"),
        (999, "999 B", "999"),
        (1000, "0.98 KiB", "1.0K"),
        (1024, "1.00 KiB", "1.0K"),
        (16384, "16.0 KiB", "16.0K"),
        (1024 * 1000 - 1, "0.98 MiB", "1.0M"),
        (12_897_485, "12.3 MiB", "12.3M"),
        (150 * 2**20, "150 MiB", "150M"),
        (2**30, "1.00 GiB", "1.0G"),
        (5 * 2**40, "5.00 TiB", "5.0T"),
    ],
)
def test_sizes(count: int, long: str, short: str) -> None:
    assert size(count) == long and short_size(count) == short
    assert rate(count) == f"{long}/s"


@given(st.integers(0, 2**60))
def test_sizes_fit_their_columns_and_are_about_right(count: int) -> None:
    assert len(size(count)) <= 8 and len(rate(count)) <= 10 and len(short_size(count)) <= 5
    number, unit = size(count).split()
    factor = {"B": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4, "PiB": 5, "EiB": 6}[unit]
    assert float(number) * 1024**factor == pytest.approx(count, rel=0.01)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (3599, "59m59s"),
        (3725, "1h02m"),
        (86400, "1d00h"),
        (99 * 86400, "99d00h"),
        (100 * 86400, ">99d"),
        (10**12, ">99d"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    assert duration(seconds) == text and len(text) <= 6


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0%"), (0.4321, "43.2%"), (0.99999, "99.9%"), (1, "100%"), (1.5, "100%"), (-1, "0.0%")],
)
def test_a_hundred_per_cent_is_all_of_it(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.0004, "0 ms"), (0.0824, "82 ms"), (9, "9000 ms")])
def test_round_trips(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0.0s"), (0.44, "0.4s"), (9.94, "9.9s"), (9.96, "10s"), (75, "1m15s")]
)
def test_short_times_have_tenths(count: float, text: str) -> None:
    assert seconds(count) == text
