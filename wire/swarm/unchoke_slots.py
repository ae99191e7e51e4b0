"""How many peers to upload to at once: as many as the upload fills (BEP 3, "a fixed number").

The number is found by trying. Once in a while there are some slots more, or some less; it stays so
when the upload rose by at least half of what such slots had, or did not fall by as much. So slow
peers get company until the upload is full, and a full upload is not cut into crumbs: each slot less
is a faster one for those who earned it.

Differs from the BEP: its four slots are where we start, and the least, unless all we upload is so
little that four peers would wait long for each block.
"""

START = 4
LEAST = 2  # one that is earned, and the optimistic unchoke
SLOT_BYTES_PER_S = 1667  # n slots are worth it from n² times as much; the reference client's rule
CRUMB_BYTES_PER_S = 5_000  # no more slots when each has less than this
STEP = 3  # a third of the slots at a time
TRIAL_ROUNDS = 2  # what fills a new peer's queue in the first of them is no upload yet
REST_ROUNDS = 3  # after a trial that brought nothing
SHARE = 0.5  # of what one slot had: what a slot more must bring


class UnchokeSlots:
    """The number of slots of one torrent, dealt anew each round. `fixed`: 0 is by rate."""

    __slots__ = (
        "_before",
        "_count",
        "_direction",
        "_fixed",
        "_rest",
        "_trial_rounds",
        "_tried",
        "uploaded_bytes",
    )

    def __init__(self, fixed: int) -> None:
        self._fixed = fixed
        self._count = fixed or START
        self.uploaded_bytes = 0  # when the last round ended
        self._tried = 0  # slots added (or taken away) for the round that is ending
        self._before = 0.0  # the rate before that
        self._direction = 1  # of the next trial
        self._trial_rounds = 0
        self._rest = 0

    @property
    def count(self) -> int:
        """Slots at present."""
        return self._count

    def deal(self, uploaded_bytes: int, round_s: float, interested: int) -> int:
        """A round of `round_s` ended: the slots of the next. `uploaded_bytes`: in all so far.
        `interested`: peers that would make use of one; when there are fewer than slots, the rate
        tells nothing."""
        rate = (uploaded_bytes - self.uploaded_bytes) / round_s if round_s > 0.0 else 0.0
        self.uploaded_bytes = uploaded_bytes
        if self._fixed:
            return self._count
        if self._tried:
            self._trial_rounds += 1
            if self._trial_rounds < TRIAL_ROUNDS:
                return self._count
            self._judge(rate)
        if interested < self._count:
            self._rest = REST_ROUNDS
        elif self._rest:
            self._rest -= 1
        else:
            self._try(rate, interested)
        self._count = max(self._count, _least(rate))
        return self._count

    def _judge(self, rate: float) -> None:
        tried, self._tried = self._tried, 0
        due = self._before * SHARE * tried / (self._count - tried)
        if rate - self._before >= due:
            return  # go on in this direction
        self._count -= tried
        self._direction = -1 if tried > 0 else 1
        self._rest = REST_ROUNDS

    def _try(self, rate: float, interested: int) -> None:
        step = max(self._count // STEP, 1)
        more = min(step, interested - self._count)
        if self._direction < 0 and self._count - step >= _least(rate):
            self._tried = -step
        elif more > 0 and (self._count + more) * CRUMB_BYTES_PER_S <= rate:
            self._tried = more
        else:
            self._direction = -1
        self._before = rate
        self._trial_rounds = 0
        self._count += self._tried


def _least(bytes_per_s: float) -> int:
    fits = int((bytes_per_s / SLOT_BYTES_PER_S) ** 0.5)
    return min(max(fits, LEAST), START)
