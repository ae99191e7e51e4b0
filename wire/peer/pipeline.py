"""Our requests at one peer: how many to keep outstanding, and when one is overdue (BEP 3, 6, 10).

BEP 3: "downloaders should keep several piece requests queued up at once in order to get good TCP
performance". How many: the window starts small and grows by one block for every block that comes
(it doubles each round trip), until the rate no longer follows; from then on it is rate times
`QUEUE_S`, which is far more than a round trip and so leaves the rate room to grow.

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
RATE_CONSTANT_S = 2.0
REQQ_DEFAULT = 250  # BEP 10: "The default in in libtorrent is 250"
TIMEOUT_UNKNOWN_S = 20.0  # before the first block has told a rate (security W12: 20 to 60 s)
TIMEOUT_MIN_S = 10.0
TIMEOUT_MAX_S = 60.0
LATE_MAX = 4000  # blocks remembered as once asked for

BlockKey = tuple[int, int, int]  # what a BlockRef is, made in a tenth of the time


class Pipeline:
    """The requests we have sent to one peer and not seen answered, oldest first."""

    __slots__ = (
        "_checked_at",
        "_checked_rate",
        "_late",
        "_limit_max",
        "_outstanding_max",
        "_progress_at",
        "_rate",
        "_rate_at_progress",
        "_slow_start",
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
        self._progress_at = now
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
        window = self.window(now)
        count = len(self.requests)
        if count * 4 > window * 3:
            return 0
        return window - count

    def window(self, now: float) -> int:
        """How many blocks should be outstanding in all."""
        if self.snubbed:
            return 1  # one question, to notice when the peer serves again
        if self._slow_start:
            return min(self._window, self.limit)
        wanted = int(self._rate.bytes_per_s(now) * QUEUE_S) // BLOCK_BYTES
        return min(max(wanted, WINDOW_MIN), self.limit)

    def restart(self, now: float) -> None:
        """The peer unchoked us: whatever was measured before belongs to another time."""
        self._slow_start = True
        self.limit = self._limit_max
        self._window = max(WINDOW_START, min(self._window, self.limit) // 2)
        self._rate.restart(now)
        self._progress_at = self._checked_at = now
        self._checked_rate = self._rate_at_progress = 0.0

    def add(self, blocks: list[BlockRef], now: float) -> None:
        """These were sent to the peer just now."""
        if not self.requests:
            self._progress_at = now  # the wait for an answer begins here
        self.requests.update(dict.fromkeys(blocks, now))

    def progressed(self, block_count: int, size_bytes: int, now: float) -> None:
        """Blocks that were asked for came; called once for a run of them, not once a block."""
        self._rate.add(size_bytes, now)
        self._progress_at = now
        self.snubbed = False
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
        not choke us means that its queue is shorter than it told."""
        if self.requests.pop(block, None) is None:
            return self.take_late(block)
        if not choking:
            self.limit = max(len(self.requests), WINDOW_MIN)
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
        return True

    def lose_all(self) -> list[BlockRef]:
        """A choke without the fast extension: BEP 3 lets the peer throw all of them out, yet "it's
        possible for an unexpected piece to arrive"."""
        return self._give_up_all()

    def overdue(self, now: float) -> list[BlockRef]:
        """The requests whose time is up; they are given up. Nothing came meanwhile: the peer is
        snubbed, and all that it was asked for is overdue."""
        timeout_s = self.timeout_s()
        if self.requests and now >= self._progress_at + timeout_s:
            self.snubbed = True
            return self._give_up_all()
        late = []
        for block, sent_at in self.requests.items():  # oldest first
            if sent_at + timeout_s > now:
                break
            late.append(BlockRef._make(block))
        for block in late:
            self.give_up(block)
        return late

    def timeout_s(self) -> float:
        """How long a request may take: twice what the whole queue needs at the rate of the last
        block, and some. The rate is that of then, lest silence stretch its own deadline."""
        if self._rate_at_progress <= 0.0:
            return TIMEOUT_UNKNOWN_S
        queue_s = len(self.requests) * BLOCK_BYTES / self._rate_at_progress
        return min(TIMEOUT_MIN_S + 2.0 * queue_s, TIMEOUT_MAX_S)

    def next_deadline(self) -> float | None:
        """When `overdue` may next have something to tell."""
        for sent_at in self.requests.values():  # the first is the oldest
            return min(sent_at, self._progress_at) + self.timeout_s()
        return None

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
