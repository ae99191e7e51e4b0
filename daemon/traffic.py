"""The connections of one torrent: its swarm decides about them, and here it is done.

Every input of the swarm passes through `perform`, and so does every action that comes of it.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol, assert_never

from torrentd.daemon.driver import Driver
from torrentd.daemon.intake import Intake
from torrentd.daemon.logs import get_logger
from torrentd.daemon.read_cache import Blocks
from torrentd.daemon.services import Services
from torrentd.daemon.stages import Stages
from torrentd.daemon.status import Moved
from torrentd.daemon.storage import Storage
from torrentd.daemon.tcp import Hold, Link
from torrentd.dht.outputs import ScrapeEnded
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import Info, decode_info
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.store.api import StoreError
from torrentd.wire.swarm.actions import (
    Action,
    Close,
    Completed,
    DecodeMetadata,
    Dial,
    MetadataComplete,
    MetadataRefused,
    NodeSeen,
    ReadBlocks,
    SearchPeers,
    StorePiece,
    Transmit,
)
from torrentd.wire.swarm.candidate import Source
from torrentd.wire.swarm.swarm import Swarm

log = get_logger("torrent")


class TrafficOwner(Protocol):
    """The torrent."""

    def metadata_complete(self, found: MetadataComplete) -> None: ...
    def metadata_refused(self, found: MetadataRefused) -> None: ...
    def completed(self) -> None: ...
    def read_failed(self, piece_index: int, error: StoreError) -> None:
        """A piece that we claim cannot be read."""


class Traffic:
    """One swarm and its links. `storage` is set while the torrent's data is open."""

    def __init__(
        self, services: Services, infohash: InfoHash, swarm: Swarm, owner: TrafficOwner
    ) -> None:
        self.swarm = swarm
        self.links: dict[PeerConnection, Link] = {}
        self.storage: Storage | None = None
        self.stages: Stages | None = None  # of a magnet, until its metadata is here
        self._services = services
        self._infohash = infohash
        self._owner = owner
        self._driver = Driver(self.swarm.next_deadline, self._tick)
        self._running = False
        self._counted = Moved()  # in the ledger
        self._closed = False
        meter = services.rates.download.meter(time.monotonic())
        self._intake = Intake(meter, self.links, services.policy.is_local)
        self._intake_driver = Driver(self._intake.next_deadline, self._intake.tick)
        services.rates.listeners[self._intake] = None
        self._held: dict[Link, None] = {}  # not read from while the disk is behind

    def start(self, announce_at: float | None = None) -> None:
        """Look for peers and let them in. `announce_at`: it only rested, see SearchSchedule."""
        now = time.monotonic()
        self._running = True
        self.perform(self.swarm.start(now, announce_at), now)

    def stop(self) -> None:
        """No peers, no searches."""
        self._part()
        self._services.discovery.cancel_search(self._infohash)

    def close(self) -> None:
        self.rest()
        self._services.discovery.cancel_search(self._infohash)

    def rest(self) -> None:
        """As `close`; a search that is under way goes on."""
        self._closed = True
        self._part()
        self.count()
        self._driver.stop()
        self._intake_driver.stop()
        self._intake.close()
        self.swarm.upload_meter.leave()
        self._services.rates.listeners.pop(self._intake, None)

    def count(self) -> None:
        """What flowed since the last time goes into the ledger."""
        before, swarm, ledger = self._counted, self.swarm, self._services.ledger
        self._counted = Moved(swarm.downloaded_bytes, swarm.uploaded_bytes)
        ledger.count(
            Moved(
                swarm.downloaded_bytes - before.downloaded_bytes,
                swarm.uploaded_bytes - before.uploaded_bytes,
            )
        )
        for link in self.links.values():
            ledger.count_protocol(link.protocol_bytes())

    def peers_found(self, addresses: list[Address], source: Source) -> None:
        now = time.monotonic()
        self.perform(self.swarm.peers_found(addresses, source, now), now)

    def limit(self, download_bytes_per_s_max: int, upload_bytes_per_s_max: int) -> None:
        """This torrent's own limits from now on; 0: none."""
        now = time.monotonic()
        self._intake.meter.set_limit(download_bytes_per_s_max, now)
        self._intake.limits_changed(now)
        self.swarm.upload_meter.set_limit(upload_bytes_per_s_max, now)

    @property
    def counted(self) -> ScrapeEnded | None:
        """How large the swarm is, as the DHT counted it last."""
        return self._services.discovery.swarm(self._infohash)

    def network_returned(self, lost_at: float) -> None:
        """What failed since then was nobody's fault."""
        now = time.monotonic()
        self.perform(self.swarm.network_returned(lost_at, now), now)

    def search_now(self) -> None:
        """Peers, and an announce, at once."""
        now = time.monotonic()
        self.perform(self.swarm.search_now(now), now)

    def prove_links(self) -> None:
        """Say something that whoever is there will acknowledge."""
        for connection, link in list(self.links.items()):
            connection.send_keep_alive()
            link.transmit()

    def cut(self, is_dead: Callable[[Link], bool]) -> None:
        """End these connections; the swarm has forgotten them when this returns."""
        for link in list(self.links.values()):
            if is_dead(link):
                log.debug("cut", peer=str(link.connection.address))
                self.link_lost(link)
                link.abort()

    def adopt(self, link: Link) -> None:
        """An incoming connection that named our infohash."""
        if not self._running:
            link.close()
            return
        now = time.monotonic()
        link.owner = self
        self.links[link.connection] = link
        self._intake.meet(link)
        self.perform(self.swarm.add_connection(link.connection, now), now)

    def note_stages(self, now: float) -> None:
        """See how far a magnet has come."""
        stages = self.stages
        if stages is None:
            return
        if self.swarm.handshakes_count:
            stages.passed("handshakes", now)
        elif self.swarm.peers_known:
            stages.passed("peers", now)
        elif stages.present == "dht":
            joined_at = self._services.discovery.joined_at
            if joined_at is not None:
                stages.passed("dht", max(joined_at, stages.began_at))

    # ---- what the dialer and the links call

    def link_for(self, address: Address) -> Link | None:
        if not self._running:
            return None
        return self._services.make_link(address, self, self._infohash, time.monotonic())

    def dial_failed(self, address: Address) -> None:
        now = time.monotonic()
        self.perform(self.swarm.dial_failed(address, now), now)

    def link_up(self, link: Link) -> None:
        if not self._running:
            link.close()
            return
        now = time.monotonic()
        self.links[link.connection] = link
        self._intake.meet(link)
        self.perform(self.swarm.add_connection(link.connection, now), now)

    def link_received(self, link: Link, data: memoryview) -> None:
        now = time.monotonic()
        if link.connection in self.links:
            is_limited = self._intake.meter.is_limited
            before_bytes = link.connection.arrived_bytes if is_limited else 0
            self.perform(self.swarm.receive_data(link.connection, data, now), now)
            if is_limited:
                self._intake.received(link, link.connection.arrived_bytes - before_bytes, now)
                self._intake_driver.rearm(now)
            if self.storage is not None and self.storage.congested:
                self._held[link] = None
                link.hold_reading(Hold.DISK, True)

    def read_on(self) -> None:
        """The disk is no longer behind."""
        held, self._held = self._held, {}
        for link in held:
            link.hold_reading(Hold.DISK, False)

    def link_paused(self, link: Link) -> None:
        if link.connection in self.links:
            self.swarm.transport_paused(link.connection)

    def link_resumed(self, link: Link) -> None:
        now = time.monotonic()
        if link.connection in self.links:
            self.perform(self.swarm.transport_resumed(link.connection, now), now)

    def link_lost(self, link: Link) -> None:
        now = time.monotonic()
        if self.links.pop(link.connection, None) is not None:
            self._intake.lost(link)
            self.perform(self.swarm.connection_lost(link.connection, now), now)

    # ---- what the swarm asks for

    def perform(self, actions: list[Action], now: float) -> None:
        """Do all of it, and what follows from it at once; then look at the clock again."""
        for action in actions:  # grows where an answer is there already
            match action:
                case Transmit():
                    self._transmit(action.connection)
                case StorePiece():
                    self._store(action)
                case ReadBlocks():
                    actions += self._read(action, now)
                case Close():
                    self._close_link(action)
                case Dial():
                    self._services.dialer.dial(action.address, self)
                case SearchPeers():
                    self._services.discovery.get_peers(
                        self._infohash,
                        action.announce,
                        is_seed=self.swarm.is_complete,
                        is_partial=not self.swarm.is_seed,
                    )
                case NodeSeen():
                    self._services.discovery.add_node(action.address)
                case _:
                    self._tell(action)
        self.note_stages(now)
        self._driver.rearm(now)

    def _part(self) -> None:
        now = time.monotonic()
        self._running = False
        self.perform(self.swarm.stop(now), now)
        self._services.dialer.forget(self)

    def _tell(
        self, action: DecodeMetadata | MetadataComplete | MetadataRefused | Completed
    ) -> None:
        match action:
            case DecodeMetadata():
                job = partial(_decoded, action.metadata)
                done = partial(self._metadata_decoded, action.metadata)
                self._services.disk.state.submit(job, done)
            case MetadataComplete():
                self._owner.metadata_complete(action)
            case MetadataRefused():
                self._owner.metadata_refused(action)
            case Completed():
                self._owner.completed()
            case _:
                assert_never(action)

    def _metadata_decoded(self, metadata: bytes, decoded: Info | MetainfoError) -> None:
        if not self._closed:
            now = time.monotonic()
            self.perform(self.swarm.metadata_decoded(metadata, decoded, now), now)

    def _transmit(self, connection: PeerConnection) -> None:
        link = self.links.get(connection)
        if link is not None:
            link.transmit()

    def _close_link(self, action: Close) -> None:
        link = self.links.pop(action.connection, None)
        if link is not None:
            self._intake.lost(link)
            log.debug("closed", peer=str(action.connection.address), reason=action.reason)
            link.close()

    def _store(self, action: StorePiece) -> None:
        assert self.storage is not None, "no piece is asked for before the data is open"
        self.storage.store_piece(action.piece_index, action.buffer, action.hash)

    def _read(self, action: ReadBlocks, now: float) -> list[Action]:
        """What follows at once from blocks that are cached; [] when a thread reads them."""
        piece_index = action.piece_index
        if self.storage is None:
            return self.swarm.read_failed(action.connection, piece_index, action.blocks, now)
        blocks = self.storage.read_blocks(
            piece_index, action.blocks, partial(self._blocks_read, action)
        )
        if blocks is None:
            return []
        return self.swarm.blocks_read(action.connection, piece_index, blocks, now)

    def _blocks_read(self, action: ReadBlocks, found: Blocks | StoreError) -> None:
        if action.connection not in self.links:
            return
        now = time.monotonic()
        if isinstance(found, StoreError):
            failed = self.swarm.read_failed(
                action.connection, action.piece_index, action.blocks, now
            )
            self.perform(failed, now)
            self._owner.read_failed(action.piece_index, found)
        else:
            read = self.swarm.blocks_read(action.connection, action.piece_index, found, now)
            self.perform(read, now)

    def _tick(self, now: float) -> None:
        self.perform(self.swarm.tick(now), now)


def _decoded(metadata: bytes) -> Info | MetainfoError:
    """In a thread, where errors are values."""
    try:
        return decode_info(metadata)
    except MetainfoError as error:
        return error
