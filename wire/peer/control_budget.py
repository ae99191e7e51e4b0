"""How many messages that move no data a peer may send (security W9). No BEP applies.

Two hundred a second are ten times what any honest peer sends; who sends more is read more slowly,
and who piles up a debt of half a minute is not a peer.
"""

from torrentd.wire.formats.errors import MessageError

MESSAGES_PER_S = 200
BURST = 1000
DEBT_MAX = 6000


class ControlBudget:
    """A bucket of tokens, one a control message."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, now: float) -> None:
        self._at = now
        self._tokens = float(BURST)

    def refill(self, now: float) -> None:
        """Time has passed."""
        self._tokens = min(self._tokens + (now - self._at) * MESSAGES_PER_S, BURST)
        self._at = now

    def spend(self) -> None:
        """One message more. Raises MessageError for a flood."""
        self._tokens -= 1.0
        if self._tokens < -DEBT_MAX:
            raise MessageError("a flood of control messages")

    def paused_until(self) -> float:
        """When the debt is paid; 0 when there is none."""
        return self._at - self._tokens / MESSAGES_PER_S if self._tokens < 0.0 else 0.0
