"""The torrents at rest: looked at after a start, announced in turn, woken when somebody comes.

Nothing is done for one of them but its announce, a quarter of an hour after the last. It wakes for
a peer that comes or that the DHT names, and for a command; when all is still it lies down again.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from torrentd.daemon.driver import Driver
from torrentd.daemon.known import Known
from torrentd.daemon.loading import load_torrent
from torrentd.daemon.logs import get_logger
from torrentd.daemon.resting import Resting, looks_the_same, rested, roots
from torrentd.daemon.resting_seed import RestingSeed
from torrentd.daemon.services import Services
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.tcp import Link
from torrentd.daemon.torrent import Torrent
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.swarm.rota import Rota

LOOK_BATCH = 200  # torrents whose files one job looks at
WAKE_S = 2.0  # whoever wakes one waits so long for its data to be open

log = get_logger("session")


class Rest:
    """`torrents` is for others to read. `begin` makes a torrent of what is known, and runs it;
    `find` finds one that is awake."""

    def __init__(
        self,
        services: Services,
        begin: Callable[[Known], Torrent],
        find: Callable[[InfoHash], Torrent | None],
    ) -> None:
        self.torrents: dict[InfoHash, Resting] = {}
        self._services = services
        self._begin = begin
        self._find = find
        self._ruled: dict[InfoHash, None] = {}  # those with seeding rules of their own
        self._rota = Rota(services.rng)
        self._waking: dict[InfoHash, asyncio.Task[None]] = {}
        self._driver = Driver(self._rota.next_deadline, self._announce)
        self._restored: list[ResumeState] = []  # until `begin`
        self._disputed: list[InfoHash] = []
        self._closed = False

    def close(self) -> None:
        self._closed = True
        self._driver.stop()

    # ---- lying down

    def restore(self, record: ResumeState) -> None:
        """A torrent of an earlier run, complete by its record. After `begin` it rests once its
        files are seen to be as they were, and wakes at once otherwise."""
        self._keep(rested(record))
        claimed = roots(record.download_dir, record.names)
        if self._services.claims.claim(record.infohash, claimed) is None:
            self._restored.append(record)
        else:
            self._disputed.append(record.infohash)

    def begin(self) -> None:
        now = time.monotonic()
        for infohash in self._disputed:  # awake it says whose its files are
            self._wake_soon(infohash)
        records, self._restored = self._restored, []
        self._rota.spread([r.infohash for r in records if not r.paused], now)
        self._driver.rearm(now)
        folders: dict[str, list[ResumeState]] = {}
        for record in records:
            folders.setdefault(record.download_dir, []).append(record)
        for folder, here in folders.items():
            workers = self._services.disk.workers_for(Path(folder))
            for start in range(0, len(here), LOOK_BATCH):
                batch = here[start : start + LOOK_BATCH]
                workers.submit(partial(_look, batch), self._looked)

    def lay_down(self, torrent: Torrent) -> None:
        """One that `may_rest`."""
        now = time.monotonic()
        resting = torrent.rest()
        self._keep(resting)
        if not resting.paused and resting.kept.announce_at is not None:
            self._rota.add(torrent.infohash, resting.kept.announce_at)
            self._driver.rearm(now)

    def _keep(self, resting: Resting) -> None:
        self.torrents[resting.infohash] = resting
        if resting.options.rules is not None:
            self._ruled[resting.infohash] = None

    def _looked(self, seen: list[tuple[InfoHash, bool]]) -> None:
        for infohash, same in seen:
            resting = self.torrents.get(infohash)
            if resting is None:
                continue
            resting.believed = same
            if not same:
                self._wake_soon(infohash)

    # ---- waking

    async def wake(self, infohash: InfoHash) -> None:
        """It is no longer at rest when this returns, and open unless that takes long. Where its
        record cannot be read it stays at rest; the log says why."""
        if infohash in self._waking or infohash in self.torrents:
            await asyncio.wait([self._wake_soon(infohash)], timeout=WAKE_S)

    def cut(self, is_dead: Callable[[Link], bool]) -> None:
        """Nobody is connected to one at rest."""

    def prove_links(self) -> None:
        """As above."""

    def network_returned(self, lost_at: float) -> None:
        """Nobody knows where we are: all are announced anew, one after the other."""
        now = time.monotonic()
        self._rota.spread([i for i, each in self.torrents.items() if not each.paused], now)
        self._driver.rearm(now)

    def _wake_soon(self, infohash: InfoHash) -> asyncio.Task[None]:
        waking = self._waking.get(infohash)
        if waking is None:
            name = f"wake {infohash.hex()}"
            waking = self._services.tasks.spawn(self._wake(infohash), name)
            self._waking[infohash] = waking
        return waking

    async def _wake(self, infohash: InfoHash) -> None:
        try:
            services = self._services
            known = await services.disk.state.run(partial(load_torrent, services.state, infohash))
            resting = self.torrents.get(infohash)
            if known is None or resting is None or self._closed:
                return
            del self.torrents[infohash]
            self._ruled.pop(infohash, None)
            announce_at = self._rota.remove(infohash) or resting.kept.announce_at
            known.kept = replace(resting.kept, announce_at=announce_at)
            await self._begin(known).opening()
        finally:
            del self._waking[infohash]

    # ---- seeding rules

    def seeds(self, *, everybody: bool) -> Iterator[RestingSeed]:
        """Those to which rules apply: all, or who has some of its own."""
        for infohash in self.torrents if everybody else self._ruled:
            counted = self._services.discovery.swarm(infohash)
            yield RestingSeed(self.torrents[infohash], counted, self._pause_soon)

    def _pause_soon(self, infohash: InfoHash, reason: str) -> None:
        self._services.tasks.spawn(self._pause(infohash, reason), "pause one at rest")

    async def _pause(self, infohash: InfoHash, reason: str) -> None:
        await self.wake(infohash)
        torrent = self._find(infohash)
        if torrent is not None:
            torrent.pause(reason)

    # ---- announcing

    def _announce(self, now: float) -> None:
        services = self._services
        for infohash in self._rota.due(now):
            resting = self.torrents[infohash]
            if not resting.believed:
                continue  # its folder does not answer yet
            if resting.proven:
                self._announce_seed(resting)
            else:
                job = partial(_has_metadata, services.state, infohash)
                services.disk.state.submit(job, partial(self._proven, infohash))

    def _proven(self, infohash: InfoHash, proven: bool) -> None:
        """Nobody is told that we seed what we could not serve."""
        resting = self.torrents.get(infohash)
        if resting is None or self._closed:
            return
        resting.proven = proven
        if proven:
            self._announce_seed(resting)
        else:
            self._wake_soon(infohash)

    def _announce_seed(self, resting: Resting) -> None:
        self._services.discovery.get_peers(
            resting.infohash, announce=True, is_seed=True, is_partial=resting.is_partial
        )


def _has_metadata(state: StateDir, infohash: InfoHash) -> bool:
    """In a thread."""
    try:
        return state.load_metadata(infohash) is not None
    except StoreError:
        return False


def _look(records: list[ResumeState]) -> list[tuple[InfoHash, bool]]:
    """In a thread."""
    return [(record.infohash, looks_the_same(record)) for record in records]
