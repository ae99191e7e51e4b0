"""How fast bytes may flow: for the daemon in all, and for each torrent. No BEP applies.

A `Throttle` is one direction of the daemon, a `Meter` one torrent's part in it. What the limit
allows is handed out in equal parts to those who asked within the last second, and what one of them
cannot use goes to the others. Whoever has room may take more than it: then it is in debt, and waits
until that is paid. So whole blocks can be sent, and the rate is still exact.
"""

from typing import Final

from torrentd.wire.formats.geometry import BLOCK_BYTES

BURST_S: Final = 0.2  # what was not used for longer than this is lost: 4 % of five seconds
ACTIVE_S: Final = 1.0
STEP_S: Final = 0.05  # between two looks, so that the waiting do not spin
UNLIMITED: Final = 1 << 62


class Throttle:
    """`rate_bytes_per_s` for all meters together; 0: no limit. `spares_local`: peers of the local
    network are not metered."""

    def __init__(self, rate_bytes_per_s: int, now: float, *, spares_local: bool = True) -> None:
        self.spares_local = spares_local
        self.rate_bytes_per_s = rate_bytes_per_s
        self._at = now
        self._active: dict[Meter, float] = {}  # when each asked last

    def meter(self, now: float) -> "Meter":
        """A torrent's part."""
        return Meter(self, now)

    def set_rate(self, rate_bytes_per_s: int, now: float) -> None:
        """From now on; of debts only a block's is kept, which may still be on its way: those of a
        fast time would bind a slow one."""
        if rate_bytes_per_s != self.rate_bytes_per_s:
            self.rate_bytes_per_s = rate_bytes_per_s
            self._at = now
            for meter in self._active:
                meter.credit_bytes = _debt_kept(meter.credit_bytes)

    def ask(self, meter: "Meter", now: float) -> None:
        """The meter would let bytes flow: it has its part in what was allowed since the last
        time."""
        if meter not in self._active:
            meter.credit_bytes = min(meter.credit_bytes, 0.0)
        self._active[meter] = now
        elapsed_s = now - self._at
        if elapsed_s > 0.0:
            self._at = now
            self._active = {m: at for m, at in self._active.items() if now - at < ACTIVE_S}
            self._hand_out(min(elapsed_s, ACTIVE_S) * self.rate_bytes_per_s)

    def part_bytes_per_s(self) -> float:
        """What each of the active ones gets at least."""
        return self.rate_bytes_per_s / max(len(self._active), 1)

    def leave(self, meter: "Meter") -> None:
        """The torrent is gone."""
        self._active.pop(meter, None)

    def _hand_out(self, size_bytes: float) -> None:
        credit_bytes_max = self.rate_bytes_per_s * BURST_S
        takers = list(self._active)
        while takers and size_bytes >= 1.0:
            part, size_bytes = size_bytes / len(takers), 0.0
            for meter in takers:
                meter.credit_bytes += part
                size_bytes += max(meter.credit_bytes - credit_bytes_max, 0.0)
                meter.credit_bytes = min(meter.credit_bytes, credit_bytes_max)
            takers = [meter for meter in takers if meter.credit_bytes < credit_bytes_max]


class Meter:
    """One torrent in one direction, with a limit of its own too; 0: none."""

    def __init__(self, throttle: Throttle, now: float) -> None:
        self.limit_bytes_per_s = 0
        self.credit_bytes = 0.0  # of the throttle's
        self._throttle = throttle
        self._own_bytes = 0.0  # of our own limit's
        self._at = now

    @property
    def spares_local(self) -> bool:
        """See Throttle."""
        return self._throttle.spares_local

    @property
    def is_limited(self) -> bool:
        """Does any limit bind it at all?"""
        return bool(self._throttle.rate_bytes_per_s or self.limit_bytes_per_s)

    def set_limit(self, limit_bytes_per_s: int, now: float) -> None:
        """From now on; 0: none."""
        self.limit_bytes_per_s = limit_bytes_per_s
        self._own_bytes = _debt_kept(self._own_bytes)
        self._at = now

    def room(self, now: float) -> int:
        """Bytes that may flow now; with more than 0, some more than that may, in debt."""
        room = float(UNLIMITED)
        if self._throttle.rate_bytes_per_s:
            self._throttle.ask(self, now)
            room = self.credit_bytes
        if self.limit_bytes_per_s:
            earned_bytes = self._own_bytes + (now - self._at) * self.limit_bytes_per_s
            self._own_bytes = min(earned_bytes, self.limit_bytes_per_s * BURST_S)
            self._at = now
            room = min(room, self._own_bytes)
        return max(int(room), 0)

    def take(self, size_bytes: int) -> None:
        """So many flow now."""
        if self._throttle.rate_bytes_per_s:
            self.credit_bytes -= size_bytes
        if self.limit_bytes_per_s:
            self._own_bytes -= size_bytes

    def next_at(self, now: float) -> float:
        """When there may be room again for one that has none."""
        wait_s = STEP_S
        if self._throttle.rate_bytes_per_s:
            wait_s = max(wait_s, -self.credit_bytes / self._throttle.part_bytes_per_s())
        if self.limit_bytes_per_s:
            wait_s = max(wait_s, -self._own_bytes / self.limit_bytes_per_s)
        return now + min(wait_s, ACTIVE_S / 2)  # others may leave, a limit may change

    def leave(self) -> None:
        """The torrent is gone."""
        self._throttle.leave(self)


def _debt_kept(credit_bytes: float) -> float:
    return max(min(credit_bytes, 0.0), -float(BLOCK_BYTES))
