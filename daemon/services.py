"""What all torrents of a session share: handed to each, owned by the session."""

import asyncio
import random
from dataclasses import dataclass

from torrentd.config.schema import Config
from torrentd.daemon.admission import Admission
from torrentd.daemon.dialer import Dialer
from torrentd.daemon.discovery import Discovery
from torrentd.daemon.disk import Disk
from torrentd.daemon.free_space import FreeSpace
from torrentd.daemon.ledger import Ledger
from torrentd.daemon.path_claims import PathClaims
from torrentd.daemon.queue import Queue
from torrentd.daemon.rates import Rates
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import Link, LinkOwner, ReceiveBuffer
from torrentd.daemon.witness import Witnesses
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.buffer_pool import BufferPool


@dataclass(slots=True)
class Services:
    config: Config
    policy: AddressPolicy
    rng: random.Random
    peer_id: PeerId
    tasks: Tasks
    state: StateDir
    disk: Disk
    free_space: FreeSpace
    buffers: BufferPool
    claims: PathClaims
    admission: Admission
    dialer: Dialer
    discovery: Discovery
    rates: Rates
    witnesses: Witnesses
    queue: Queue
    ledger: Ledger
    receive_buffer: ReceiveBuffer
    checks: asyncio.Semaphore  # whole-torrent checks at once: they read everything

    def make_link(
        self, address: Address, owner: LinkOwner, infohash: InfoHash | None, now: float
    ) -> Link:
        """A link for one new TCP connection, outgoing when its infohash is known; it counts in
        `admission` until it is over."""
        limits = self.config.limits
        connection = PeerConnection(
            address,
            outgoing=infohash is not None,
            peer_id=self.peer_id,
            infohash=infohash,
            limits=limits,
            now=now,
        )
        link = Link(
            connection, owner, self.receive_buffer, self.tasks, limits.send_buffer_bytes_max
        )
        self.admission.enter(address.host)
        link.on_closed = self._link_closed
        return link

    def _link_closed(self, link: Link) -> None:
        self.admission.leave(link.connection.address.host)
        self.ledger.count_protocol(link.protocol_bytes())
        self.dialer.connection_closed()
