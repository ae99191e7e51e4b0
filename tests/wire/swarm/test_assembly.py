"""One piece on its way: every block is unrequested, requested or received (BEP 3)."""

import hashlib
import random

import pytest

from tests.wire.swarm.stand_ins import stand_in
from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.peer import Peer

GEOMETRY = Geometry(100_000, 250_000)
A, B, C = (stand_in(i) for i in range(3))


def assembly_of(piece_index: int = 0) -> Assembly:
    size = GEOMETRY.piece_size(piece_index)
    return Assembly(GEOMETRY.blocks(piece_index), bytearray(size), None, False)


def data_of(block: BlockRef) -> memoryview:
    return memoryview(bytes([block.begin >> 14]) * block.length)


def place(assembly: Assembly, block: BlockRef) -> None:
    """As a connection does with a block that it was asked for."""
    assembly.view[block.begin : block.begin + block.length] = data_of(block)


def test_blocks_are_asked_for_in_order_and_once() -> None:
    assembly = assembly_of()
    assert assembly.take(2, A) == GEOMETRY.blocks(0)[:2]
    assert assembly.take(99, B) == GEOMETRY.blocks(0)[2:]
    assert assembly.take(1, C) == []
    assert assembly.requested_of(A) == GEOMETRY.blocks(0)[:2]


def test_the_last_block_makes_it_full_and_the_bytes_are_in_place() -> None:
    assembly = assembly_of(2)
    for block in reversed(assembly.take(99, A)):
        assert not assembly.is_full
        place(assembly, block)
        assert assembly.placed([block.begin], A) == []
    assert assembly.is_full
    assert bytes(assembly.view) == b"".join(bytes(data_of(b)) for b in GEOMETRY.blocks(2))
    assert assembly.received_bytes() == 50_000
    assert assembly.contributors() == [A]


def test_a_block_that_comes_twice_is_not_taken_twice() -> None:
    assembly = assembly_of()
    block = assembly.take(9, A)[1]
    place(assembly, block)
    assembly.placed([block.begin], A)
    assert assembly.receive(block.begin, memoryview(bytes(block.length)), B) is None
    assert assembly.contributors() == [A]
    assert assembly.view[block.begin] == data_of(block)[0], "the first one's bytes stay"


def test_who_is_asked_and_who_sent_agree_or_it_is_a_fault_of_ours() -> None:
    """Blocks that are there are never asked for, so none is ever placed upon."""
    assembly = assembly_of()
    (block,) = assembly.take(1, A)
    assembly.placed([block.begin], A)
    with pytest.raises(AssertionError, match="overwritten"):
        assembly.placed([block.begin], B)


def test_a_lost_block_is_the_next_one_asked_for() -> None:
    assembly = assembly_of()
    first, second = assembly.take(2, A)
    assert assembly.lose(first, A)
    assert not assembly.lose(first, A), "once"
    assert not assembly.lose(second, B), "not of B"
    assert assembly.take(1, B) == [first]


def test_a_late_block_is_taken_and_its_second_request_cancelled() -> None:
    assembly = assembly_of()
    (block,) = assembly.take(1, A)
    assembly.lose(block, A)
    assert assembly.take(1, B) == [block]
    assert assembly.receive(block.begin, data_of(block), A) == [(B, block)]
    assert not assembly.requesters


def test_a_late_block_of_one_who_is_asked_again_takes_that_request_back() -> None:
    """Else its second answer would be written over what is there, and perhaps hashed already."""
    assembly = assembly_of()
    (block,) = assembly.take(1, A)
    assembly.lose(block, A)
    assembly.take(1, A)
    assert assembly.receive(block.begin, data_of(block), A) == [(A, block)]
    assert assembly.requested_of(A) == []


def test_a_late_block_that_nobody_else_was_asked_for_is_asked_for_no_more() -> None:
    assembly = assembly_of()
    (block,) = assembly.take(1, A)
    assembly.lose(block, A)
    assert assembly.receive(block.begin, data_of(block), A) == []
    assert assembly.contributors() == [A]
    assert block not in assembly.take(99, B)


def test_in_the_endgame_a_block_has_two_requesters_and_no_third() -> None:
    assembly = assembly_of()
    blocks = assembly.take(99, A)
    assert assembly.take_doubles(99, A) == [], "not of the same peer"
    assert assembly.take_doubles(2, B) == blocks[:2]
    assert assembly.take_doubles(99, C) == blocks[2:]
    assert assembly.placed([blocks[0].begin], B) == [(A, blocks[0])]
    assert assembly.placed([blocks[1].begin], A) == [(B, blocks[1])]
    assembly.lose(blocks[2], C)
    assert assembly.receive(blocks[2].begin, data_of(blocks[2]), C) == [(A, blocks[2])]


def test_of_two_requesters_one_may_be_lost() -> None:
    assembly = assembly_of()
    first, second, *_ = assembly.take(99, A)
    assembly.take_doubles(2, B)
    assert not assembly.lose(first, A)
    assert assembly.requested_of(B) == [first, second]
    assert not assembly.lose(second, B)
    assert assembly.lose(first, B)


def test_what_a_liar_sent_counts_as_not_received() -> None:
    assembly = assembly_of()
    first, second, third = assembly.take(3, A)
    for block, peer in ((first, A), (second, B), (third, A)):
        assembly.receive(block.begin, data_of(block), peer)
    assert assembly.forget_sender(A) == first.length + third.length
    assert assembly.contributors() == [B]
    assert set(assembly.take(99, C)) == set(GEOMETRY.blocks(0)) - {second}


def test_it_is_hashed_as_far_as_it_came_without_a_gap() -> None:
    assembly = assembly_of()
    blocks = assembly.take(99, A)
    hashed = []
    for number in (0, 2, 1, 4, 5, 3, 6):
        place(assembly, blocks[number])
        assembly.placed([blocks[number].begin], A)
        hashed.append(assembly.hash.hashed_bytes)
    sixteenth = blocks[0].length
    assert hashed == [n * sixteenth for n in (1, 1, 3, 3, 3, 6)] + [100_000]
    assert assembly.hash.finish(assembly.view) == hashlib.sha1(assembly.buffer).digest()


def test_after_a_lie_what_was_hashed_is_hashed_again() -> None:
    assembly = assembly_of()
    first, *others = assembly.take(99, A)
    place(assembly, first)
    assembly.placed([first.begin], A)
    assembly.forget_sender(A)
    assembly.take(1, B)
    for block in [*others, first]:
        assembly.view[block.begin : block.begin + block.length] = b"\x07" * block.length
        assembly.placed([block.begin], A if block is not first else B)
    assert assembly.hash.finish(assembly.view) == hashlib.sha1(b"\x07" * 100_000).digest()


def test_every_block_is_in_one_state_whatever_happens() -> None:
    rng = random.Random(9)
    for _ in range(200):
        assembly = assembly_of()
        asked: dict[BlockRef, list[Peer]] = {block: [] for block in assembly.blocks}
        for _ in range(60):
            peer = rng.choice([A, B, C])
            block = rng.choice(assembly.blocks)
            match rng.randrange(6):
                case 0:
                    assembly.take(rng.randrange(1, 4), peer)
                case 1:
                    assembly.take_doubles(rng.randrange(1, 4), peer)
                case 2:
                    assembly.lose(block, peer)
                case 3:
                    assembly.receive(block.begin, data_of(block), peer)
                case 4:
                    owed = assembly.requested_of(peer)
                    assembly.placed([each.begin for each in owed[:2]], peer)
                case _:
                    assembly.forget_sender(peer)
            for each in asked:
                states = (
                    each in assembly.unrequested,
                    each.begin in assembly.requesters,
                    each.begin in assembly.senders,
                )
                assert sum(states) == 1, (each, states)
                double = assembly.doubles.get(each.begin)
                if double is not None:
                    assert assembly.requesters[each.begin] is not double
            assert len(assembly.unrequested) == len(set(assembly.unrequested))
