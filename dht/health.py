"""Health: does one of the two DHTs still answer us? (BEP 5 knows only when a single node is bad.)

It is *joining* until the first answer, *online* while answers come, *silent* when none came for a
minute although several nodes were asked. A table that is content asks nobody for a quarter of an
hour, so a quiet half minute is ended by pings, each to another node: silence is always a silence of
the network, never of ours. Fewer good nodes than a bucket holds, after there were more, is as bad.

Either is answered by a rejoin: sockets are opened again and everybody known is asked, at once and
then with back-off for as long as it lasts.
"""

from typing import Final, Literal

from torrentd.dht.bucket import BUCKET_SIZE

QUIET_S: Final = 30.0  # then nodes are pinged, to hear whether there is anybody
SILENT_S: Final = 60.0
PROBES_MIN: Final = 4  # asked in vain: a process that was stopped for a minute has heard nobody
REJOIN_S_MIN: Final = 60.0
REJOIN_S_MAX: Final = 300.0
NODES_NEEDED: Final = BUCKET_SIZE
CHECK_S: Final = 5.0  # and so between two of those pings

HealthState = Literal["joining", "online", "silent"]
Advice = Literal["rejoin", "ping"]


class Health:
    def __init__(self, now: float) -> None:
        self.answered_at: float | None = None
        self.silent_since: float | None = now  # of the last answer, or the start; None: online
        self.rejoins = 0
        self.probes = 0  # pings since the last answer: each should go to another node
        self._check_at = now + SILENT_S
        self._rejoin_at = now + SILENT_S
        self._rejoin_s = REJOIN_S_MIN
        self._had_nodes = False
        self._online_at = now  # of the first answer after the last silence

    @property
    def online_since(self) -> float | None:
        """None: nobody answers."""
        return self._online_at if self.silent_since is None else None

    @property
    def state(self) -> HealthState:
        if self.answered_at is None:
            return "joining"
        return "online" if self.silent_since is None else "silent"

    def answered(self, now: float) -> float | None:
        """A node answered a query of ours. Returns since when nobody had, if this ends a silence
        (or the wait for the first answer)."""
        ended, self.silent_since = self.silent_since, None
        self.answered_at = now
        self.probes = 0
        if ended is not None:
            self._online_at = now
            self._check_at = now + CHECK_S
            self._rejoin_s = REJOIN_S_MIN
            self._had_nodes = False
        return ended

    def is_check_due(self, now: float) -> bool:
        return now >= self._check_at

    def check(self, now: float, nodes_good: int) -> Advice | None:
        """What is to be done now. The next check is in a few seconds."""
        self._check_at = now + CHECK_S
        if self.answered_at is None or self.silent_since is not None:
            return self._rejoin(now) if now >= self._rejoin_at else None
        quiet_s = now - self.answered_at
        if quiet_s >= SILENT_S and self.probes >= PROBES_MIN:
            self.silent_since = self.answered_at
            return self._rejoin(now)
        if nodes_good >= NODES_NEEDED:
            self._had_nodes = True
            self._rejoin_s = REJOIN_S_MIN
        elif self._had_nodes and now >= self._rejoin_at:
            self._had_nodes = False
            return self._rejoin(now)
        if quiet_s < QUIET_S:
            return None
        self.probes += 1
        return "ping"

    def restart(self, now: float) -> None:
        """The machine's network changed: what was waited for begins anew."""
        self._rejoin_s = REJOIN_S_MIN
        self._rejoin_at = now + SILENT_S

    def next_deadline(self) -> float:
        return self._check_at

    def _rejoin(self, now: float) -> Advice:
        self.rejoins += 1
        self._rejoin_at = now + self._rejoin_s
        self._rejoin_s = min(2 * self._rejoin_s, REJOIN_S_MAX)
        return "rejoin"
