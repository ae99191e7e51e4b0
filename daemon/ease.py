"""A torrent that comes from its rest, and may lie down again (rest)."""

import asyncio
from dataclasses import replace

from torrentd.daemon.known import Known
from torrentd.daemon.resting import Kept, Resting, may_rest, rested
from torrentd.daemon.services import Services
from torrentd.daemon.waiters import Waiters
from torrentd.daemon.wishes import Wishes


class Ease(Wishes):
    """Between what is wanted of it and its life (torrent)."""

    def __init__(self, services: Services, known: Known) -> None:
        super().__init__(services, known)
        self._rule_limit_bytes_per_s = known.kept.rule_limit_bytes_per_s
        self.stages = known.kept.stages  # of what began as a magnet
        self._announce_at = known.kept.announce_at  # where its rest was broken
        self._rested = known.kept.announce_at is not None
        self._metadata_saved = known.on_record and known.metadata is not None
        self._waiters = Waiters()
        self._opening: asyncio.Task[None] | None = None
        self._closed = False

    async def opening(self) -> None:
        """Until its data is open, or of no use."""
        if self._opening is not None:
            await asyncio.wait([self._opening])

    def may_rest(self, now: float) -> bool:
        """Is nothing to be done, and nobody here who wants anything? What is not on record yet goes
        there first."""
        if not self._is_at_ease(now) or not self._waiters.is_empty or not self._metadata_saved:
            return False
        if not self._record_is_true():
            self.holding.record.changed()
            return False
        return True

    def rest(self) -> Resting:
        """The end of this object, not of the torrent."""
        self._closed = True
        quota = self.swarm.quota
        kept = Kept(
            announce_at=self.swarm.announce_at,
            stages=self.stages,
            quota=quota if quota is not None and not quota.is_empty else None,
            wasted_bytes=self.wasted_bytes,
            rule_limit_bytes_per_s=self._rule_limit_bytes_per_s,
        )
        self.traffic.rest()
        self.holding.close()
        self.holding.record.close()
        return rested(self._what_is_true(), kept)

    def _is_at_ease(self, now: float) -> bool:
        if self.is_moving or self._state.moved_from is not None or self.heads_home:
            return False
        storage = self.holding.storage
        if not self.opened or storage is None or self.trouble is not None or self.queued:
            return False
        return storage.idle and self.swarm.is_at_ease(now) and self.holding.record.settled

    def _record_is_true(self) -> bool:
        recorded = self.holding.record.recorded
        if recorded is None or not may_rest(recorded):
            return False
        truth = replace(self._what_is_true(), generation=0, stamps=())
        return replace(recorded, generation=0, stamps=()) == truth
