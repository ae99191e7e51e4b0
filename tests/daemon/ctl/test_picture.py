"""The picture of the pieces: each has its place, however many share a cell."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.ctl.printed import printed
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.picture import ALL, NONE, NOWHERE, ROWS_MAX, _bits, _cells, show_pieces
from torrentd.wire.formats.bitfield import Bitfield


def pieces(count: int, have: str, here: str) -> dict[str, Json]:
    return {"name": "one", "piece_count": count, "have": have, "here": here}


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "8")


def test_a_piece_a_cell(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, show_pieces, pieces(10, "f000", "0f00")) == [
        "████····",
        "xx",
        "4 of 10 pieces had, 2 that nobody here has (x)",
    ]


def test_many_pieces_share_a_cell(capsys: pytest.CaptureFixture[str]) -> None:
    count = 8 * ROWS_MAX * 4
    lines = printed(capsys, show_pieces, pieces(count, "f731" + "0" * (count // 4), "f" * count))
    assert len(lines) == ROWS_MAX + 1 and lines[0] == "█▓▒░····"
    assert lines[-1] == f"10 of {count} pieces had, a cell is up to 4 pieces"


def test_before_the_metadata_there_is_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, show_pieces, pieces(0, "", ""))
    assert lines == ["the pieces of one are not known yet"]


def test_colours_are_for_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    line = printed(capsys, show_pieces, pieces(4, "c0", "20"))[0]
    assert line == "\x1b[32m██\x1b[0m\x1b[2m·\x1b[0m\x1b[31mx\x1b[0m"


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_bits_are_those_of_the_bitfield(have: list[bool]) -> None:
    field = Bitfield.of(len(have), [index for index, had in enumerate(have) if had])
    assert list(_bits(field.to_bytes().hex(), len(have))) == have


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=300))
def test_no_cell_claims_more_than_there_is(bits: list[tuple[bool, bool]]) -> None:
    have, here = [bit[0] for bit in bits], [bit[1] for bit in bits]
    cells = _cells(have, here, 16)
    each = -(-len(have) // 16)
    assert len(cells) == -(-len(have) // each) <= 16
    for number, cell in enumerate(cells):
        span = slice(number * each, (number + 1) * each)
        assert (cell == ALL) == all(have[span])
        assert (cell in (NONE, NOWHERE)) == (not any(have[span]))
        assert (cell == NOWHERE) == (not any(have[span]) and not any(here[span]))


@pytest.mark.parametrize("digits", ["", "zz", "\x1b[2J", "é"])
def test_nonsense_from_the_socket_is_no_piece(digits: str) -> None:
    assert list(_bits(digits, 3)) == [False] * 3
