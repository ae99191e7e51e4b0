"""Searches for which nobody waits: the announces of seeds, and counts of swarms (BEP 5, 33).

They begin one after the other, when no other search waits, a few at once, and may send as many
bytes a second as answers may. So ten thousand torrents are announced in a stream that is always
as thin as that limit, and a download's search never stands behind them.
"""

from typing import Final

from torrentd.dht.search import Search

RUNNING_MAX: Final = 16  # half of the places that searches have
BURST_S: Final = 2.0  # what was not sent for longer than this is lost

Key = tuple[type[Search], bytes]


class Patience:
    """`spent` follows whatever they send: who begins may spend more than there is, and the next
    one waits until that is paid."""

    def __init__(self, bytes_per_s_max: int, now: float) -> None:
        self.waiting: dict[Key, Search] = {}
        self._rate: Final = float(bytes_per_s_max)
        self._left = BURST_S * self._rate
        self._at = now

    def next(self, now: float, running: int) -> Search | None:
        """Whose turn it is, of those that wait; `running` are under way."""
        if not self.waiting or running >= RUNNING_MAX or self._balance(now) <= 0.0:
            return None
        return self.waiting.pop(next(iter(self.waiting)))

    def spent(self, size_bytes: int, now: float) -> None:
        self._left = self._balance(now) - size_bytes
        self._at = now

    def next_deadline(self, running: int) -> float | None:
        """When somebody may begin, if that depends on the time alone."""
        if not self.waiting or running >= RUNNING_MAX:
            return None
        return self._at + max(-self._left, 0.0) / self._rate + 0.001

    def _balance(self, now: float) -> float:
        return min(self._left + (now - self._at) * self._rate, BURST_S * self._rate)
