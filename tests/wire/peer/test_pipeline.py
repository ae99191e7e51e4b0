"""How many blocks to ask for and how long to wait (BEP 3 pipelining, BEP 6, BEP 10 `reqq`), against
a simulated peer behind a line of given rate and round trip."""

from collections import deque
from math import inf

import pytest

from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef
from torrentd.wire.peer.pipeline import (
    DEEP_BLOCKS,
    LATE_MAX,
    QUEUE_S,
    REQQ_DEFAULT,
    SKIP_QUEUES,
    SKIP_S,
    STALL_S,
    TIMEOUT_MAX_S,
    WINDOW_START,
    Pipeline,
)


def _block(number: int) -> BlockRef:
    return BlockRef(number // 16, number % 16 * BLOCK_BYTES, BLOCK_BYTES)


def _blocks(count: int, first: int = 0) -> list[BlockRef]:
    return [_block(number) for number in range(first, first + count)]


class Line:
    """A peer that serves in order, at `rate` bytes a second, `round_trip_s` away."""

    def __init__(self, pipeline: Pipeline, rate: float, round_trip_s: float, now: float = 0.0):
        self.pipeline = pipeline
        self.rate = rate
        self.round_trip_s = round_trip_s
        self.now = now
        self.busy_until = now
        self.arriving: deque[tuple[float, BlockRef]] = deque()
        self.asked = 0
        self.received = 0
        self.timed_out = 0
        self.asked_most = 0  # in one go

    def run(self, seconds: float, step_s: float = 0.01) -> float:
        """Returns the bytes a second that came."""
        before, until = self.received, self.now + seconds
        while self.now < until - step_s / 2:
            self.now += step_s
            self._receive()
            self.timed_out += len(self.pipeline.overdue(self.now))
            count = self.pipeline.capacity(self.now)
            self.asked_most = max(self.asked_most, count)
            if count:
                self._ask(count)
        return (self.received - before) * BLOCK_BYTES / seconds

    def change_rate(self, rate: float) -> None:
        """From now on, also for what is on its way."""
        self.rate = rate
        self.busy_until = self.now
        waiting = [block for _, block in self.arriving]
        self.arriving.clear()
        self._serve(waiting)

    def _ask(self, count: int) -> None:
        blocks = _blocks(count, self.asked)
        self.asked += count
        self.pipeline.add(blocks, self.now)
        self._serve(blocks)

    def _serve(self, blocks: list[BlockRef]) -> None:
        for block in blocks:
            start = max(self.busy_until, self.now + self.round_trip_s / 2)
            self.busy_until = start + BLOCK_BYTES / self.rate
            self.arriving.append((self.busy_until + self.round_trip_s / 2, block))

    def _receive(self) -> None:
        came = 0
        asked_at = -inf
        while self.arriving and self.arriving[0][0] <= self.now:
            block = self.arriving.popleft()[1]
            found = self.pipeline.requests.pop(block, None)
            if found is None:
                assert self.pipeline.take_late(block)
            else:
                asked_at = found
            came += 1
        if came:
            self.received += came
            self.pipeline.progressed(came, came * BLOCK_BYTES, asked_at, self.now)


class TestWindow:
    def test_it_starts_small_and_is_asked_for_at_once(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        assert pipeline.capacity(0.0) == WINDOW_START
        pipeline.add(_blocks(WINDOW_START), 0.0)
        assert pipeline.capacity(0.0) == 0
        assert len(pipeline) == pipeline.count == WINDOW_START
        assert _block(3) in pipeline and _block(99) not in pipeline
        assert list(pipeline) == _blocks(WINDOW_START)

    @pytest.mark.parametrize("rate", [50_000, 300_000, 1_000_000])
    @pytest.mark.parametrize("round_trip_s", [0.02, 0.2, 0.8])
    def test_a_line_is_kept_full_and_its_queue_is_a_few_seconds_long(
        self, rate: float, round_trip_s: float
    ) -> None:
        line = Line(Pipeline(2000, 0.0), rate, round_trip_s)
        line.run(15.0)
        assert line.run(30.0) == pytest.approx(rate, rel=0.05)
        queue_s = line.pipeline.count * BLOCK_BYTES / rate
        assert queue_s < QUEUE_S + 2 * round_trip_s + 0.5
        assert line.timed_out == 0

    def test_a_fast_peer_is_asked_up_to_its_reqq_and_never_beyond(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        line = Line(pipeline, rate=100_000_000, round_trip_s=0.2)
        line.run(3.0)
        assert REQQ_DEFAULT * 3 / 4 <= pipeline.count <= REQQ_DEFAULT
        pipeline.set_reqq(1000)
        line.run(10.0)
        assert 750 <= pipeline.count <= 1000

    def test_a_fast_peer_nearby_does_not_owe_us_seconds_of_transfer(self) -> None:
        """Each block more would be one more piece in the air at once."""
        pipeline = Pipeline(2000, 0.0)
        pipeline.set_reqq(2000)
        line = Line(pipeline, rate=400_000_000, round_trip_s=0.001)
        line.run(10.0, step_s=0.001)
        assert pipeline.count <= DEEP_BLOCKS
        assert line.run(1.0, step_s=0.001) == pytest.approx(400_000_000, rel=0.05)

    @pytest.mark.parametrize("rate", [50_000_000, 100_000_000])
    def test_a_fast_peer_far_away_owes_us_what_two_round_trips_carry(self, rate: float) -> None:
        """The line stays full although 250 blocks would be gone in a fraction of a round trip."""
        pipeline = Pipeline(2000, 0.0)
        pipeline.set_reqq(2000)
        line = Line(pipeline, rate, round_trip_s=0.1)
        line.run(10.0)
        assert line.run(10.0) == pytest.approx(rate, rel=0.05)
        two_round_trips = rate * 0.2 / BLOCK_BYTES
        assert pipeline.count <= two_round_trips * 1.3 < rate * QUEUE_S / BLOCK_BYTES

    def test_our_own_limit_is_kept_whatever_the_peer_offers(self) -> None:
        pipeline = Pipeline(100, 0.0)
        pipeline.set_reqq(2000)
        line = Line(pipeline, rate=100_000_000, round_trip_s=0.1)
        line.run(5.0)
        assert 75 <= pipeline.count <= 100

    def test_slow_start_doubles_each_round_trip(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.set_reqq(2000)
        line = Line(pipeline, rate=1e9, round_trip_s=0.1)
        line.run(0.45)
        assert pipeline.window(line.now) >= WINDOW_START * 2**4

    def test_refills_come_in_bulk_when_less_than_three_quarters_are_outstanding(self) -> None:
        pipeline = Pipeline(100, 0.0)
        pipeline.add(_blocks(8), 0.0)
        capacities = []
        for number in range(5):
            del pipeline.requests[_block(number)]
            capacities.append(pipeline.capacity(0.0))
        assert capacities == [0, 2, 3, 4, 5]

    def test_a_rate_that_falls_shrinks_the_window(self) -> None:
        line = Line(Pipeline(2000, 0.0), rate=1_000_000, round_trip_s=0.05)
        line.run(20.0)
        wide = line.pipeline.window(line.now)
        line.rate = 100_000
        line.run(40.0)
        assert line.pipeline.window(line.now) < wide / 5
        assert line.run(10.0) == pytest.approx(100_000, rel=0.1)

    def test_a_rate_that_rises_widens_the_window(self) -> None:
        line = Line(Pipeline(2000, 0.0), rate=100_000, round_trip_s=0.1)
        line.run(20.0)
        line.rate = 2_000_000
        line.run(30.0)
        assert line.run(10.0) == pytest.approx(2_000_000, rel=0.1)

    def test_after_an_idle_minute_the_start_is_slow_and_quick_again(self) -> None:
        line = Line(Pipeline(2000, 0.0), rate=1_000_000, round_trip_s=0.1)
        line.run(20.0)
        line.now += 60.0
        while line.arriving:
            del line.pipeline.requests[line.arriving.popleft()[1]]
        assert line.pipeline.capacity(line.now) >= WINDOW_START
        line.busy_until = line.now
        line.run(2.0)
        assert line.run(5.0) == pytest.approx(1_000_000, rel=0.05)

    def test_a_reject_by_a_peer_that_does_not_choke_shortens_its_queue_for_a_while(
        self,
    ) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(8), 0.0)
        assert pipeline.reject(_block(7), choking=False)
        assert pipeline.limit == 7
        del pipeline.requests[_block(3)]
        pipeline.progressed(1, BLOCK_BYTES, 0.0, 0.5)
        assert pipeline.limit == 8, "it may have had another reason"
        pipeline.restart(1.0)
        assert pipeline.limit == REQQ_DEFAULT
        assert pipeline.reject(_block(6), choking=True)
        assert pipeline.limit == REQQ_DEFAULT


class TestTimeouts:
    def test_a_peer_that_never_serves_is_snubbed_after_twenty_seconds(self) -> None:
        """Security W12: 20 to 60 s."""
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(8), 5.0)
        assert pipeline.next_deadline() == 5.0 + STALL_S
        assert pipeline.overdue(24.9) == []
        assert pipeline.overdue(25.0) == _blocks(8)
        assert pipeline.snubbed
        assert pipeline.count == 0 and pipeline.next_deadline() is None

    def test_asking_again_and_again_does_not_start_the_wait_anew(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(1), 0.0)
        pipeline.progressed(1, BLOCK_BYTES, 0.0, 1.0)
        for second in range(1, 60):
            pipeline.overdue(float(second))
            if pipeline.snubbed:
                break
            if not pipeline.count:
                pipeline.add(_blocks(1, second), float(second))
        else:
            raise AssertionError("never snubbed")
        assert second <= TIMEOUT_MAX_S

    def test_a_peer_that_is_asked_nothing_owes_nothing(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(2), 0.0)
        pipeline.give_up(_block(0))
        pipeline.reject(_block(1), choking=True)
        assert pipeline.overdue(500.0) == []
        pipeline.add(_blocks(1, 5), 500.0)
        pipeline.lose_all()
        assert pipeline.overdue(900.0) == []
        assert not pipeline.snubbed

    def test_a_snubbed_peer_is_asked_for_one_block_and_redeemed_by_one(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(8), 0.0)
        pipeline.overdue(20.0)
        assert pipeline.snubbed
        assert pipeline.capacity(20.0) == 1
        pipeline.add([_block(50)], 20.0)
        assert pipeline.capacity(20.0) == 0
        del pipeline.requests[_block(50)]
        pipeline.progressed(1, BLOCK_BYTES, 20.0, 21.0)
        assert pipeline.capacity(21.0) > 1

    @pytest.mark.parametrize("rate", [5_000, 20_000, 100_000, 3_000_000])
    def test_a_slow_peer_is_not_timed_out_for_being_slow(self, rate: float) -> None:
        line = Line(Pipeline(2000, 0.0), rate, round_trip_s=0.3)
        line.run(120.0, step_s=0.05)
        assert line.timed_out == 0
        assert line.run(60.0, step_s=0.05) == pytest.approx(rate, rel=0.15)

    def test_a_fast_peer_that_stops_is_found_soon(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        line = Line(pipeline, rate=500_000, round_trip_s=0.1)
        line.run(20.0)
        assert line.timed_out == 0
        line.arriving.clear()
        line.busy_until = 1e9
        line.run(SKIP_S + SKIP_QUEUES * QUEUE_S + 1)
        assert line.timed_out > 20 and not pipeline.snubbed
        line.run(STALL_S + 1)
        assert pipeline.snubbed

    def test_one_request_that_the_peer_skipped_is_overdue_alone(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add([_block(0)], 0.0)
        for second in range(1, 60):
            pipeline.add([_block(second)], second - 0.5)
            del pipeline.requests[_block(second)]
            pipeline.progressed(1, BLOCK_BYTES, second - 0.5, float(second))
            overdue = pipeline.overdue(float(second))
            if overdue:
                assert overdue == [_block(0)] and SKIP_S <= second <= TIMEOUT_MAX_S
                break
        else:
            raise AssertionError("never overdue")
        assert not pipeline.snubbed

    @pytest.mark.parametrize("slow_s", [15, 30, 45])
    def test_what_comes_in_order_is_not_overdue_when_a_slow_time_ends(self, slow_s: float) -> None:
        """A download limit that is set and lifted: what was asked for in between is old, and the
        rate tells that it should have come long ago."""
        line = Line(Pipeline(2000, 0.0), rate=20e6, round_trip_s=0.02)
        line.run(10.0)
        asked = line.pipeline.count * BLOCK_BYTES
        slow_rate = asked / 100.0
        for rate, seconds in ((slow_rate, slow_s), (20e6, 5.0)):
            line.change_rate(rate)
            line.run(seconds)
        assert line.timed_out == 0

    def test_no_time_out_is_longer_than_a_minute(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(200), 0.0)
        del pipeline.requests[_block(0)]
        pipeline.progressed(1, 1000, 0.0, 50.0)
        assert pipeline.skip_s() == TIMEOUT_MAX_S == pipeline.stall_s()

    def test_the_next_deadline_is_never_past_without_something_overdue(self) -> None:
        line = Line(Pipeline(2000, 0.0), rate=40_000, round_trip_s=0.2)
        for _ in range(400):
            line.run(0.1, step_s=0.1)
            deadline = line.pipeline.next_deadline()
            assert deadline is None or deadline > line.now


class TestLate:
    def test_a_block_that_comes_after_its_time_out_is_taken_once(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(2), 0.0)
        pipeline.overdue(30.0)
        assert pipeline.take_late(_block(1))
        assert not pipeline.take_late(_block(1))

    def test_after_a_cancel_a_block_or_a_reject_is_no_surprise(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(2), 0.0)
        assert pipeline.give_up(_block(0)) and pipeline.give_up(_block(1))
        assert not pipeline.give_up(_block(0))
        assert pipeline.take_late(_block(0))
        assert pipeline.reject(_block(1), choking=False)
        assert not pipeline.reject(_block(1), choking=False)

    def test_all_lost_by_a_choke_may_still_come(self) -> None:
        """ "It's possible for an unexpected piece to arrive" (BEP 3)."""
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(5), 0.0)
        assert pipeline.lose_all() == _blocks(5)
        assert pipeline.count == 0
        assert all(pipeline.take_late(block) for block in _blocks(5))

    def test_a_block_asked_for_twice_may_be_answered_twice(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        pipeline.add(_blocks(1), 0.0)
        pipeline.overdue(20.0)
        pipeline.add(_blocks(1), 21.0)
        assert pipeline.requests.pop(_block(0), None) is not None
        assert pipeline.take_late(_block(0))

    def test_what_was_asked_for_is_remembered_within_bounds(self) -> None:
        pipeline = Pipeline(2000, 0.0)
        for round_number in range(5):
            pipeline.add(_blocks(2000, round_number * 2000), 0.0)
            pipeline.lose_all()
        remembered = [number for number in range(10_000) if pipeline.take_late(_block(number))]
        assert remembered == list(range(10_000 - LATE_MAX, 10_000))
