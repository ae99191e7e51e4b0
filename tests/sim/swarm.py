"""Swarms joined by simulated links, in virtual time: real Swarm, PeerConnection and MemoryStore.

Each host has an uplink and a downlink, a delay, a disk that needs a moment, and a place that its
DHT searches find. What goes over a link is in the trace, so that two runs can be compared.
"""

import hashlib
import math
import random
from collections.abc import Callable, Iterable

from tests.sim.access_links import Downlink, Flow, Uplink
from tests.sim.network import Simulation
from tests.wire.torrents import Torrent
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.messages import ALLOWED_FAST, UNCHOKE
from torrentd.wire.formats.peer_ids import make_peer_id
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.events import ConnectionFailed, HandshakeCompleted
from torrentd.wire.store.memory import MemoryStore
from torrentd.wire.swarm.actions import (
    Action,
    Close,
    Completed,
    Dial,
    MetadataComplete,
    ReadBlocks,
    SearchPeers,
    StorePiece,
    Transmit,
)
from torrentd.wire.swarm.swarm import Swarm
from torrentd.wire.swarm.wish import Wish

POLICY = AddressPolicy(allow_local=False)
LIMITS = Limits()
PORT = 6881
SEND_QUEUE_BYTES = 256 * 1024  # of a transport, before it says that it is full

_full_stores: dict[bytes, MemoryStore] = {}  # seeds of one torrent share one, by metadata


def full_store(torrent: Torrent) -> MemoryStore:
    """A store that has everything; nobody writes to it."""
    store = _full_stores.get(torrent.metadata)
    if store is None:
        store = _full_stores[torrent.metadata] = MemoryStore(torrent.info)
        length = store.info.piece_length
        for piece_index in range(store.info.geometry.piece_count):
            piece = torrent.content[piece_index * length : (piece_index + 1) * length]
            store.write(piece_index, memoryview(piece))
    return store


class SharedStore(MemoryStore):
    """Keeps no copy of what is in the full one: many peers of large torrents fit into memory."""

    def __init__(self, torrent: Torrent) -> None:
        super().__init__(torrent.info)
        self._full = full_store(torrent)

    def write(self, piece_index: int, buffer: memoryview) -> None:
        piece = self._full._pieces[piece_index]
        assert buffer == piece, "it passed its hash"
        self._pieces[piece_index] = piece


Corrupt = Callable[[int, int, bytes], bytes]


def _offers(part: bytes | memoryview) -> bool:
    """Is this message an unchoke or an allowed-fast?"""
    return (len(part), part[4]) in ((5, UNCHOKE), (9, ALLOWED_FAST)) if len(part) > 4 else False


class World:
    """Every host by address, and who announced itself."""

    def __init__(self, torrent: Torrent, seed: int) -> None:
        self.torrent = torrent
        self.info = torrent.info
        self.simulation = Simulation(seed)
        self.hosts: dict[Address, SimulatedPeer] = {}
        self.announced: dict[Address, None] = {}

    def address(self) -> Address:
        """The next one that looks public, in a /16 of its own."""
        index = len(self.hosts)
        return Address(f"{20 + index // 250}.{index % 250}.7.1", PORT)

    def run(self, duration_s: float, done: Callable[[], bool] = lambda: False) -> bool:
        return self.simulation.run_for(duration_s, done)

    def run_until_complete(self, peers: Iterable["SimulatedPeer"], duration_s: float) -> bool:
        waiting = list(peers)

        def all_complete() -> bool:
            while waiting and waiting[-1].swarm.is_complete:
                waiting.pop()
            return not waiting

        return self.run(duration_s, all_complete)


class Link:
    """One direction's end of a TCP connection: `mine` is the connection of this side."""

    def __init__(self, owner: "SimulatedPeer", mine: PeerConnection) -> None:
        self.owner = owner
        self.mine = mine
        self.other: Link | None = None
        self.flow: Flow | None = None  # what this side sends
        self.open = True
        self.paused = False

    def join(self, other: "Link") -> None:
        """Both ends are there: bytes may flow, each way."""
        for end, far in ((self, other), (other, self)):
            end.other = far
            end.flow = end.owner.flow_to(end, far)


class SimulatedPeer:
    """One host with one torrent. `seed`: it has everything. `corrupt`: what it makes of a block it
    was asked for. `mute`: it takes requests and never answers them. `free_rider`: it offers
    nothing, since no unchoke and no allowed-fast ever leaves it. `leaves`: it is gone as soon as it
    has everything."""

    def __init__(
        self,
        world: World,
        *,
        seed: bool = False,
        magnet: bool = False,
        torrent: Torrent | None = None,
        corrupt: Corrupt | None = None,
        mute: bool = False,
        free_rider: bool = False,
        leaves: bool = False,
        upload_bytes_per_s: float = 1e6,
        download_bytes_per_s: float = 1e8,
        delay_s: float = 0.02,
        limits: Limits = LIMITS,
        address: Address | None = None,
        select: tuple[int, ...] | None = None,
        super_seeding: bool = False,
    ) -> None:
        self.world = world
        self.address = address or world.address()
        self.corrupt = corrupt
        self.mute = mute
        self.free_rider = free_rider
        self.leaves = leaves
        self.upload_bytes_per_s = upload_bytes_per_s
        self.started_at = self.first_piece_at = self.completed_at = math.nan
        self.completed = 0
        self.closed: list[str] = []
        self.other_actions: list[Action] = []
        self.dialed: list[Address] = []
        self.disk_fails = False
        self.refused: list[tuple[int, bytes]] = []  # pieces that failed their hash
        self._torrent = torrent or world.torrent
        self._info = world.info if torrent is None else torrent.info
        self._simulation = world.simulation
        self.uplink = Uplink(self._simulation, upload_bytes_per_s)
        self.downlink = Downlink(self._simulation, download_bytes_per_s)
        self.delay_s = delay_s
        self._limits = limits
        self._timer_at: float | None = None
        self._seed = seed
        self.links: dict[PeerConnection, Link] = {}
        self.store = full_store(self._torrent) if seed else SharedStore(self._torrent)
        world.hosts[self.address] = self
        self.swarm = self._make_swarm(magnet, select)
        if super_seeding:
            self.swarm.seed_super(True, self._simulation.now)

    def _make_swarm(self, magnet: bool, select: tuple[int, ...] | None) -> Swarm:
        rng = random.Random(self._simulation.rng.getrandbits(64))
        return Swarm(
            self.world.torrent.infohash,
            peer_id=make_peer_id(rng),
            limits=self._limits,
            policy=POLICY,
            rng=rng,
            listen_port=PORT,
            now=self._simulation.now,
            info=None if magnet else self._info,
            metadata=None if magnet else self._torrent.metadata,
            wish=Wish(select),
        )

    # ---- life

    def start(self) -> None:
        self.started_at = self._simulation.now
        self.perform(self.swarm.start(self._simulation.now))
        if self.swarm.info is not None:
            self._open_store()

    def stop(self) -> None:
        self.perform(self.swarm.stop(self._simulation.now))

    def vanish(self) -> None:
        """The host is gone: its peers see their transports end."""
        del self.world.hosts[self.address]
        self.world.announced.pop(self.address, None)
        for link in list(self.links.values()):
            self._shut(link, cut=True)

    def meet(self, *others: "SimulatedPeer") -> None:
        """The user names these peers."""
        addresses = [other.address for other in others]
        self.perform(self.swarm.peers_found(addresses, "manual", self._simulation.now))

    def content(self) -> bytes:
        """What is stored, end to end."""
        geometry = self._info.geometry
        return b"".join(
            self.store.read(i, 0, geometry.piece_size(i)) for i in range(geometry.piece_count)
        )

    def _open_store(self) -> None:
        count = self._info.geometry.piece_count
        have = Bitfield.full(count) if self._seed else Bitfield(count)
        self.perform(self.swarm.store_opened(have, self._simulation.now))

    # ---- actions

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Transmit():
                    self._transmit(action.connection)
                case Close():
                    self._close(action)
                case StorePiece():
                    self._store(action)
                case ReadBlocks():
                    self._read(action)
                case Dial():
                    self._dial(action.address)
                case SearchPeers():
                    self._search(action)
                case MetadataComplete():
                    self._simulation.call_in(0.01, self._open_store)
                case Completed():
                    self._complete()
                case _:
                    self.other_actions.append(action)
        self._arm()

    def _complete(self) -> None:
        self.completed += 1
        self.completed_at = self._simulation.now
        if self.leaves:
            self._simulation.call_in(0.0, self.vanish)

    def _close(self, action: Close) -> None:
        self.closed.append(action.reason)
        self._transmit(action.connection)
        link = self.links.get(action.connection)
        if link is not None:
            self._shut(link)

    def _arm(self) -> None:
        deadline = self.swarm.next_deadline()
        if deadline is None or (self._timer_at is not None and self._timer_at <= deadline):
            return
        self._timer_at = at = max(deadline, self._simulation.now)
        self._simulation.call_at(at, lambda: self._tick(at))

    def _tick(self, at: float) -> None:
        if self._timer_at != at or self.address not in self.world.hosts:
            return
        self._timer_at = None
        self.perform(self.swarm.tick(self._simulation.now))

    def _store(self, action: StorePiece) -> None:
        def answer() -> None:
            now = self._simulation.now
            piece_index, buffer = action.piece_index, action.buffer
            assert action.hash.finish(buffer) == hashlib.sha1(buffer).digest(), "hashed as it came"
            if self.disk_fails:
                self.perform(self.swarm.store_failed(piece_index, buffer, now))
            elif hashlib.sha1(buffer).digest() != self._info.piece_hash(piece_index):
                self.refused.append((piece_index, bytes(buffer)))
                self.perform(self.swarm.piece_refused(piece_index, buffer, now))
            else:
                self.store.write(piece_index, buffer)
                if math.isnan(self.first_piece_at):
                    self.first_piece_at = now
                self.perform(self.swarm.piece_stored(piece_index, buffer, now))

        self._simulation.call_in(0.002, answer)

    def _read(self, action: ReadBlocks) -> None:
        if self.mute:
            return

        def answer() -> None:
            read: list[tuple[int, bytes | memoryview]] = []
            for begin, length in action.blocks:
                data = self.store.read(action.piece_index, begin, length)
                if self.corrupt is not None:
                    data = self.corrupt(action.piece_index, begin, data)
                read.append((begin, data))
            now = self._simulation.now
            self.perform(self.swarm.blocks_read(action.connection, action.piece_index, read, now))

        self._simulation.call_in(0.001, answer)

    def _search(self, action: SearchPeers) -> None:
        world = self.world
        if action.announce:
            world.announced[self.address] = None

        def answer() -> None:
            found = [address for address in world.announced if address != self.address]
            now = self._simulation.now
            self.perform(self.swarm.peers_found(found, "dht", now))

        self._simulation.call_in(0.2, answer)

    # ---- links

    def _dial(self, address: Address) -> None:
        self.dialed.append(address)
        other = self.world.hosts.get(address)
        delay_s = 2 * (self.delay_s + (other.delay_s if other else 1.0))

        def answer() -> None:
            now = self._simulation.now
            if other is None or address not in self.world.hosts or not other.swarm.running:
                self.perform(self.swarm.dial_failed(address, now))
                return
            mine = PeerConnection(
                address,
                outgoing=True,
                peer_id=self.swarm.peer_id,
                infohash=self.swarm.infohash,
                limits=self._limits,
                now=now,
            )
            link = Link(self, mine)
            link.join(other._accept(link))
            self.links[mine] = link
            self.perform(self.swarm.add_connection(mine, now))

        self._simulation.call_in(delay_s, answer)

    def _accept(self, theirs: Link) -> Link:
        connection = PeerConnection(
            Address(theirs.owner.address.host, 50_000),
            outgoing=False,
            peer_id=self.swarm.peer_id,
            infohash=None,
            limits=self._limits,
            now=self._simulation.now,
        )
        link = Link(self, connection)
        self.links[connection] = link
        return link

    def flow_to(self, link: Link, far: Link) -> Flow:
        """The way of bytes from `link`, which is ours, to its far end."""
        return Flow(
            self._simulation,
            self.uplink,
            far.owner.downlink,
            self.delay_s + far.owner.delay_s,
            lambda segment: far.owner._receive(far, segment),
            lambda: self._drained(link),
        )

    def _transmit(self, connection: PeerConnection) -> None:
        link = self.links.get(connection)
        data = connection.data_to_send()
        if link is None or not link.open or not data or link.flow is None:
            return
        if self.free_rider:
            data = [part for part in data if not _offers(part)]
        link.flow.send(data)
        if link.flow.waiting_bytes > SEND_QUEUE_BYTES and not link.paused:
            link.paused = True
            self.swarm.transport_paused(connection)

    def _drained(self, link: Link) -> None:
        assert link.flow is not None
        if link.paused and link.flow.waiting_bytes * 2 < SEND_QUEUE_BYTES and link.open:
            link.paused = False
            self.perform(self.swarm.transport_resumed(link.mine, self._simulation.now))

    def _receive(self, link: Link, data: bytes) -> None:
        if not link.open or self.address not in self.world.hosts:
            return
        now = self._simulation.now
        self._simulation.note(str(self.address), str(link.mine.address), len(data), data[:32])
        if link.mine.infohash is not None:
            self.perform(self.swarm.receive_data(link.mine, memoryview(data), now))
            return
        for event in link.mine.receive_data(memoryview(data), now):
            if isinstance(event, HandshakeCompleted):
                self.perform(self.swarm.add_connection(link.mine, now))
            elif isinstance(event, ConnectionFailed):
                self._shut(link)

    def _shut(self, link: Link, *, cut: bool = False) -> None:
        """This side ends the connection; the other learns of it after what was sent."""
        if not link.open:
            return
        link.open = False
        self.links.pop(link.mine, None)
        if self.swarm.running:
            self.perform(self.swarm.connection_lost(link.mine, self._simulation.now))
        flow, other = link.flow, link.other
        if flow is None or other is None:
            return
        end = flow.cut if cut else flow.end
        end(lambda: other.owner._shut(other))
