"""BEP 6, Allowed Fast Set Generation."""

from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.allowed_fast import HOST, INFOHASH, PIECE_COUNT, SET_OF_7, SET_OF_9
from torrentd.wire.formats.allowed_fast import allowed_fast_set
from torrentd.wire.formats.ids import InfoHash

infohash = InfoHash(INFOHASH)


def test_the_sets_of_the_bep_come_out_in_its_order() -> None:
    assert allowed_fast_set(HOST, infohash, PIECE_COUNT, 7) == SET_OF_7
    assert allowed_fast_set(HOST, infohash, PIECE_COUNT, 9) == SET_OF_9


def test_the_last_byte_of_the_address_does_not_matter() -> None:
    """ "the peer's IP address ... the most significant 3 bytes": no new set for a neighbour."""
    assert allowed_fast_set("80.4.4.1", infohash, PIECE_COUNT, 7) == SET_OF_7
    assert allowed_fast_set("80.4.5.200", infohash, PIECE_COUNT, 7) != SET_OF_7


def test_an_ipv6_peer_is_told_by_its_64() -> None:
    ours = allowed_fast_set("2600::1", infohash, PIECE_COUNT, 9)
    assert ours == allowed_fast_set("2600::2:0:0:1", infohash, PIECE_COUNT, 9)
    assert ours != allowed_fast_set("2600:0:0:1::1", infohash, PIECE_COUNT, 9)
    assert len(set(ours)) == 9


@given(st.integers(1, 60), st.integers(0, 30), st.binary(min_size=20, max_size=20))
def test_it_always_ends_with_as_many_different_pieces_as_there_are(
    piece_count: int, count: int, raw: bytes
) -> None:
    chosen = allowed_fast_set(HOST, InfoHash(raw), piece_count, count)
    assert len(set(chosen)) == len(chosen) == min(count, piece_count)
    assert all(0 <= piece_index < piece_count for piece_index in chosen)


@given(st.integers(1, 9))
def test_a_smaller_set_begins_the_larger(count: int) -> None:
    assert allowed_fast_set(HOST, infohash, PIECE_COUNT, count) == SET_OF_9[:count]
