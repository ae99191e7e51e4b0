"""The torrents of a session, and the commands on them (no JSON here)."""

import asyncio
import time
from collections.abc import Iterator
from functools import partial

from torrentd.daemon import reports
from torrentd.daemon.adding import Wanted, parse_peer, read_or_refused, read_request
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.known import Known
from torrentd.daemon.logs import get_logger
from torrentd.daemon.selectors import select, select_one
from torrentd.daemon.services import Services
from torrentd.daemon.status import (
    AddRequest,
    AddResult,
    FileStatus,
    PeerStatus,
    PiecesStatus,
    Refused,
    TorrentInfo,
    TorrentStatus,
)
from torrentd.daemon.torrent import Torrent
from torrentd.daemon.traffic import Traffic
from torrentd.daemon.waiters import Goal
from torrentd.daemon.why import Why, explain
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.options import TorrentOptions

LARGE_METAINFO_BYTES = 256 * 1024  # above it, decoding leaves the loop

log = get_logger("session")


class Torrents:
    """By their infohash. The session is one of these, with a life."""

    def __init__(self) -> None:
        self._torrents: dict[InfoHash, Torrent] = {}
        self._services: Services  # from `start` on

    # ---- commands

    async def add(self, request: AddRequest) -> AddResult:
        added_at = int(time.time())
        if request.metainfo is not None and len(request.metainfo) > LARGE_METAINFO_BYTES:
            wanted = await self._services.disk.state.run(
                partial(read_or_refused, request, self._services.config, added_at)
            )
            if isinstance(wanted, Refused):
                raise wanted
        else:
            wanted = read_request(request, self._services.config, added_at)
        result = self._add(wanted)
        await self._get(wanted.known.state.infohash).put_on_record()
        return result

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
        cases = reports.cases_of(torrents, self._services.discovery, checks_full, time.monotonic())
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
        finally:
            self._services.witnesses.tell("removed", infohash, torrent.name, "data" * delete_data)
        log.info("removed", torrent=infohash.hex(), data=delete_data)

    async def add_peer(self, infohash: InfoHash, address_text: str) -> None:
        self._get(infohash).traffic.peers_found([parse_peer(address_text)], "manual")

    def options(self, infohash: InfoHash) -> TorrentOptions:
        """What is wanted of it."""
        return self._get(infohash).options

    def set_options(self, infohash: InfoHash, options: TorrentOptions) -> None:
        self._get(infohash).set_options(options)

    def choose_files(self, infohash: InfoHash, choice: FileChoice) -> None:
        """Which files are wanted from now on, and in which order."""
        self._get(infohash).choose_files(choice)

    @property
    def alternative_limits_hold(self) -> bool:
        return self._services.rates.alternative

    async def wait(
        self,
        infohash: InfoHash,
        until: Goal,
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

    # ---- inside

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
            self._services.witnesses.tell("added", infohash, torrent.name)
        for address in wanted.nodes:
            self._services.discovery.add_node(address)
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
