"""One connection of ours, and a peer that speaks raw bytes: what the tests of wire/peer play with.

`say` is what comes in (`>>`), its events are returned; `heard` is what went out (`<<`).
"""

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.extension import ExtensionHandshake, encode_extension_handshake
from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.formats.handshake import HANDSHAKE_BYTES, Handshake, encode_handshake
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.formats.messages import (
    encode_extended,
    encode_piece_header,
    encode_unchoke,
)
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.events import BlockReceived, ConnectionFailed, Event

ADDRESS = Address("80.4.4.200", 6881)
INFOHASH = InfoHash(b"\xaa" * 20)
OURS = PeerId(b"-TD0100-ourselves...")
THEIRS = PeerId(b"-XX0001-somebody....")
LIMITS = Limits()
GEOMETRY = Geometry(piece_length=40_000, total_bytes=405_000)  # 11 pieces of 3 blocks, 1 of 1
NOTHING = memoryview(b"")


def their_handshake(fast: bool = True, extension: bool = True) -> bytes:
    """What the peer opens with."""
    return encode_handshake(Handshake(INFOHASH, THEIRS, extension=extension, fast=fast, dht=True))


def piece(block: BlockRef, fill: bytes = b"\x07") -> bytes:
    """A whole piece message, its block full of `fill`."""
    return encode_piece_header(*block) + fill * block.length


def received(block: BlockRef) -> BlockReceived:
    """The event that a message of `piece` leads to when the block has no place."""
    data = memoryview(b"\x07" * block.length)
    return BlockReceived(block.piece_index, block.begin, data)


def extension_handshake(**names: int) -> bytes:
    """A minimal one, `m` only."""
    return encode_extended(0, encode_extension_handshake(ExtensionHandshake(names)))


def fixed(event: Event) -> Event:
    """The event with its bytes copied, so that it outlives the buffer."""
    if isinstance(event, BlockReceived):
        return BlockReceived(event.piece_index, event.begin, memoryview(bytes(event.data)))
    return event


class Scene:
    """An incoming connection after both handshakes, at second `now`."""

    def __init__(
        self,
        *,
        fast: bool = True,
        extension: bool = True,
        geometry: Geometry | None = GEOMETRY,
        limits: Limits = LIMITS,
        now: float = 1000.0,
    ) -> None:
        self.now = now
        self.connection = PeerConnection(
            ADDRESS, outgoing=False, peer_id=OURS, infohash=None, limits=limits, now=now
        )
        self.say(their_handshake(fast, extension))
        self.connection.accept(INFOHASH, now)
        assert len(self.heard()) == HANDSHAKE_BYTES
        if geometry is not None:
            assert self.connection.set_geometry(geometry, now) == []

    def say(self, *messages: bytes) -> list[Event]:
        """The peer sends these, in one go."""
        data = memoryview(b"".join(messages))
        return [fixed(event) for event in self.connection.receive_data(data, self.now)]

    def heard(self) -> bytes:
        """What we have sent since it was asked last."""
        return b"".join(self.connection.data_to_send())

    def later(self, seconds: float) -> list[Event]:
        """Time passes, and one tick comes at its end."""
        self.now += seconds
        return self.connection.tick(self.now)

    def ask(self, *blocks: BlockRef) -> None:
        """We request these; the peer has unchoked us."""
        if self.connection.peer_choking:
            self.say(encode_unchoke())
        self.connection.send_requests(list(blocks), self.now)
        self.heard()

    def our_flags(self) -> tuple[bool, bool]:
        """am_choking, am_interested."""
        return self.connection.am_choking, self.connection.am_interested

    def their_flags(self) -> tuple[bool, bool]:
        """peer_choking, peer_interested."""
        return self.connection.peer_choking, self.connection.peer_interested

    def refuses(self, *messages: bytes) -> str:
        """The peer sends these and is told to go; the reason. Nothing is told afterwards."""
        told = self.say(*messages)
        assert isinstance(told[-1], ConnectionFailed), told
        assert told[-1].misbehaved
        assert self.say(encode_unchoke()) == [] == self.later(1000.0)
        return told[-1].reason


def pieces_of(*indices: int, geometry: Geometry = GEOMETRY) -> Bitfield:
    """A bitfield of the test torrent."""
    return Bitfield.of(geometry.piece_count, indices)
