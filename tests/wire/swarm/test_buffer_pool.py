"""Buffers for pieces: bounded, used again, and shared by torrents in turn. No BEP applies."""

import random

import pytest

from torrentd.wire.swarm.buffer_pool import BufferPool, Share


def take(share: Share, size_bytes: int) -> bytearray:
    """A buffer that must be granted."""
    buffer = share.take(size_bytes)
    assert buffer is not None
    return buffer


class TestOneShare:
    def test_a_buffer_given_back_is_the_next_one_taken(self) -> None:
        pool = BufferPool(100)
        share = pool.share()
        buffer = take(share, 10)
        share.give(buffer)
        assert share.take(10) is buffer
        assert pool.allocated_bytes == 10

    def test_no_more_than_the_bound_is_given_out(self) -> None:
        pool = BufferPool(100)
        share = pool.share()
        assert sum(share.take(30) is not None for _ in range(10)) == 3
        assert (pool.allocated_bytes, share.out_bytes, share.out) == (90, 90, 3)

    def test_one_piece_above_the_bound_may_arrive_alone(self) -> None:
        pool = BufferPool(100)
        share = pool.share()
        buffer = take(share, 1000)
        assert share.take(1) is None
        share.give(buffer)
        assert pool.allocated_bytes == 0, "it is not kept for later"
        assert share.take(60) is not None

    def test_what_waits_makes_room_for_another_size(self) -> None:
        pool = BufferPool(100)
        share = pool.share()
        for buffer in [take(share, 50), take(share, 50)]:
            share.give(buffer)
        assert share.take(80) is not None
        assert pool.allocated_bytes == 80

    def test_what_is_granted_needs_no_other_buffer_to_go(self) -> None:
        share = BufferPool(100).share()
        buffer = take(share, 60)
        assert share.grants(40) and not share.grants(41)
        share.give(buffer)
        assert share.grants(60) and not share.grants(50)
        share.hold(True)
        assert not share.grants(60)

    def test_rest_frees_memory_once_nobody_uses_any(self) -> None:
        pool = BufferPool(100)
        share, other = pool.share(), pool.share()
        kept = take(other, 10)
        share.give(take(share, 20))
        share.rest()
        assert pool.allocated_bytes == 30, "the other one may want it"
        other.give(kept)
        other.rest()
        assert pool.allocated_bytes == 0

    def test_a_buffer_that_never_went_out_is_our_mistake(self) -> None:
        with pytest.raises(AssertionError):
            BufferPool(10).share().give(bytearray(10))

    def test_a_smaller_bound_takes_hold_as_buffers_come_back(self) -> None:
        pool = BufferPool(100)
        share = pool.share()
        buffers = [take(share, 30) for _ in range(3)]
        pool.resize(40)
        assert share.take(30) is None
        for buffer in buffers:
            share.give(buffer)
        assert pool.allocated_bytes <= 40


class Pieces:
    """A holder: `idle` buffers of pieces that nobody is asked for."""

    def __init__(self, share: Share, idle: int) -> None:
        self.share = share
        self.idle = [take(share, 10) for _ in range(idle)]
        share.holder = self

    def give_up_idle(self) -> bool:
        if not self.idle:
            return False
        self.share.give(self.idle.pop())
        return True


class TestSeveralShares:
    def test_who_waits_longest_is_served_first(self) -> None:
        pool = BufferPool(100)
        greedy, late = pool.share(), pool.share()
        buffers = [take(greedy, 10) for _ in range(10)]
        assert late.take(10) is None
        assert greedy.take(10) is None
        got = {greedy: 10, late: 0}
        for _ in range(20):  # each piece that is done makes room for one, and greedy asks first
            greedy.give(buffers.pop())
            for share in (greedy, late, greedy):
                buffer = share.take(10)
                if buffer is not None:
                    got[share] += 1
                    if share is greedy:
                        buffers.append(buffer)
            if not buffers:
                break
        assert got[late] >= 9, "one each in turn"

    def test_a_large_piece_is_not_starved_by_small_ones(self) -> None:
        pool = BufferPool(100)
        small, large = pool.share(), pool.share()
        buffers = [take(small, 10) for _ in range(10)]
        assert large.take(80) is None
        for _ in range(8):
            small.give(buffers.pop())
            assert small.take(10) is None, "it would never fit"
        assert large.take(80) is not None

    def test_what_there_is_beyond_one_for_each_who_waits_goes_to_whoever_asks(self) -> None:
        """Those who wait ask ten times a second: the memory of all must not wait for that."""
        pool = BufferPool(100)
        busy, first, second = pool.share(), pool.share(), pool.share()
        buffers = [take(busy, 10) for _ in range(10)]
        assert first.take(20) is None and second.take(10) is None
        for buffer in buffers[:4]:
            busy.give(buffer)
        assert busy.grants(10) and busy.take(10) is not None
        assert not busy.grants(10) and busy.take(10) is None, "30 bytes are kept"
        assert second.take(10) is not None, "beside what is kept for the first"
        assert first.take(20) is not None

    def test_pieces_that_nobody_is_asked_for_make_room_for_others(self) -> None:
        pool = BufferPool(100)
        dead, alive = Pieces(pool.share(), 7), pool.share()
        busy = Pieces(pool.share(), 0)
        for _ in range(3):
            take(busy.share, 10)
        assert sum(alive.take(10) is not None for _ in range(10)) == 7
        assert not dead.idle and busy.share.out == 3

    def test_who_does_not_ask_when_its_turn_has_come_loses_it(self) -> None:
        pool = BufferPool(10)
        busy, gone, waiting = pool.share(), pool.share(), pool.share()
        buffer = take(busy, 10)
        assert gone.take(10) is None and waiting.take(10) is None
        busy.give(buffer)
        assert waiting.take(10) is None, "gone waits longer"
        gone.retry()  # it has asked since it was refused
        assert waiting.take(10) is None
        gone.retry()
        assert waiting.take(10) is not None
        assert not gone.waits_for_others

    def test_one_that_waits_before_others_is_called_even_if_it_holds_everything(self) -> None:
        """Its peers may be gone, and then only `retry` finds out that it no longer asks."""
        pool = BufferPool(10)
        first, second = pool.share(), pool.share()
        take(first, 10)
        assert first.take(10) is None
        waits = [first.waits_for_others]
        assert second.take(10) is None
        waits.append(first.waits_for_others)
        assert waits == [False, True], "before, only its own pieces could help it"

    def test_what_is_held_neither_takes_nor_stands_in_the_way(self) -> None:
        pool = BufferPool(20)
        full, held = pool.share(), pool.share()
        buffer = take(full, 20)
        assert held.take(10) is None
        held.hold(True)
        full.give(buffer)
        assert full.take(10) is not None
        assert held.take(10) is None and not held.waits_for_others
        held.hold(False)
        assert held.take(10) is not None

    def test_what_will_never_come_back_is_written_off(self) -> None:
        pool = BufferPool(20)
        old, other = pool.share(), pool.share()
        take(old, 20)
        assert other.take(10) is None
        old.abandon()
        assert (old.out, pool.allocated_bytes) == (0, 0)
        assert other.take(10) is not None


def test_random_traffic_of_many_stays_within_the_bound_and_serves_everyone() -> None:
    rng = random.Random(4)
    pool = BufferPool(1000)
    shares = [pool.share() for _ in range(6)]
    out: list[tuple[Share, bytearray]] = []
    granted = dict.fromkeys(shares, 0)
    for _ in range(20_000):
        if out and rng.random() < 0.4:
            share, buffer = out.pop(rng.randrange(len(out)))
            share.give(buffer)
        else:
            share = rng.choice(shares)
            taken = share.take(rng.choice([7, 100, 300]))
            if taken is not None:
                assert all(taken is not other for _, other in out)
                out.append((share, taken))
                granted[share] += 1
        if rng.random() < 0.1:
            rng.choice(shares).retry()
        assert sum(len(buffer) for _, buffer in out) <= pool.allocated_bytes <= 1000
    assert min(granted.values()) > 0.8 * max(granted.values())
