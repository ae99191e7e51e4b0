"""The torrents of a session, and the commands on them (no JSON here)."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from torrentd.daemon import adopting, reports
from torrentd.daemon.adding import Wanted, download_root, parse_peer, read_or_refused, read_request
from torrentd.daemon.adopting import Adopting, Adoption
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.healing import Company
from torrentd.daemon.incoming import Adopter
from torrentd.daemon.known import Known
from torrentd.daemon.ledger import Ledger
from torrentd.daemon.loading import load_torrent
from torrentd.daemon.logs import get_logger
from torrentd.daemon.porch import Porch
from torrentd.daemon.queue import Move
from torrentd.daemon.resolving import Resolving
from torrentd.daemon.resting import Resting
from torrentd.daemon.roster import Roster
from torrentd.daemon.status import (
    AddRequest,
    AddResult,
    DataFate,
    FileStatus,
    PeerStatus,
    PiecesStatus,
    Refused,
    TorrentInfo,
    TorrentStatus,
)
from torrentd.daemon.torrent import Torrent
from torrentd.daemon.waiters import Goal
from torrentd.daemon.why import Why, explain
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import MagnetError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.magnet import decode_magnet
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.paths import safe_component
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.store.trash import NoTrash

MOVE_S = 2.0  # longer ones are told to be under way
LARGE_METAINFO_BYTES = 256 * 1024  # above it, decoding leaves the loop

log = get_logger("session")


class Torrents(Roster):
    """What can be done to them. The session is one of these, with a life."""

    def __init__(self) -> None:
        super().__init__()
        self._resolving: Resolving  # from `start` on, as the next two
        self._adopting: Adopting
        self._porch: Porch

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
        await self.wake(wanted.known.state.infohash)
        result = self._add(wanted)
        await self._get(wanted.known.state.infohash).put_on_record()
        return result

    async def adopt(self, request: adopting.Request) -> Adoption:
        """Before an add: the data that is here already."""
        known = {torrent.infohash for torrent in self._all()}
        return await self._adopting.adopt(request, self._services.config, known)

    def why(self, infohashes: list[InfoHash]) -> list[Why]:
        """What holds each of them up."""
        torrents = [self._any(infohash) for infohash in infohashes]
        now = time.monotonic()
        flow = sum(each.swarm.download_rate.bytes_per_s(now) for each in self._torrents.values())
        return [explain(case) for case in reports.cases_of(torrents, self._services, flow, now)]

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
        (await self._awake(infohash)).pause()

    async def resume(self, infohash: InfoHash) -> None:
        (await self._awake(infohash)).resume()

    async def verify(self, infohash: InfoHash) -> None:
        """Starts it; `wait` or `status` tell when it is done."""
        torrent = await self._awake(infohash)
        if torrent.info is None:
            raise Refused("there is nothing to verify before the metadata is known")
        torrent.verify()

    async def announce(self, infohash: InfoHash) -> None:
        """Search the DHT for its peers, and be found there, without waiting for the next time."""
        torrent = await self._awake(infohash)
        if not self._services.config.dht.enabled:
            raise Refused("dht.enabled is false: there is nobody to ask")
        if not torrent.swarm.running:
            raise Refused(f"{torrent.name!r} does not run: `torrentctl why` tells the reason")
        torrent.traffic.search_now()

    async def check_trash(self, infohash: InfoHash) -> None:
        """Refused where its data could not go to the trash."""
        await (await self._awake(infohash)).check_trash()

    async def remove(self, infohash: InfoHash, fate: DataFate = "stays") -> list[str]:
        """Where its data is in the trash. Refused where it cannot go there: it stays as it was."""
        torrent = await self._awake(infohash)
        if fate == "trashed":
            await torrent.check_trash()
        del self._torrents[infohash], self._order[infohash]
        torrent.close()
        try:
            trashed = await torrent.remove(fate)
        except NoTrash as error:
            await self._begin_again(infohash)
            raise Refused(f"nothing was removed: {error}") from None
        except StoreError as error:
            raise Refused(f"the torrent is gone, but not all of its files: {error}") from None
        finally:
            if infohash not in self._order:
                self._services.witnesses.tell("removed", infohash, torrent.name, fate)
        log.info("removed", torrent=infohash.hex(), data=fate)
        return [str(path) for path in trashed]

    async def add_peer(self, infohash: InfoHash, address_text: str) -> None:
        peer = parse_peer(address_text)
        if self._services.policy.is_blocked(peer.host):
            raise Refused(f"{peer.host} is banned, or on the blocklist")
        (await self._awake(infohash)).traffic.peers_found([peer], "manual")

    def set_options(self, infohash: InfoHash, options: TorrentOptions) -> None:
        self._get(infohash).set_options(options)

    def choose_files(self, infohash: InfoHash, choice: FileChoice) -> None:
        """Which files are wanted from now on, and in which order."""
        self._get(infohash).choose_files(choice)

    def totals(self) -> Ledger:
        """What has been moved, up to this moment."""
        self._count_all()
        return self._services.ledger

    async def resolve(self, uri: str, timeout_s: float) -> bytes:
        """A torrent file of a magnet; nothing is added."""
        try:
            magnet = decode_magnet(uri.strip())
        except MagnetError as error:
            raise Refused(error.reason) from None
        if magnet.infohash in self._order:
            await self.wake(magnet.infohash)
            return self.metainfo(magnet.infohash)
        return encode_metainfo(await self._resolving.resolve(magnet, timeout_s))

    async def move(self, infohash: InfoHash, folder: str) -> None:
        """Its files go there; returns when they are there, or that takes a while."""
        torrent = await self._awake(infohash)
        root = download_root(folder, self._services.config)
        if root.resolve() == torrent.holding.root.resolve():
            raise Refused(f"it is in {root} already")
        await torrent.move(torrent.place_in(str(root)))
        await self._moved(torrent)

    async def rename(self, infohash: InfoHash, path: str | None, name: str) -> None:
        """A file or folder of it on disk; without a path what people call it."""
        torrent = await self._awake(infohash)
        if not name or safe_component(name.encode()) != name:
            raise Refused(f"{name[:80]!r} cannot be the name of a file")
        if path is None:
            torrent.set_options(replace(torrent.options, name=name))
        else:
            await torrent.move(torrent.place_renamed(path, name))
            await self._moved(torrent)

    async def _moved(self, torrent: Torrent) -> None:
        try:
            async with asyncio.timeout(MOVE_S):
                await torrent.moving()
        except TimeoutError:
            return
        if torrent.error is not None:
            raise Refused(torrent.error)

    def queue(self) -> list[TorrentStatus]:
        """All that are not at rest, those first that are first served."""
        return [self.torrent(member.infohash) for member in self._services.queue.order()]

    def move_in_queue(self, infohashes: list[InfoHash], to: Move) -> None:
        """They must be awake."""
        for infohash in infohashes:
            self._get(infohash)
        self._services.queue.move(infohashes, to)

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
        torrent = self._any(infohash)
        if isinstance(torrent, Resting) and torrent.believed:
            return True
        future = (await self._awake(infohash)).wait(until)
        done, _ = await asyncio.wait([future], timeout=timeout_s)
        if future.cancelled():
            raise Refused("the torrent was removed")
        if not done:
            future.cancel()
        return bool(done)

    # ---- inside

    def _count_all(self) -> None:
        """One at rest was counted when it lay down."""
        for torrent in self._torrents.values():
            torrent.traffic.count()
        dht = self._services.discovery.status()
        self._services.ledger.count_dht(dht.bytes_received, dht.bytes_sent)

    def _positions(self) -> Iterator[int]:
        return (torrent.options.position for torrent in self._all())

    def _enter(self, known: Known) -> Torrent:
        torrent = Torrent(self._services, known)
        self._torrents[torrent.infohash] = torrent
        self._order[torrent.infohash] = None
        return torrent

    def _begin(self, known: Known) -> Torrent:
        torrent = self._enter(known)
        torrent.start()
        return torrent

    async def _begin_again(self, infohash: InfoHash) -> None:
        """One that was closed, by its record."""
        state = self._services.state
        known = await self._services.disk.state.run(partial(load_torrent, state, infohash))
        if known is not None:
            self._begin(known)

    def _add(self, wanted: Wanted) -> AddResult:
        infohash = wanted.known.state.infohash
        torrent = self._torrents.get(infohash)
        added = torrent is None
        if torrent is None:
            state = wanted.known.state
            position = self._services.queue.next_position()
            state.options = replace(state.options, position=position)
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

    def _restore(self, found: list[Known | ResumeState]) -> None:
        """From the state folder, not begun yet."""
        for each in found:
            if isinstance(each, Known):
                self._enter(each)
            else:
                self._rest.restore(each)
                self._order[each.infohash] = None

    def _begin_all(self) -> None:
        for torrent in list(self._torrents.values()):
            torrent.start()
        self._rest.begin()

    def _lay_down(self) -> None:
        """Those that have nothing to do. Only who is awake is looked at."""
        now = time.monotonic()
        for infohash, torrent in list(self._torrents.items()):
            if torrent.may_rest(now):
                del self._torrents[infohash]
                self._rest.lay_down(torrent)

    def _find_adopter(self, infohash: InfoHash) -> Adopter | None:
        torrent = self._torrents.get(infohash)
        if torrent is not None:
            return torrent.traffic
        if infohash in self._resolving.traffics:
            return self._resolving.traffics[infohash]
        resting = self._rest.torrents.get(infohash)
        return self._porch if resting is not None and not resting.paused else None

    def _traffics(self) -> Iterator[Company]:
        yield self._rest
        yield from self._resolving.traffics.values()
        yield from (torrent.traffic for torrent in self._torrents.values())

    def _peers_found(self, infohash: InfoHash, peers: list[Address]) -> None:
        torrent = self._torrents.get(infohash)
        if torrent is not None:
            torrent.traffic.peers_found(peers, "dht")
        elif infohash in self._resolving.traffics:
            self._resolving.traffics[infohash].peers_found(peers, "dht")
        elif infohash in self._rest.torrents:
            self._services.tasks.spawn(self._meet(infohash, peers), "peers for a torrent at rest")

    async def _meet(self, infohash: InfoHash, peers: list[Address]) -> None:
        await self.wake(infohash)
        torrent = self._torrents.get(infohash)
        if torrent is not None:
            torrent.traffic.peers_found(peers, "dht")
