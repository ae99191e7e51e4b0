"""What gives one core its time: a single timer, re-armed at the core's `next_deadline`."""

import asyncio
import time
from collections.abc import Callable

# A core tolerates being called late; a timer that is due this soon is not moved for an earlier one.
LATENESS_S = 0.02
# A core that stays due after its tick must not spin the loop.
DELAY_MIN_S = 0.005


class Driver:
    """Calls `on_due(now)` when the core's deadline has come; `rearm` follows every input."""

    __slots__ = ("_armed_for", "_loop", "_next_deadline", "_on_due", "_timer")

    def __init__(
        self, next_deadline: Callable[[], float | None], on_due: Callable[[float], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._next_deadline = next_deadline
        self._on_due = on_due
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def rearm(self, now: float) -> None:
        """See to it that the timer fires no later than the core wants; no deadline, no timer."""
        if self._timer is not None and self._armed_for <= now + LATENESS_S:
            return
        deadline = self._next_deadline()
        if deadline is None:
            self.stop()
        elif self._timer is None or deadline < self._armed_for:
            self._arm(deadline, now)

    def overdue_s(self, now: float) -> float:
        """How long ago the core should have been called; some milliseconds are usual."""
        if self._timer is not None:
            return max(0.0, now - self._armed_for)
        deadline = self._next_deadline()
        return 0.0 if deadline is None else max(0.0, now - deadline)

    def stop(self) -> None:
        """Forget the timer; the next `rearm` sets it again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, deadline: float, now: float) -> None:
        self.stop()
        delay_s = max(deadline - now, DELAY_MIN_S)
        self._armed_for = now + delay_s
        self._timer = self._loop.call_later(delay_s, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = time.monotonic()
        if self._armed_for <= now + LATENESS_S:  # the loop counts whole milliseconds
            self._on_due(now)
        self.rearm(time.monotonic())
