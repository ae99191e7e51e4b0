"""Buffers for pieces: bounded, and used again. No BEP applies."""

import random

import pytest

from torrentd.wire.swarm.buffer_pool import BufferPool


def test_a_buffer_given_back_is_the_next_one_taken() -> None:
    pool = BufferPool(100)
    buffer = pool.take(10)
    assert buffer is not None
    pool.give(buffer)
    assert pool.take(10) is buffer
    assert pool.allocated_bytes == 10


def test_no_more_than_the_bound_is_given_out() -> None:
    pool = BufferPool(100)
    assert sum(pool.take(30) is not None for _ in range(10)) == 3
    assert pool.allocated_bytes == 90


def test_one_piece_above_the_bound_may_arrive_alone() -> None:
    pool = BufferPool(100)
    buffer = pool.take(1000)
    assert buffer is not None
    assert pool.take(1) is None
    pool.give(buffer)
    assert pool.allocated_bytes == 0, "it is not kept for later"
    assert pool.take(60) is not None


def test_what_waits_makes_room_for_another_size() -> None:
    pool = BufferPool(100)
    for buffer in [pool.take(50), pool.take(50)]:
        assert buffer is not None
        pool.give(buffer)
    assert pool.take(80) is not None
    assert pool.allocated_bytes == 80


def test_what_is_granted_needs_no_other_buffer_to_go() -> None:
    pool = BufferPool(100)
    buffer = pool.take(60)
    assert buffer is not None
    assert pool.grants(40) and not pool.grants(41)
    pool.give(buffer)
    assert pool.grants(60) and not pool.grants(50)


def test_trim_frees_what_waits_and_nothing_else() -> None:
    pool = BufferPool(100)
    kept, given = pool.take(10), pool.take(20)
    assert kept is not None and given is not None
    pool.give(given)
    pool.trim()
    assert pool.allocated_bytes == 10


def test_a_buffer_that_never_went_out_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        BufferPool(10).give(bytearray(10))


def test_random_traffic_stays_within_the_bound() -> None:
    rng = random.Random(4)
    pool = BufferPool(1000)
    out: list[bytearray] = []
    for _ in range(5000):
        if out and rng.random() < 0.5:
            pool.give(out.pop(rng.randrange(len(out))))
        else:
            buffer = pool.take(rng.choice([7, 100, 300]))
            if buffer is not None:
                assert all(buffer is not other for other in out)
                out.append(buffer)
        assert sum(map(len, out)) <= pool.allocated_bytes <= 1000
