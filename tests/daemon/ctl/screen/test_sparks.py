"""Sparklines: as wide as asked, the newest at the right, and the samples are bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.screen.sparks import (
    BLOCKS,
    HISTORIES_MAX,
    SAMPLES_MAX,
    Histories,
    graph,
    sparkline,
)

VALUES = st.lists(st.integers(0, 10**9), max_size=40)


def rates(down: int, up: int = 0) -> Document:
    return Document({"download_rate_bytes_per_s": down, "upload_rate_bytes_per_s": up})


def test_the_newest_is_at_the_right_and_the_largest_is_full() -> None:
    assert sparkline([0, 4, 8], 3) == "▁▅█"
    assert sparkline([8, 0, 4, 8], 3) == "▁▅█"
    assert sparkline([4, 8], 4) == "  ▅█"


@pytest.mark.parametrize("values", [[], [0, 0, 0]])
def test_who_never_moved_has_no_picture(values: list[int]) -> None:
    assert sparkline(values, 10) == ""


@given(VALUES, st.integers(0, 30), st.integers(1, 6))
def test_a_picture_is_as_wide_and_as_high_as_asked(
    values: list[int], width: int, height: int
) -> None:
    assert len(sparkline(values, width)) in (0, width)
    lines = graph(values, width, height)
    assert [len(line) for line in lines] == [width] * height


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.integers(1, 5))
def test_a_column_of_a_graph_is_as_high_as_its_value(values: list[int], height: int) -> None:
    """Counted in eighths of a line, from the bottom; never blank for what is not zero."""
    lines = graph(values, len(values), height)
    top = max(values)
    for column, value in enumerate(values):
        cells = [line[column] for line in lines]
        eighths = sum(0 if cell == " " else BLOCKS.index(cell) + 1 for cell in cells)
        assert eighths == (max(1, round(value / top * height * 8)) if value else 0)
        assert cells == sorted(cells, key=BLOCKS.find)


class TestHistories:
    def test_it_remembers_who_moved_both_ways(self) -> None:
        histories = Histories()
        for second in range(SAMPLES_MAX + 10):
            histories.note("one", rates(second, 1))
        assert len(histories.down("one")) == SAMPLES_MAX
        assert histories.down("one")[-1] == SAMPLES_MAX + 9
        assert histories.both("one")[-1] == SAMPLES_MAX + 10
        assert histories.up("one") == [1] * SAMPLES_MAX

    def test_who_stands_still_costs_nothing(self) -> None:
        histories = Histories()
        histories.note("one", rates(0))
        assert histories.down("one") == []
        histories.note("one", rates(5))
        histories.note("one", rates(0))
        assert histories.down("one") == [5, 0]
        for _ in range(SAMPLES_MAX):
            histories.note("one", rates(0))
        assert histories.down("one") == []

    def test_there_are_so_many_and_no_more(self) -> None:
        histories = Histories()
        for number in range(HISTORIES_MAX + 1):
            histories.note(str(number), rates(1))
        assert histories.down("0") == []
        assert histories.down("1") == histories.down(str(HISTORIES_MAX)) == [1]

    def test_who_is_gone_is_forgotten(self) -> None:
        histories = Histories()
        histories.note("one", rates(1))
        histories.note("two", rates(1))
        histories.keep(["two"])
        assert histories.down("one") == [] and histories.down("two") == [1]
