"""Where each piece stands: every way from one state to another, and no other (BEP 3)."""

import pytest

from tests.wire.swarm.stand_ins import stand_in
from torrentd.wire.formats.geometry import Geometry
from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.buffer_pool import BufferPool
from torrentd.wire.swarm.pieces import Pieces

GEOMETRY = Geometry(20_000, 100_000)  # five pieces of two blocks
A, B = stand_in(1), stand_in(2)


def pieces_of(had: int = 0, wanted: int = 0b11111, memory: int = 1 << 20) -> Pieces:
    return Pieces(GEOMETRY, had, wanted, BufferPool(memory).share())


def begin(pieces: Pieces, piece_index: int) -> Assembly:
    assembly = pieces._begin(piece_index, None, parole=False)
    assert assembly is not None
    return assembly


def fill(pieces: Pieces, piece_index: int, *senders: int) -> Assembly:
    """Begun, received, on its way to its hash."""
    assembly = begin(pieces, piece_index)
    for block, peer in zip(assembly.take(9, A), (A, B), strict=True):
        assembly.receive(block.begin, memoryview(bytes(block.length)), peer)
    pieces.filled(assembly)
    return assembly


def test_missing_requested_storing_had() -> None:
    pieces = pieces_of()
    begin(pieces, 0)
    pieces.check()
    fill(pieces, 1)
    pieces.check()
    pieces.stored(1)
    pieces.check()
    assert (pieces.had, pieces.lacking) == (0b10, 0b11101)
    assert A.verified and B.verified


def test_refused_and_failed_pieces_are_missing_again() -> None:
    pieces = pieces_of()
    fill(pieces, 0)
    fill(pieces, 1)
    assert pieces.refused(0, 0.0) == []
    pieces.store_failed(1)
    pieces.check()
    assert pieces._candidates == 0b11111
    assert 0 in pieces.suspects
    assert 1 not in pieces.suspects, "a disk of ours is nobody's lie"


def test_a_lost_piece_is_missing_again() -> None:
    pieces = pieces_of(had=0b11)
    pieces.piece_lost(0)
    pieces.piece_lost(4)
    pieces.check()
    assert pieces.had == 0b10


def test_a_piece_that_fails_too_often_rests_and_wakes() -> None:
    pieces = pieces_of(wanted=0b1)
    for at in range(5):
        fill(pieces, 0)
        pieces.refused(0, float(at))
    assert pieces._candidates == 0
    pieces.wake(63.0)
    assert pieces._candidates == 0
    pieces.wake(64.0)
    assert pieces._candidates == 0b1
    pieces.check()


def test_other_files_wanted() -> None:
    pieces = pieces_of(wanted=0b00011)
    (first, _) = begin(pieces, 0).take(9, A)
    begin(pieces, 1)
    cancels = pieces.select(0b11010)
    assert (A, first) in cancels and len(cancels) == 2
    assert list(pieces.assemblies) == [1], "what is wanted still goes on"
    assert pieces._candidates == 0b11000
    pieces.check()


def test_memory_of_pieces_begun_and_left_goes_to_those_that_can_go_on() -> None:
    pieces = pieces_of(memory=40_000)
    begin(pieces, 0)
    begin(pieces, 1).take(1, A)
    begin(pieces, 2)
    assert list(pieces.assemblies) == [1, 2]
    pieces.assemblies[2].take(1, A)
    assert pieces._begin(3, None, parole=False) is None
    pieces.check()


def test_a_stop_gives_back_what_is_partial() -> None:
    pieces = pieces_of()
    begin(pieces, 0)
    fill(pieces, 1)
    pieces.drop_partial()
    assert (list(pieces.assemblies), list(pieces.storing)) == ([], [1])
    pieces.check()


def test_bytes_of_pieces_that_are_not_whole() -> None:
    pieces = pieces_of()
    block = begin(pieces, 0).take(1, A)[0]
    pieces.assemblies[0].receive(block.begin, memoryview(bytes(block.length)), A)
    fill(pieces, 1)
    assert pieces.partial_bytes() == 16_384 + 20_000


def test_a_piece_in_two_states_is_our_mistake() -> None:
    pieces = pieces_of()
    begin(pieces, 0)
    with pytest.raises(AssertionError):
        pieces._begin(0, None, parole=False)
    fill(pieces, 1)
    pieces.stored(1)
    with pytest.raises(KeyError):
        pieces.stored(1)
