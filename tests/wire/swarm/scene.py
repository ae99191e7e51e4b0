"""Our Swarm, and guests that say what a test wants: each guest is the far end of a connection.

What the guest's commands queue is handed to the swarm by `flush`; what the swarm has to say to the
guest is read by the guest's own PeerConnection, whose events are kept in `heard`.
"""

import random
from dataclasses import replace
from typing import TypeVar

from tests.wire.torrents import Torrent, single_file
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.events import BlockReceived, Event, Unchoked
from torrentd.wire.swarm.actions import Action, Close, Dial, ReadBlocks, StorePiece, Transmit
from torrentd.wire.swarm.buffer_pool import BufferPool
from torrentd.wire.swarm.company import Places
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.swarm import Swarm
from torrentd.wire.swarm.throttle import Throttle
from torrentd.wire.swarm.vantage import Vantage
from torrentd.wire.swarm.wish import ALL, Wish

# 12 pieces of 40,000 bytes (three blocks, the last of 7,232) and one of 1,234
TORRENT = single_file(random.Random(12).randbytes(481_234), 40_000)
PIECES = 13
OURS = PeerId(b"-TD0100-mmmmmmmmmmmm")
LOWER = PeerId(b"-TD0100-aaaaaaaaaaaa")
HIGHER = PeerId(b"-TD0100-zzzzzzzzzzzz")
POLICY = AddressPolicy(allow_local=False)
A = TypeVar("A")


class Scene:
    """The swarm, its clock, and all that it asked for."""

    def __init__(
        self,
        torrent: Torrent = TORRENT,
        *,
        have: Bitfield | None = None,
        magnet: bool = False,
        opened: bool = True,
        limits: Limits | None = None,
        wish: Wish = ALL,
        policy: AddressPolicy = POLICY,
        infohash: InfoHash | None = None,
        seed: int = 1,
        buffers: BufferPool | None = None,
        upload: Throttle | None = None,
        vantage: Vantage | None = None,
        places: Places | None = None,
    ) -> None:
        self.now = 1000.0
        self.torrent = torrent
        self.infohash = infohash or torrent.infohash
        self.info = torrent.info
        self.limits = limits or Limits()
        self.actions: list[Action] = []
        self.guests: dict[PeerConnection, Guest] = {}
        self.swarm = Swarm(
            self.infohash,
            peer_id=OURS,
            limits=self.limits,
            policy=policy,
            rng=random.Random(seed),
            listen_port=6881,
            now=self.now,
            info=None if magnet else self.info,
            metadata=None if magnet else torrent.metadata,
            wish=wish,
            buffers=buffers,
            upload=upload,
            vantage=vantage,
            places=places,
        )
        self.do(self.swarm.start(self.now))
        if opened and not magnet:
            self.open(have)

    def open(self, have: Bitfield | None = None) -> None:
        """The store is open, with nothing in it unless told."""
        self.do(self.swarm.store_opened(have or self.pieces(), self.now))

    def pieces(self, *indices: int) -> Bitfield:
        return Bitfield.of(self.info.geometry.piece_count, indices)

    def full(self) -> Bitfield:
        return Bitfield.full(self.info.geometry.piece_count)

    def do(self, actions: list[Action]) -> list[Action]:
        """Keeps them, and delivers what is to be transmitted."""
        self.actions += actions
        for action in actions:
            if isinstance(action, Transmit | Close) and action.connection in self.guests:
                self.guests[action.connection].listen()
        return actions

    def told(self, kind: type[A]) -> list[A]:
        """The actions of one kind since the last time they were asked for."""
        everything: list[object] = [*self.actions]
        found = [action for action in everything if isinstance(action, kind)]
        self.actions = [action for action in self.actions if not isinstance(action, kind)]
        return found

    def later(self, seconds: float) -> None:
        """Time passes; the swarm is called at each of its deadlines."""
        end = self.now + seconds
        for _ in range(10_000):
            deadline = self.swarm.next_deadline()
            if deadline is None or deadline > end:
                break
            self.now = max(self.now, deadline)
            self.do(self.swarm.tick(self.now))
        else:
            raise AssertionError("the swarm wants to be called without end")
        self.now = end

    def find(self, *hosts: str) -> list[Address]:
        """The DHT tells these; returns whom the swarm dials."""
        addresses = [Address(host, 6881) for host in hosts]
        self.do(self.swarm.peers_found(addresses, "dht", self.now))
        return [dial.address for dial in self.told(Dial)]

    def closed(self) -> list[str]:
        """Why connections were closed since the last time."""
        return [close.reason for close in self.told(Close)]

    def peer(self, guest: "Guest") -> Peer:
        return self.swarm._company.peers[guest.near]

    def store(self, *, ok: bool = True) -> list[int]:
        """Answers every StorePiece; the pieces."""
        pieces = self.told(StorePiece)
        for piece in pieces:
            answer = self.swarm.piece_stored if ok else self.swarm.piece_refused
            self.do(answer(piece.piece_index, piece.buffer, self.now))
        return [piece.piece_index for piece in pieces]

    def hash_and_store(self) -> dict[int, bool]:
        """Answers every StorePiece as a disk would: piece -> passed."""
        verdicts = {}
        for piece in self.told(StorePiece):
            expected = self.torrent.info.piece_hash(piece.piece_index)
            ok = piece.hash.finish(piece.buffer) == expected
            assert ok == (bytes(piece.buffer) == self.torrent.piece(piece.piece_index))
            verdicts[piece.piece_index] = ok
            answer = self.swarm.piece_stored if ok else self.swarm.piece_refused
            self.do(answer(piece.piece_index, piece.buffer, self.now))
        return verdicts

    def read(self) -> list[tuple[int, int]]:
        """Answers every ReadBlocks; which `(piece, begin)`."""
        found = []
        while reads := self.told(ReadBlocks):
            for read in reads:
                blocks: list[tuple[int, bytes | memoryview]] = []
                for begin, length in read.blocks:
                    piece = self.torrent.piece(read.piece_index)
                    blocks.append((begin, piece[begin : begin + length]))
                    found.append((read.piece_index, begin))
                self.do(self.swarm.blocks_read(read.connection, read.piece_index, blocks, self.now))
        return found


class Guest:
    """One peer. `near` is our end (what the swarm knows), `far` the guest's."""

    def __init__(
        self,
        scene: Scene,
        host: str = "20.0.0.1",
        *,
        dialed: bool = False,
        peer_id: PeerId | None = None,
        pieces: Bitfield | None = None,
        fast: bool = True,
        greet: bool = True,
    ) -> None:
        self.scene = scene
        self.heard: list[Event] = []
        self.asked: list[BlockRef] = []
        infohash = scene.infohash
        theirs = peer_id or PeerId(b"-XX0001-" + host.encode().rjust(12, b"."))
        address = Address(host, 6881 if dialed else 50_000)

        def end(at: Address, *, outgoing: bool, ours: bool) -> PeerConnection:
            return PeerConnection(
                at,
                outgoing=outgoing,
                peer_id=OURS if ours else theirs,
                infohash=infohash if outgoing else None,
                limits=scene.limits,
                now=scene.now,
            )

        self.near = end(address, outgoing=dialed, ours=True)
        self.far = end(Address("20.9.9.9", 6881), outgoing=not dialed, ours=False)
        self._fast = fast
        self._bitfield = pieces
        scene.guests[self.near] = self
        if dialed:
            scene.do(scene.swarm.add_connection(self.near, scene.now))
        if greet:
            self.greet()

    def greet(self) -> None:
        """Both handshakes, then the guest's pieces."""
        now, scene = self.scene.now, self.scene
        if self.near.outgoing:
            self.far.receive_data(memoryview(b"".join(self.near.data_to_send())), now)
            if self.far.infohash is None:
                self.far.accept(scene.infohash, now)
            self.flush(handshake=True)
        else:
            self.near.receive_data(self._bytes(handshake=True), now)
            scene.do(scene.swarm.add_connection(self.near, now))
        if self.far.geometry is None:
            self.heard += self.far.set_geometry(scene.info.geometry, now)
        if not self._fast and self.far.handshake is not None:
            self.far.handshake = replace(self.far.handshake, fast=False)
        if self._bitfield is not None:
            self.far.send_pieces(self._bitfield)
            self.flush()

    def _bytes(self, *, handshake: bool = False) -> memoryview:
        data = bytearray().join(self.far.data_to_send())
        if handshake and not self._fast:
            data[27] &= 0xFF - 4  # reserved bit of BEP 6
        return memoryview(data)

    def flush(self, *, handshake: bool = False) -> list[Action]:
        """The swarm receives what the guest has said."""
        data = self._bytes(handshake=handshake)
        return self.scene.do(self.scene.swarm.receive_data(self.near, data, self.scene.now))

    def listen(self) -> None:
        """The guest reads what the swarm has said."""
        data = memoryview(b"".join(self.near.data_to_send()))
        for event in self.far.receive_data(data, self.scene.now):
            if isinstance(event, BlockReceived):
                event = BlockReceived(event.piece_index, event.begin, memoryview(bytes(event.data)))
            self.heard.append(event)

    def said(self, kind: type[A]) -> list[A]:
        """What it heard of one kind since the last time."""
        everything: list[object] = [*self.heard]
        found = [event for event in everything if isinstance(event, kind)]
        self.heard = [event for event in self.heard if not isinstance(event, kind)]
        return found

    def unchoke(self) -> None:
        self.far.send_unchoke(self.scene.now)
        self.flush()

    def choke(self) -> None:
        self.far.send_choke(self.scene.now)
        self.flush()

    @property
    def owed(self) -> list[BlockRef]:
        """What the swarm asks of the guest."""
        return list(self.far.owed)

    def answer(self, *blocks: BlockRef, spoil: bool = False) -> None:
        """Sends these, or all that it owes."""
        for block in blocks or self.owed:
            piece = self.scene.torrent.piece(block.piece_index)
            data = piece[block.begin : block.begin + block.length]
            if spoil:
                data = bytes([data[0] ^ 1]) + data[1:]
            self.far.send_blocks(block.piece_index, [(block.begin, data)], self.scene.now)
        self.flush()

    def answer_all(self, *, spoil: bool = False) -> None:
        """Answers until it is asked for nothing more."""
        for _ in range(1000):
            if not self.far.owed:
                return
            self.answer(spoil=spoil)
        raise AssertionError("asked without end")

    def say_extensions(
        self, *, metadata_size: int | None = None, listen_port: int | None = None
    ) -> None:
        self.far.send_extension_handshake(metadata_size, listen_port, False, self.scene.now)
        self.flush()


def seeding(
    *,
    limits: Limits | None = None,
    upload: Throttle | None = None,
    policy: AddressPolicy = POLICY,
) -> Scene:
    """A swarm that has everything."""
    scene = Scene(opened=False, limits=limits, upload=upload, policy=policy)
    scene.open(scene.full())
    return scene


def leecher(scene: Scene, host: str = "20.0.0.1", *, fast: bool = True) -> Guest:
    """One that is unchoked and has nothing."""
    guest = Guest(scene, host, pieces=scene.pieces() if fast else None, fast=fast)
    guest.far.send_interested()
    guest.flush()
    assert guest.said(Unchoked)
    return guest


def ask(guest: Guest, *blocks: BlockRef) -> None:
    guest.far.send_requests(list(blocks), guest.scene.now)
    guest.flush()
