"""The 68 bytes that open a connection (BEP 3); reserved bits of BEP 5, 6 and 10.

<1-byte 19>BitTorrent protocol<8 reserved bytes><20-byte infohash><20-byte peer id>
"""

from dataclasses import dataclass

from torrentd.wire.formats.errors import HandshakeError
from torrentd.wire.formats.ids import InfoHash, PeerId

HANDSHAKE_BYTES = 68
PROTOCOL_PREFIX = b"\x13BitTorrent protocol"

_EXTENSION = 0x100000  # "the bit counted 20th from the right" (BEP 10)
_FAST = 0x04  # "the third least significant bit of the last reserved byte" (BEP 6)
_DHT = 0x01  # "the last bit of the 8-byte reserved flags" (BEP 5)


@dataclass(slots=True)
class Handshake:
    """Who speaks, about what, and which extensions it knows."""

    infohash: InfoHash
    peer_id: PeerId
    extension: bool
    fast: bool
    dht: bool


def encode_handshake(handshake: Handshake) -> bytes:
    """HANDSHAKE_BYTES bytes."""
    flags = _EXTENSION * handshake.extension | _FAST * handshake.fast | _DHT * handshake.dht
    return PROTOCOL_PREFIX + flags.to_bytes(8) + handshake.infohash + handshake.peer_id


def decode_handshake(data: bytes | bytearray | memoryview) -> Handshake:
    """Takes exactly HANDSHAKE_BYTES bytes; unknown reserved bits are ignored."""
    raw = bytes(data)
    if len(raw) != HANDSHAKE_BYTES or not raw.startswith(PROTOCOL_PREFIX):
        raise HandshakeError("not a BitTorrent handshake")
    flags = int.from_bytes(raw[20:28])
    return Handshake(
        infohash=InfoHash(raw[28:48]),
        peer_id=PeerId(raw[48:68]),
        extension=bool(flags & _EXTENSION),
        fast=bool(flags & _FAST),
        dht=bool(flags & _DHT),
    )
