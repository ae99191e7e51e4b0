"""When to look for peers in the DHT (BEP 5: nothing is said of how often).

A swarm that needs peers and has none asks again after 5 s, 15 s, 60 s, 4 min; every swarm asks, and
announces itself, every 15 min and a little: the little spreads many torrents.
"""

from random import Random

from torrentd.wire.swarm.actions import SearchPeers

HUNGRY_S = (5.0, 15.0, 60.0, 240.0)
ANNOUNCE_S = 900.0
ANNOUNCE_SPREAD_S = 180.0
ANEW_SPREAD_S = 60.0


class SearchSchedule:
    """Asleep until `start`."""

    __slots__ = ("_announce_at", "_rng", "_search_at", "_step")

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._announce_at: float | None = None
        self._search_at: float | None = None
        self._step = 0

    def start(self, now: float, announce_at: float | None = None) -> None:
        """Search at once; announce too, unless that was done less than 15 min ago. One that only
        rested goes on: `announce_at` is when it was to be announced next."""
        self._step = 0
        self._search_at = now
        if announce_at is not None:
            self._search_at = self._announce_at = announce_at
        if self._announce_at is None:
            self._announce_at = now

    def stop(self) -> None:
        """No search until the next `start`; the last announce is remembered."""
        self._search_at = None

    def begin_anew(self, now: float, *, complete: bool) -> None:
        """The network was away, or is another one: nobody knows where we are. Who has all it wants
        takes its time, so that many torrents do not ask at once."""
        if self._search_at is not None:
            self._step = 0
            wait_s = self._rng.random() * ANEW_SPREAD_S if complete else 0.0
            self._search_at = self._announce_at = now + wait_s

    def hungry(self, now: float) -> None:
        """The last peer is gone and more are needed."""
        if self._search_at is not None:
            self._step = 0
            self._search_at = min(self._search_at, now + HUNGRY_S[0])

    def due(self, now: float, *, hungry: bool) -> SearchPeers | None:
        """The search that is due; the next one is scheduled."""
        if self._search_at is None or self._announce_at is None or now < self._search_at:
            return None
        announce = now >= self._announce_at
        if announce:
            self._announce_at = now + ANNOUNCE_S + self._rng.random() * ANNOUNCE_SPREAD_S
        self._search_at = self._announce_at
        if hungry and self._step < len(HUNGRY_S):
            self._search_at = min(self._search_at, now + HUNGRY_S[self._step])
            self._step += 1
        return SearchPeers(announce)

    @property
    def announce_at(self) -> float | None:
        """When the next announce is due; None before the first start."""
        return self._announce_at

    def next_deadline(self) -> float | None:
        """When the next search is due."""
        return self._search_at
