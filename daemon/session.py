"""The session: everything that runs, put together, and the commands it answers (no JSON here)."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from functools import partial
from typing import Literal

from torrentd.config.schema import Config
from torrentd.daemon import reports
from torrentd.daemon.adding import Wanted, load_torrents, parse_peer, read_or_refused, read_request
from torrentd.daemon.admission import Admission, TokenBucket, connections_budget, descriptors_max
from torrentd.daemon.dialer import Dialer
from torrentd.daemon.discovery import Discovery
from torrentd.daemon.disk import Disk
from torrentd.daemon.doors import Doors
from torrentd.daemon.free_space import LOOK_INTERVAL_S, FreeSpace
from torrentd.daemon.healing import Healing
from torrentd.daemon.incoming import Lobby
from torrentd.daemon.known import Known
from torrentd.daemon.logs import get_logger
from torrentd.daemon.path_claims import PathClaims
from torrentd.daemon.pointers import Pointers
from torrentd.daemon.rates import Rates
from torrentd.daemon.selectors import select, select_one
from torrentd.daemon.services import Services
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import (
    AddRequest,
    AddResult,
    DaemonStatus,
    FileStatus,
    PeerStatus,
    PiecesStatus,
    Refused,
    TorrentInfo,
    TorrentStatus,
)
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import ReceiveBuffer
from torrentd.daemon.torrent import Torrent
from torrentd.daemon.traffic import Traffic
from torrentd.daemon.version import VERSION
from torrentd.daemon.why import Why, explain
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.formats.peer_ids import make_peer_id
from torrentd.wire.store.api import StoreError
from torrentd.wire.swarm.buffer_pool import BufferPool

SAVE_INTERVAL_S = 300.0  # the DHT's nodes, and counters that changed
CHECKS_AT_ONCE = 2
# Whatever hangs, the process ends within the two seconds that people wait for it.
STOP_DISK_S = 0.8
STOP_SAVE_S = 0.8
LARGE_METAINFO_BYTES = 256 * 1024  # above it, decoding leaves the loop
SEED_BITS = 64

log = get_logger("session")


class Session:
    """One daemon's worth of torrents. `start` once, `stop` once; commands between."""

    def __init__(self, config: Config, *, seed: int | None = None) -> None:
        self.shutdown_requested = asyncio.Event()
        self.failed = False
        self.tasks = Tasks(self._on_fatal)
        self._config = config
        self._secret_rng = random.SystemRandom()
        self._seed = self._secret_rng.getrandbits(SEED_BITS) if seed is None else seed
        self._rng = random.Random(self._seed)
        self._policy = AddressPolicy(config.network.allow_local_addresses)
        self._state = StateDir(config.state_dir)
        self._rates = Rates(config.rates)
        self._torrents: dict[InfoHash, Torrent] = {}
        self._started_at = time.monotonic()
        self._accepts = TokenBucket(config.limits.dials_per_s_max, self._started_at)
        self._dht_problem: str | None = None

    # ---- life

    async def start(self) -> None:
        """Raises StateLocked or OSError; then nothing is left running."""
        asyncio.get_running_loop().set_exception_handler(self.tasks.on_loop_exception)
        log.debug("seed of this run", seed=self._seed)
        if self._policy.allow_local:
            log.warning("network.allow_local_addresses is on: strangers may aim us at local hosts")
        self._state.open()
        try:
            await self._open()
        except OSError:
            self._state.close()
            raise
        for known in await self._disk.state.run(partial(load_torrents, self._state)):
            self._begin(known)
        await self.pointers.load()
        self.tasks.spawn(self.pointers.run(), "mutable torrents")
        self._healing.start()
        self.tasks.spawn(self._save_now_and_then(), "save now and then")
        self.tasks.spawn(self._watch_disks(), "watch the disks")
        self.tasks.spawn(self._rates.run(), "rate limits by the clock")

    async def stop(self) -> None:
        """In at most two seconds: everything that is known goes on record."""
        self._healing.close()
        self._doors.close()
        self._lobby.close()
        self._dialer.close()
        snapshot = self._discovery.snapshot()
        for torrent in self._torrents.values():
            torrent.close()
        self._discovery.close()
        await self._disk.drain(STOP_DISK_S)
        flushes = [self._flush(torrent) for torrent in self._torrents.values()]
        try:
            async with asyncio.timeout(STOP_SAVE_S):
                await self._save_dht(snapshot)
                await asyncio.gather(*flushes)
        except TimeoutError:
            log.error("the disk is too slow: not everything could be saved")
        for torrent in self._torrents.values():
            torrent.holding.record.close()
        self._disk.close()
        await self.tasks.close()
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

    async def save_changes(self, changes: bytes) -> str | None:
        """What was changed of the configuration by hand; the reason when it cannot be saved."""
        return await self._disk.state.run(partial(self._state.save_changes, changes))

    # ---- commands

    async def add(self, request: AddRequest) -> AddResult:
        added_at = int(time.time())
        if request.metainfo is not None and len(request.metainfo) > LARGE_METAINFO_BYTES:
            wanted = await self._disk.state.run(
                partial(read_or_refused, request, self._config, added_at)
            )
            if isinstance(wanted, Refused):
                raise wanted
        else:
            wanted = read_request(request, self._config, added_at)
        result = self._add(wanted)
        await self._get(wanted.known.state.infohash).put_on_record()
        return result

    def status(self) -> DaemonStatus:
        torrents = list(self._torrents.values())
        return reports.daemon_status(
            torrents,
            time.monotonic(),
            version=VERSION,
            uptime_s=int(time.monotonic() - self._started_at),
            pid=os.getpid(),
            listen_addresses=self._doors.addresses,
            config=self._config,
            dht=self.dht.status(),
            warnings=self._warnings(torrents),
        )

    def torrents(self) -> list[TorrentStatus]:
        now = time.monotonic()
        return [reports.torrent_status(torrent, now) for torrent in self._torrents.values()]

    def torrent(self, infohash: InfoHash) -> TorrentStatus:
        return reports.torrent_status(self._get(infohash), time.monotonic())

    def find(self, selector: str) -> InfoHash:
        """The one torrent that it names."""
        return select_one(selector, list(self._torrents.values())).infohash

    def select(self, selector: str) -> list[InfoHash]:
        """All torrents that it names: also a pattern, a state, all."""
        return [torrent.infohash for torrent in select(selector, list(self._torrents.values()))]

    def why(self, infohashes: list[InfoHash]) -> list[Why]:
        """What holds each of them up."""
        torrents = [self._get(infohash) for infohash in infohashes]
        checks_full = self._services.checks.locked()
        cases = reports.cases_of(torrents, self._discovery, checks_full, time.monotonic())
        return [explain(case) for case in cases]

    def info(self, infohash: InfoHash) -> TorrentInfo:
        return reports.torrent_info(self._get(infohash), time.monotonic())

    def peers(self, infohash: InfoHash) -> list[PeerStatus]:
        return reports.peer_statuses(self._get(infohash), time.monotonic())

    def metainfo(self, infohash: InfoHash) -> bytes:
        """A torrent file of it."""
        metadata = self._get(infohash).metadata
        if metadata is None:
            raise Refused("the metadata is not known yet; its magnet is")
        return encode_metainfo(metadata)

    def pieces(self, infohash: InfoHash) -> PiecesStatus:
        return reports.pieces_status(self._get(infohash))

    def files(self, infohash: InfoHash) -> list[FileStatus]:
        return reports.file_statuses(self._get(infohash))

    async def pause(self, infohash: InfoHash) -> None:
        self._get(infohash).pause()

    async def resume(self, infohash: InfoHash) -> None:
        self._get(infohash).resume()

    async def verify(self, infohash: InfoHash) -> None:
        """Starts it; `wait` or `status` tell when it is done."""
        torrent = self._get(infohash)
        if torrent.info is None:
            raise Refused("there is nothing to verify before the metadata is known")
        torrent.verify()

    async def remove(self, infohash: InfoHash, delete_data: bool = False) -> None:
        torrent = self._get(infohash)
        del self._torrents[infohash]
        torrent.close()
        try:
            await torrent.remove(delete_data)
        except StoreError as error:
            raise Refused(f"the torrent is gone, but not all of its files: {error}") from None
        log.info("removed", torrent=infohash.hex(), data=delete_data)

    async def add_peer(self, infohash: InfoHash, address_text: str) -> None:
        self._get(infohash).traffic.peers_found([parse_peer(address_text)], "manual")

    async def wait(
        self,
        infohash: InfoHash,
        until: Literal["done", "metadata"],
        timeout_s: float | None = None,
    ) -> bool:
        """False when that takes longer; Refused when the torrent is removed meanwhile."""
        future = self._get(infohash).wait(until)
        done, _ = await asyncio.wait([future], timeout=timeout_s)
        if future.cancelled():
            raise Refused("the torrent was removed")
        if not done:
            future.cancel()
        return bool(done)

    @property
    def dht(self) -> Discovery:
        return self._discovery

    # ---- inside

    async def _open(self) -> None:
        """Build everything that torrents stand on, and open the doors."""
        config, limits, now = self._config, self._config.limits, time.monotonic()
        descriptors = descriptors_max()
        listen = [Address(host, config.listen.port) for host in config.listen.addresses]
        self._doors = Doors(listen, self._policy, self.tasks)
        self._admission = Admission(limits, self._policy, connections_budget(limits, descriptors))
        self._disk = Disk(self.tasks, limits.read_cache_bytes_max, max(16, descriptors // 4))
        self._dialer = Dialer(limits, listen, self._admission, self.tasks)
        self._discovery = Discovery(
            config, self._policy, self._rng, self._secret_rng, self.tasks, self._peers_found
        )
        self.pointers = Pointers(
            self._discovery.items, self._rng, self._state, self._disk.state, self
        )
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
            receive_buffer=ReceiveBuffer(),
            checks=asyncio.Semaphore(CHECKS_AT_ONCE),
        )
        self._lobby = Lobby(self._services, self._find_traffic)
        self._accepts = TokenBucket(limits.dials_per_s_max, now)
        on_krpc = self._discovery.receive_datagram if config.dht.enabled else None
        await self._doors.open(self._admission, self._accepts, self._lobby.accepted, on_krpc)
        if config.dht.enabled:
            snapshot = await self._disk.state.run(self._state.load_dht)
            self._discovery.start(self._doors.endpoints, snapshot)
        self._healing = Healing(
            self._doors,
            self._dialer,
            self._discovery,
            self._traffics,
            self._policy,
            self.tasks,
        )

    def _begin(self, known: Known) -> Torrent:
        torrent = Torrent(self._services, known)
        self._torrents[torrent.infohash] = torrent
        torrent.start()
        return torrent

    def _add(self, wanted: Wanted) -> AddResult:
        infohash = wanted.known.state.infohash
        torrent = self._torrents.get(infohash)
        added = torrent is None
        if torrent is None:
            torrent = self._begin(wanted.known)
            torrent.holding.record.touch()
            log.info("added", torrent=infohash.hex(), name=torrent.name)
        for address in wanted.nodes:
            self._discovery.add_node(address)
        if wanted.magnet_peers:
            torrent.traffic.peers_found(wanted.magnet_peers, "magnet")
        if wanted.manual_peers:
            torrent.traffic.peers_found(wanted.manual_peers, "manual")
        return AddResult(infohash.hex(), torrent.name, added)

    def _get(self, infohash: InfoHash) -> Torrent:
        torrent = self._torrents.get(infohash)
        if torrent is None:
            raise Refused(f"there is no torrent {infohash.hex()}")
        return torrent

    def _find_traffic(self, infohash: InfoHash) -> Traffic | None:
        torrent = self._torrents.get(infohash)
        return torrent.traffic if torrent is not None else None

    def _traffics(self) -> Iterator[Traffic]:
        return (torrent.traffic for torrent in self._torrents.values())

    def _peers_found(self, infohash: InfoHash, peers: list[Address]) -> None:
        torrent = self._torrents.get(infohash)
        if torrent is not None:
            torrent.traffic.peers_found(peers, "dht")

    def _warnings(self, torrents: list[Torrent]) -> list[str]:
        sides = (self._doors.warnings, self._healing.warnings(), self._discovery.warnings())
        found = dict.fromkeys(sentence for side in sides for sentence in side)
        if self._dht_problem is not None:
            found[self._dht_problem] = None
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
            for torrent in list(self._torrents.values()):
                if torrent.counters_changed():
                    torrent.holding.record.changed()

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
