"""The session: everything that runs, put together; its life from a start to a stop."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from functools import partial

from torrentd.config.schema import Config
from torrentd.daemon import reports
from torrentd.daemon.admission import Admission, TokenBucket, connections_budget, descriptors_max
from torrentd.daemon.adopting import Adopting
from torrentd.daemon.bans import Bans
from torrentd.daemon.dialer import Dialer
from torrentd.daemon.discovery import Discovery
from torrentd.daemon.disk import Disk
from torrentd.daemon.doors import Doors
from torrentd.daemon.free_space import LOOK_INTERVAL_S, FreeSpace
from torrentd.daemon.healing import Healing
from torrentd.daemon.hooks import Hooks
from torrentd.daemon.incoming import Lobby
from torrentd.daemon.journal import Journal
from torrentd.daemon.journal_file import JournalFile
from torrentd.daemon.known import Known
from torrentd.daemon.ledger import Ledger
from torrentd.daemon.loading import load_torrent, load_torrents
from torrentd.daemon.logs import get_logger
from torrentd.daemon.path_claims import PathClaims
from torrentd.daemon.pointers import Pointers
from torrentd.daemon.porch import Porch
from torrentd.daemon.queue import LOOK_S as QUEUE_LOOK_S
from torrentd.daemon.queue import Queue
from torrentd.daemon.rates import Rates
from torrentd.daemon.refusals import Refusals
from torrentd.daemon.resolving import Resolving
from torrentd.daemon.rest import Rest
from torrentd.daemon.seeding import Seed, Seeding
from torrentd.daemon.services import Services
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import DaemonStatus
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import ReceiveBuffer
from torrentd.daemon.telling import Telling, told_before
from torrentd.daemon.told import Told
from torrentd.daemon.torrent import Torrent
from torrentd.daemon.torrents import Torrents
from torrentd.daemon.version import VERSION
from torrentd.daemon.watching import Watching
from torrentd.daemon.witness import Witnesses
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.blocks import Blocks
from torrentd.wire.formats.peer_ids import make_peer_id
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.swarm.buffer_pool import BufferPool

SAVE_INTERVAL_S = 300.0  # the DHT's nodes, and counters that changed
REST_INTERVAL_S = 5.0
LOAD_BATCH = 500  # torrents loaded by one job
CHECKS_AT_ONCE = 2
# Whatever hangs, the process ends within the two seconds that people wait for it.
STOP_DISK_S = 0.8
STOP_SAVE_S = 0.8
SEED_BITS = 64

log = get_logger("session")


class Session(Torrents):
    """One daemon's worth of torrents. `start` once, `stop` once; commands between."""

    def __init__(self, config: Config, *, seed: int | None = None) -> None:
        super().__init__()
        self.shutdown_requested = asyncio.Event()
        self.failed = False
        self.tasks = Tasks(self._on_fatal)
        self._config = config
        self._secret_rng = random.SystemRandom()
        self._seed = self._secret_rng.getrandbits(SEED_BITS) if seed is None else seed
        self._rng = random.Random(self._seed)
        self._blocks = Blocks()
        self._policy = AddressPolicy(config.network.allow_local_addresses, self._blocks)
        self._state = StateDir(config.state_dir)
        self._journal_file = JournalFile(self._state.journal)
        self._rates = Rates(config.rates)
        self.witnesses = Witnesses()
        self._ledger = Ledger(self._state.load_totals, self._state.save_totals)
        self._queue = Queue(
            config.queue, self._torrents.values, self._positions, self._look_at_queue_soon
        )
        self._queue_due = False
        self.witnesses.attach(self._queue)
        self._seeding = Seeding(config.seeding, self._seeds, self.remove)
        self._started_at = time.monotonic()
        self._accepts = TokenBucket(config.limits.dials_per_s_max, self._started_at)
        self._dht_problem: str | None = None

    # ---- life

    async def start(self) -> None:
        """`load` and `begin`."""
        await self.load()
        self.begin()

    async def load(self) -> None:
        """Open the doors, and know all torrents. Raises StateLocked or OSError; then nothing is
        left running."""
        asyncio.get_running_loop().set_exception_handler(self.tasks.on_loop_exception)
        log.debug("seed of this run", seed=self._seed)
        if self._policy.allow_local:
            log.warning("network.allow_local_addresses is on: strangers may aim us at local hosts")
        self._state.open()
        try:
            self._journal_file.open()
            await self._open()
        except OSError:
            self._journal_file.close()
            self._state.close()
            raise
        await self._ledger.load(self._disk.state)
        await self._load_torrents()
        await self.pointers.load()
        self._watching = Watching(self._config.watch, self, self._disk.workers_for)

    def begin(self) -> None:
        """Let the torrents run: whoever started us has heard by now that we are there, however long
        their checks take."""
        self._begin_all()
        self._look_at_queue_soon()
        self.tasks.spawn(self._hooks.run(), "hooks")
        self.tasks.spawn(self._watching.run(), "watch folders")
        self.tasks.spawn(self.pointers.run(), "mutable torrents")
        self._healing.start()
        self.tasks.spawn(self._save_now_and_then(), "save now and then")
        self.tasks.spawn(self._watch_disks(), "watch the disks")
        self.tasks.spawn(self._let_rest(), "let torrents rest")
        self.tasks.spawn(self._rates.run(), "rate limits by the clock")
        self.tasks.spawn(self._seeding.run(), "seeding rules")
        self.tasks.spawn(self._watch_queue(), "watch the queue")

    async def stop(self) -> None:
        """In at most two seconds: everything that is known goes on record."""
        self._watching.close()
        self._healing.close()
        self._doors.close()
        self._lobby.close()
        self._porch.close()
        self._rest.close()
        self._dialer.close()
        self._resolving.close()
        snapshot = self._discovery.snapshot()
        for torrent in self._torrents.values():
            torrent.close()
        self._discovery.close()
        await self._disk.drain(STOP_DISK_S)
        flushes = [self._flush(torrent) for torrent in self._torrents.values()]
        self.journal.tell("stopped")
        flushes.append(self.journal.flush())
        try:
            async with asyncio.timeout(STOP_SAVE_S):
                await self._save_dht(snapshot)
                await self._ledger.save(self._disk.state)
                await asyncio.gather(*flushes)
        except TimeoutError:
            log.error("the disk is too slow: not everything could be saved")
        for torrent in self._torrents.values():
            torrent.holding.record.close()
        self.journal.close()
        self._disk.close()
        await self.tasks.close()
        self._journal_file.close()
        self._state.close()

    def request_shutdown(self) -> None:
        self.shutdown_requested.set()

    def reconfigure(self, config: Config) -> None:
        """Apply what may change while it runs; keys that are read at the start must be the same."""
        self._config = self._services.config = config
        limits = config.limits
        self._admission.connections_max = connections_budget(limits, descriptors_max())
        self._accepts.rate_per_s = limits.dials_per_s_max
        self._dialer.change_limits(limits)
        self._disk.cache.resize(limits.read_cache_bytes_max)
        self._services.buffers.resize(limits.piece_buffers_bytes_max)
        self._services.free_space.limits = limits
        self._rates.reconfigure(config.rates)
        self._hooks.change(config.hooks)
        self._watching.change(config.watch)
        self._seeding.reconfigure(config.seeding)
        self._queue.reconfigure(config.queue)
        self._refusals.use(config.network.blocklist)

    async def save_changes(self, changes: bytes) -> str | None:
        """What was changed of the configuration by hand; the reason when it cannot be saved."""
        return await self._disk.state.run(partial(self._state.save_changes, changes))

    # ---- what people see

    def status(self) -> DaemonStatus:
        torrents = list(self._torrents.values())
        self._count_all()
        return reports.daemon_status(
            torrents,
            time.monotonic(),
            version=VERSION,
            uptime_s=int(time.monotonic() - self._started_at),
            pid=os.getpid(),
            listen_addresses=self._doors.addresses,
            config=self._config,
            moved=self._ledger.run,
            dht=self.dht.status(),
            blocks=self._refusals.status(),
            warnings=self._warnings(torrents),
        )

    def torrent_count(self) -> int:
        return len(self._order)

    def dht_overdue_s(self, now: float) -> float:
        return self._discovery.overdue_s(now)

    @property
    def bans(self) -> Bans:
        return self._refusals.bans

    @property
    def dht(self) -> Discovery:
        return self._discovery

    # ---- inside

    async def _open(self) -> None:
        """Build everything that torrents stand on, and open the doors."""
        config, limits = self._config, self._config.limits
        descriptors = descriptors_max()
        listen = [Address(host, config.listen.port) for host in config.listen.addresses]
        self._doors = Doors(listen, self._policy, self.tasks)
        self._admission = Admission(limits, self._policy, connections_budget(limits, descriptors))
        self._disk = Disk(self.tasks, limits.read_cache_bytes_max, max(16, descriptors // 4))
        self._refusals = Refusals(self._blocks, self._state, self._disk, self.tasks, self._traffics)
        await self._refusals.start(config.network.blocklist)
        self._dialer = Dialer(limits, listen, self._admission, self.tasks)
        self._discovery = Discovery(
            config, self._policy, self._rng, self._secret_rng, self.tasks, self._peers_found
        )
        items = self._discovery.items
        self.pointers = Pointers(items, self._rng, self._state, self._disk.state, self)
        self._services = Services(
            config=config,
            policy=self._policy,
            rng=self._rng,
            peer_id=make_peer_id(self._secret_rng),
            tasks=self.tasks,
            state=self._state,
            disk=self._disk,
            free_space=FreeSpace(limits, self._disk, self._torrents.values),
            buffers=BufferPool(limits.piece_buffers_bytes_max),
            claims=PathClaims(),
            admission=self._admission,
            dialer=self._dialer,
            discovery=self._discovery,
            rates=self._rates,
            witnesses=self.witnesses,
            queue=self._queue,
            ledger=self._ledger,
            receive_buffer=ReceiveBuffer(),
            checks=asyncio.Semaphore(CHECKS_AT_ONCE),
        )
        self._lobby = Lobby(self._services, self._find_adopter)
        self._adopting = Adopting(self._disk)
        self._rest = Rest(self._services, self._begin, self._torrents.get)
        self._resolving = Resolving(self._services)
        self._porch = Porch(self._rest.wake, self._find_adopter, self.tasks)
        self._accepts = TokenBucket(limits.dials_per_s_max, time.monotonic())
        on_krpc = self._discovery.receive_datagrams if config.dht.enabled else None
        await self._doors.open(self._admission, self._accepts, self._lobby.accepted, on_krpc)
        if config.dht.enabled:
            snapshot = await self._disk.state.run(self._state.load_dht)
            self._discovery.start(self._doors.endpoints, snapshot)
        self._healing = Healing(
            self._doors, self._dialer, self._discovery, self._traffics, self._policy, self.tasks
        )

    def _make_hooks(self) -> Hooks:
        async def load() -> str | None:
            return await self._disk.state.run(self._state.load_hooks_cursor)

        async def save(cursor: str | None) -> str | None:
            return await self._disk.state.run(partial(self._state.save_hooks_cursor, cursor))

        return Hooks(self._config.hooks, self.journal, load, save, self.tasks, os.environ)

    async def _load_torrents(self) -> None:
        """Those that a kill kept from telling something do not come to rest before."""
        run, state = self._disk.state.run, self._state
        infohashes = await run(state.infohashes)
        found: list[Known | ResumeState] = []
        for start in range(0, len(infohashes), LOAD_BATCH):
            batch = infohashes[start : start + LOAD_BATCH]
            found += await run(partial(load_torrents, state, batch))
        telling = await self._begin_telling(found)
        for place, record in enumerate(found):
            if isinstance(record, ResumeState) and not telling.has_told(record):
                found[place] = await run(partial(load_torrent, state, record.infohash)) or record
        self._restore(found)
        telling.start(self._torrents.values(), self._rest.torrents)

    async def _begin_telling(self, torrents: list[Known | ResumeState]) -> Telling:
        """What happens to torrents goes into the journal, and what a kill kept back."""
        self.journal = Journal(self._journal_file, self._disk.state)
        self._healing.on_network = self.journal.tell
        self._hooks = self._make_hooks()
        file = self._journal_file
        if file.is_new:
            await self._disk.state.run(partial(file.believe, told_before(torrents)))
        self.journal.tell("started", version=VERSION)
        told = Told.from_json(file.told.to_json())
        telling = Telling(self.journal.tell, told, self._torrents.get)
        self.witnesses.attach(telling)
        return telling

    def _warnings(self, torrents: list[Torrent]) -> list[str]:
        sides = (
            self._doors.warnings,
            self._healing.warnings(),
            self._discovery.warnings(),
            self._watching.warnings(),
            self._refusals.warnings(),
        )
        found = dict.fromkeys(sentence for side in sides for sentence in side)
        for trouble in (self._dht_problem, self.journal.problem, self._hooks.problem):
            if trouble is not None:
                found[trouble] = None
        if self._state.reserve.released:
            found[f"{self._config.state_dir}: the disk is full, the reserve is in use"] = None
        for torrent in torrents:
            for problem in (torrent.trouble, torrent.holding.record.error):
                if problem is not None:
                    found[problem] = None
        return list(found)

    async def _flush(self, torrent: Torrent) -> None:
        if torrent.counters_changed():
            torrent.holding.record.touch()
        await torrent.holding.record.flush()

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SAVE_INTERVAL_S)
            await self._save_dht(self._discovery.snapshot())
            self._save_counters()
            self._count_all()
            await self._ledger.save(self._disk.state)

    def _save_counters(self) -> None:
        """Of those that are awake: the record of one at rest tells all."""
        for torrent in list(self._torrents.values()):
            if torrent.counters_changed():
                torrent.holding.record.changed()

    async def _let_rest(self) -> None:
        while True:
            await asyncio.sleep(REST_INTERVAL_S)
            self._lay_down()

    def _seeds(self) -> Iterator[Seed]:
        yield from self._torrents.values()
        yield from self._rest.seeds(everybody=self._seeding.concerns_all)

    def _look_at_queue_soon(self) -> None:
        """Once for all that happens until then; while nobody has to wait, not at all."""
        if not self._queue_due and (self._queue.holds or self._queue.held):
            self._queue_due = True
            asyncio.get_running_loop().call_soon(self._look_at_queue)

    def _look_at_queue(self) -> None:
        self._queue_due = False
        self._queue.look(time.monotonic())

    async def _watch_queue(self) -> None:
        while True:
            await asyncio.sleep(QUEUE_LOOK_S)
            self._look_at_queue_soon()

    async def _watch_disks(self) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            self._services.free_space.look_at_all()
            if self._state.reserve.released:
                await self._disk.state.run(self._state.reserve.fill)

    async def _save_dht(self, snapshot: bytes | None) -> None:
        if snapshot is not None:
            self._dht_problem = await self._disk.state.run(partial(self._state.save_dht, snapshot))

    def _on_fatal(self, error: BaseException) -> None:
        self.failed = True
        self.shutdown_requested.set()
