"""How fast bytes flow, as a mean that forgets (the rates BEP 3's choking algorithm compares).

The mean is exponential: bytes of `time_constant_s` ago weigh 1/e of today's. Its start is
corrected, so a rate is right from the first second on and not only after many time constants.
"""

from math import exp

TIME_CONSTANT_S = 10.0  # one round of the choker; BEP 3's reference client averaged over 20 s
# The shortest time a rate is a rate of: a burst in the first millisecond is not 1000 times as fast.
FIRST_SPAN_S = 0.5


class Rate:
    """Bytes a second. `add` costs one comparison and one addition while `now` stands still."""

    __slots__ = ("_at", "_mean", "_pending_bytes", "_since", "_time_constant_s")

    def __init__(self, now: float, time_constant_s: float = TIME_CONSTANT_S) -> None:
        self._time_constant_s = time_constant_s
        self._since = now
        self._at = now
        self._mean = 0.0
        self._pending_bytes = 0

    def add(self, size_bytes: int, now: float) -> None:
        """`size_bytes` flowed just now."""
        if now > self._at:
            self._fold(now)
        self._pending_bytes += size_bytes

    def bytes_per_s(self, now: float) -> float:
        """The rate as of `now`; it falls towards 0 by itself when nothing flows."""
        if now > self._at:
            self._fold(now)
        constant_s = self._time_constant_s
        span_s = max(now - self._since, FIRST_SPAN_S)
        seen = 1.0 - exp(-span_s / constant_s)  # the share of a full mean that we can know of
        rate = (self._mean + self._pending_bytes / constant_s) / seen
        return rate if rate >= 1.0 else 0.0

    def restart(self, now: float) -> None:
        """Forget the past: what follows is a new transfer, not the slow end of the last one."""
        self._since = self._at = now
        self._mean = 0.0
        self._pending_bytes = 0

    def _fold(self, now: float) -> None:
        constant_s = self._time_constant_s
        fresh = self._pending_bytes / constant_s
        self._mean = (self._mean + fresh) * exp((self._at - now) / constant_s)
        self._pending_bytes = 0
        self._at = now
