"""Whose announce is due, of all the torrents that do nothing else (BEP 5: of how often, nothing).

One heap for all of them, so that a torrent costs no timer. Each is due ANNOUNCE_S after it was
announced. At a start, or when the network was away, they are spread evenly over that time, and so
they stay; those that came at once are drawn apart, since nobody gets ahead faster than by two
rounds in that time.
"""

import heapq
from collections.abc import Sequence
from random import Random

from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.swarm.schedule import ANNOUNCE_S

FEW = 100  # fewer torrents are spread as if they were so many, over less time
CATCH_UP_S = 1.0  # a loop that was late by this much may make good for it at once


class Rota:
    """A torrent is in it once. What was removed, or added anew, stays in the heap until its turn
    comes or half of the heap is of that kind."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._due_at: dict[InfoHash, float] = {}
        self._heap: list[tuple[float, InfoHash]] = []
        self._free_at = 0.0

    def __len__(self) -> int:
        return len(self._due_at)

    def add(self, infohash: InfoHash, due_at: float) -> None:
        """Also another time for one that is in it."""
        self._due_at[infohash] = due_at
        heapq.heappush(self._heap, (due_at, infohash))
        if len(self._heap) > 2 * len(self._due_at) + 1:
            self._heap = [(at, infohash) for infohash, at in self._due_at.items()]
            heapq.heapify(self._heap)

    def spread(self, infohashes: Sequence[InfoHash], now: float) -> None:
        """Each once within the next ANNOUNCE_S, in equal steps and in any order."""
        order = list(infohashes)
        self._rng.shuffle(order)
        step_s = ANNOUNCE_S / max(len(order), FEW)
        for place, infohash in enumerate(order):
            self.add(infohash, now + step_s * (place + self._rng.random()))

    def remove(self, infohash: InfoHash) -> float | None:
        """When it was due; None when it was not in it."""
        return self._due_at.pop(infohash, None)

    def due(self, now: float) -> list[InfoHash]:
        """Those whose turn it is; each is due again after the interval."""
        found = []
        step_s = self._step_s()
        while self._heap and self._heap[0][0] <= now and self._free_at <= now:
            at, infohash = heapq.heappop(self._heap)
            if self._due_at.get(infohash) == at:
                found.append(infohash)
                self._free_at = max(self._free_at, now - CATCH_UP_S) + step_s
        for infohash in found:
            self.add(infohash, now + ANNOUNCE_S)
        return found

    def next_deadline(self) -> float | None:
        """When somebody may be due."""
        return max(self._heap[0][0], self._free_at) if self._heap else None

    def _step_s(self) -> float:
        return ANNOUNCE_S / max(len(self._due_at), FEW) / 2
