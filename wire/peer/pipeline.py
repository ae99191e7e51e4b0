"""Our requests at one peer: how many to keep outstanding, and when one is overdue (BEP 3, 6, 10).

BEP 3: "downloaders should keep several piece requests queued up at once in order to get good TCP
performance". How many: the window starts small and grows by one block for every block that comes
(it doubles each round trip), until the rate no longer follows; from then on it is rate times
`QUEUE_S`, which is far more than a round trip and so leaves the rate room to grow. A fast peer need
not owe seconds of transfer: beyond `DEEP_BLOCKS` the window is what two round trips carry, since
every block more means another piece in the air, and pieces that have left the processor's cache
cost the half of the speed.

Invariant: a block is outstanding, or was asked once and is remembered (late), or is a stranger.
Keys are `(piece_index, begin, length)`; a BlockRef is one, and a plain tuple finds it.
"""

from collections.abc import Iterator

from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef
from torrentd.wire.peer.rates import Rate

WINDOW_START = 8  # blocks; 128 KiB, what TCP itself sends in its first round trips
WINDOW_MIN = 2  # one block on the wire, one behind it
QUEUE_S = 3.0  # seconds of transfer to keep asked for
GROWTH_CHECK_S = 1.0  # how often slow start asks whether the rate still grows
GROWTH_RATIO = 1.1
RATE_CONSTANT_S = 4.0
IDLE_S = 5.0  # nothing asked, nothing come: the measured rate is no longer one
REQQ_DEFAULT = 250  # BEP 10: "The default in in libtorrent is 250"
DEEP_BLOCKS = 320  # 5 MiB: enough for a piece or two of any usual size
DEEP_ROUND_TRIPS = 2  # one on its way there and back, one in the peer's queue
STALL_S = 20.0  # without a single block: snubbed (security W12: "after 20-60 s") …
STALL_BLOCKS = 3  # … and as long as so many blocks take at the rate of the last
SKIP_S = 10.0  # one request, while later ones are answered, or none is: this long …
SKIP_QUEUES = 2  # … and as long as so many full queues take
TIMEOUT_MAX_S = 60.0
DEPTH_DECAY = 0.9  # how slowly a queue that was deep counts as shallow
LATE_MAX = 4000  # blocks remembered as once asked for

BlockKey = tuple[int, int, int]  # what a BlockRef is, made in a tenth of the time


class Pipeline:
    """The requests we have sent to one peer and not seen answered, oldest first."""

    __slots__ = (
        "_answered_up_to",
        "_checked_at",
        "_checked_rate",
        "_depth",
        "_late",
        "_limit_max",
        "_outstanding_max",
        "_progressed_at",
        "_rate",
        "_rate_at_progress",
        "_round_trip_s",
        "_slow_start",
        "_waiting_since",
        "_window",
        "limit",
        "requests",
        "snubbed",
    )

    def __init__(self, outstanding_max: int, now: float) -> None:
        self.requests: dict[BlockKey, float] = {}
        self.snubbed = False
        self._outstanding_max = outstanding_max
        self.limit = self._limit_max = min(outstanding_max, REQQ_DEFAULT)
        self._late: dict[BlockKey, None] = {}
        self._rate = Rate(now, RATE_CONSTANT_S)
        self._rate_at_progress = 0.0
        # Since when the peer owes us something and has sent nothing; None while it owes nothing.
        self._waiting_since: float | None = None
        self._progressed_at = now
        self._answered_up_to = now  # when the youngest request was sent that has been answered
        self._round_trip_s = TIMEOUT_MAX_S  # the least ever seen between a request and its block
        self._depth = 0.0  # blocks outstanding when requests were sent, the most of late
        self._slow_start = True
        self._window = WINDOW_START
        self._checked_at = now
        self._checked_rate = 0.0

    @property
    def count(self) -> int:
        """Blocks outstanding."""
        return len(self.requests)

    def __len__(self) -> int:
        return len(self.requests)

    def __contains__(self, block: BlockRef) -> bool:
        return block in self.requests

    def __iter__(self) -> Iterator[BlockRef]:
        return map(BlockRef._make, self.requests)

    def capacity(self, now: float) -> int:
        """How many more blocks to ask for now. 0 while three quarters of the window are still
        outstanding, so that requests go out in bulk."""
        count = len(self.requests)
        if count == 0 and now > self._progressed_at + IDLE_S:
            self.restart(now)
        window = self.window(now)
        if count * 4 > window * 3:
            return 0
        return window - count

    def window(self, now: float) -> int:
        """How many blocks should be outstanding in all."""
        if self.snubbed:
            return 1  # one question, to notice when the peer serves again
        rate = self._rate.bytes_per_s(now)
        deep = int(rate * self._round_trip_s * DEEP_ROUND_TRIPS) // BLOCK_BYTES
        wanted = self._window if self._slow_start else int(rate * QUEUE_S) // BLOCK_BYTES
        return min(max(wanted, WINDOW_MIN), max(deep, DEEP_BLOCKS), self.limit)

    def restart(self, now: float) -> None:
        """The peer unchoked us, or was idle: what was measured before belongs to another time."""
        self._slow_start = True
        self.limit = self._limit_max
        self._window = max(WINDOW_START, min(self._window, self.limit) // 2)
        self._rate.restart(now)
        self._waiting_since = now if self.requests else None
        self._checked_at = self._progressed_at = now
        self._checked_rate = self._rate_at_progress = 0.0

    def add(self, blocks: list[BlockRef], now: float) -> None:
        """These were sent to the peer just now."""
        if self._waiting_since is None:
            self._waiting_since = now
        self.requests.update(dict.fromkeys(blocks, now))
        self._depth = max(float(len(self.requests)), self._depth * DEPTH_DECAY)

    def progressed(self, block_count: int, size_bytes: int, asked_at: float, now: float) -> None:
        """Blocks that were asked for came; called once for a run of them, not once a block.
        `asked_at`: when the last of them was."""
        self._rate.add(size_bytes, now)
        self._answered_up_to = max(self._answered_up_to, asked_at)
        self._round_trip_s = min(self._round_trip_s, now - asked_at)
        self._progressed_at = now
        self._waiting_since = now if self.requests else None
        self.snubbed = False
        if self.limit < self._limit_max:
            self.limit += 1
        self._rate_at_progress = self._rate.bytes_per_s(now)
        if self._slow_start:
            self._window = min(self._window + block_count, self.limit)
            self._check_growth(now)

    def take_late(self, block: BlockKey) -> bool:
        """Was it asked for once, and given up? Then it is taken, this one time."""
        if block not in self._late:
            return False
        del self._late[block]
        return True

    def reject(self, block: BlockRef, choking: bool) -> bool:
        """It will not come (BEP 6). False when it was never asked for. A reject by a peer that does
        not choke us may mean that its queue is shorter than it told: we ask for no more, and then
        for one more each time that blocks come."""
        if self.requests.pop(block, None) is None:
            return self.take_late(block)
        if not choking:
            self.limit = max(len(self.requests), WINDOW_MIN)
        if not self.requests:
            self._waiting_since = None
        return True

    def set_reqq(self, reqq: int) -> None:
        """ "The number of outstanding request messages this client supports without dropping any"
        (BEP 10)."""
        self.limit = self._limit_max = min(self._outstanding_max, reqq)

    def give_up(self, block: BlockRef) -> bool:
        """No longer wanted or waited for, though it may still come. False: was not outstanding."""
        if self.requests.pop(block, None) is None:
            return False
        self._remember(block)
        if not self.requests:
            self._waiting_since = None
        return True

    def lose_piece(self, piece_index: int) -> list[BlockRef]:
        """The peer no longer has it, and without the fast extension does not say more (BEP 54)."""
        lost = [BlockRef._make(block) for block in self.requests if block[0] == piece_index]
        for block in lost:
            self.give_up(block)
        return lost

    def lose_all(self) -> list[BlockRef]:
        """A choke without the fast extension: BEP 3 lets the peer throw all of them out, yet "it's
        possible for an unexpected piece to arrive"."""
        self._waiting_since = None
        return self._give_up_all()

    def overdue(self, now: float) -> list[BlockRef]:
        """The requests whose time is up; they are given up. When nothing at all comes the peer is
        snubbed, and everything it was asked for is overdue."""
        waiting_since = self._waiting_since
        if waiting_since is not None and now >= waiting_since + self.stall_s():
            self.snubbed = True
            self._waiting_since = None
            return self._give_up_all()
        skipped = []
        for block, sent_at in self.requests.items():  # oldest first
            if now < self._skipped_at(sent_at):
                break
            skipped.append(BlockRef._make(block))
        for block in skipped:
            self.give_up(block)
        if skipped:
            self._waiting_since = waiting_since  # to give up is not to be answered
        return skipped

    def stall_s(self) -> float:
        """How long the peer may send no block at all. The rate is that of its last block, lest
        silence stretch its own deadline."""
        return min(STALL_S + STALL_BLOCKS * self._block_s(), TIMEOUT_MAX_S)

    def skip_s(self) -> float:
        """How long one request may stay unanswered while others are not: peers serve in order, so
        it is no longer than the queue it was sent into, give or take."""
        if self._rate_at_progress <= 0.0:
            return TIMEOUT_MAX_S
        return min(SKIP_S + SKIP_QUEUES * self._depth * self._block_s(), TIMEOUT_MAX_S)

    def next_deadline(self) -> float | None:
        """When `overdue` may next have something to tell."""
        stalled_at = None if self._waiting_since is None else self._waiting_since + self.stall_s()
        for sent_at in self.requests.values():  # the first is the oldest
            skipped_at = self._skipped_at(sent_at)
            return skipped_at if stalled_at is None else min(skipped_at, stalled_at)
        return stalled_at

    def _skipped_at(self, sent_at: float) -> float:
        """When a request sent then is overdue. While those before it are being answered it is not,
        however fast it goes now: it may have been asked for in a slower time, behind a limit."""
        skipped_at = sent_at + self.skip_s()
        if sent_at < self._answered_up_to:
            return skipped_at
        return max(skipped_at, self._progressed_at + SKIP_S)

    def _block_s(self) -> float:
        return BLOCK_BYTES / self._rate_at_progress if self._rate_at_progress > 0.0 else 0.0

    def _check_growth(self, now: float) -> None:
        if now - self._checked_at < GROWTH_CHECK_S:
            return
        rate = self._rate_at_progress
        if rate < self._checked_rate * GROWTH_RATIO:
            self._slow_start = False
        self._checked_rate = rate
        self._checked_at = now

    def _give_up_all(self) -> list[BlockRef]:
        blocks = [BlockRef._make(block) for block in self.requests]
        self.requests.clear()
        for block in blocks:
            self._remember(block)
        return blocks

    def _remember(self, block: BlockKey) -> None:
        self._late[block] = None
        if len(self._late) > LATE_MAX:
            del self._late[next(iter(self._late))]
