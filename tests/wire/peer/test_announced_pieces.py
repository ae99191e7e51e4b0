"""Bitfield, have, have-all, have-none (BEP 3, 6), before and after the metadata is known."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.messages import PIECES_MAX
from torrentd.wire.peer.announced_pieces import LATE_MAX, AnnouncedPieces

Announce = Callable[[AnnouncedPieces], object]


def _known(piece_count: int) -> AnnouncedPieces:
    announced = AnnouncedPieces()
    announced.set_piece_count(piece_count)
    return announced


@given(st.data(), st.integers(1, 70))
def test_kept_raw_or_judged_at_once_comes_to_the_same(data: st.DataObject, size: int) -> None:
    """Whatever an honest peer announces, it does not matter when we learn the metadata."""
    first = data.draw(st.sampled_from(["nothing", "bitfield", "all", "none"]))
    indices = data.draw(st.lists(st.integers(0, size - 1)))
    haves = data.draw(st.lists(st.integers(0, size - 1)))
    when = data.draw(st.integers(0, len(haves)))
    announced = AnnouncedPieces()
    expected = [False] * size
    if first == "bitfield":
        announced.receive_bitfield(Bitfield.of(size, indices).to_bytes())
        expected = [index in indices for index in range(size)]
    elif first == "all":
        announced.receive_have_all()
        expected = [True] * size
    elif first == "none":
        announced.receive_have_none()
    for at, index in enumerate(haves):
        if at == when:
            announced.set_piece_count(size)
        assert announced.receive_have(index) is not expected[index] or first == "bitfield"
        expected[index] = True
    if when == len(haves):
        announced.set_piece_count(size)
    bitfield = announced.bitfield
    assert bitfield is not None
    assert [bitfield[index] for index in range(size)] == expected
    assert announced.is_seed is all(expected)
    assert announced.any_came is (first != "nothing" or bool(haves))


@pytest.mark.parametrize(
    "data", [b"\xff", b"\xff\xff\xff", b"\xff\xff", b""], ids=["short", "long", "spare", "empty"]
)
@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_bitfield_is_refused_now_or_with_the_metadata(data: bytes, known: bool) -> None:
    """ "Clients should drop the connection if they receive bitfields that are not of the correct
    size, or if the bitfield has any of the spare bits set" (11 pieces here)."""
    announced = _known(11) if known else AnnouncedPieces()
    with pytest.raises(MessageError):
        announced.receive_bitfield(data)
        announced.set_piece_count(11)


def _bitfield(announced: AnnouncedPieces) -> None:
    announced.receive_bitfield(b"\xff\xe0")


def _have(announced: AnnouncedPieces) -> None:
    announced.receive_have(3)


def _smaller(announced: AnnouncedPieces) -> None:
    announced.receive_bitfield(b"\xf0\0")


ALL, NONE = AnnouncedPieces.receive_have_all, AnnouncedPieces.receive_have_none


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (NONE, ALL),
        (NONE, _bitfield),
        (_have, ALL),
        (_have, _bitfield),
        (_have, _smaller),
        (_smaller, _bitfield),
        (_bitfield, ALL),
        (ALL, ALL),
        (NONE, NONE),
    ],
)
def test_whatever_comes_late_counts_when_it_takes_nothing_back(
    first: Announce, second: Announce, known: bool
) -> None:
    """libtorrent: have-none and a few haves while it seeds super, have-all when it ceases to."""
    announced, alone = (_known(11) if known else AnnouncedPieces() for _ in range(2))
    first(announced)
    for each in (announced, alone):
        second(each)
        if not known:
            each.set_piece_count(11)
    assert announced.bitfield == alone.bitfield


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("first", "second"),
    [(ALL, NONE), (ALL, _smaller), (_bitfield, NONE), (_bitfield, _smaller), (_have, NONE)],
)
def test_nothing_is_taken_back_by_a_late_one(
    first: Announce, second: Announce, known: bool
) -> None:
    announced = _known(11) if known else AnnouncedPieces()
    first(announced)
    with pytest.raises(MessageError):
        second(announced)


def test_before_the_metadata_two_bitfields_have_one_size() -> None:
    announced = AnnouncedPieces()
    announced.receive_bitfield(b"\xf0\0")
    with pytest.raises(MessageError):
        announced.receive_bitfield(b"\xf0\0\0")


@pytest.mark.parametrize("late", [ALL, _bitfield])
def test_they_come_late_a_few_times_and_no_more(late: Announce) -> None:
    announced = _known(11)
    for _ in range(1 + LATE_MAX):
        late(announced)
    with pytest.raises(MessageError):
        late(announced)


def test_a_have_outside_the_torrent_is_refused_now_or_with_the_metadata() -> None:
    with pytest.raises(MessageError):
        _known(11).receive_have(11)
    for index in (11, 15, 16, 1000):
        announced = AnnouncedPieces()
        announced.receive_have(index)
        with pytest.raises(MessageError):
            announced.set_piece_count(11)


def test_no_have_makes_us_keep_more_than_the_largest_bitfield() -> None:
    announced = AnnouncedPieces()
    assert announced.receive_have(PIECES_MAX - 1)
    assert not announced.receive_have(PIECES_MAX - 1)
    with pytest.raises(MessageError):
        announced.receive_have(PIECES_MAX)
    assert announced.set_piece_count(PIECES_MAX).count == 1


def test_a_peer_that_told_nothing_has_nothing() -> None:
    announced = _known(11)
    assert announced.bitfield == Bitfield(11)
    assert not announced.is_seed and not announced.any_came
