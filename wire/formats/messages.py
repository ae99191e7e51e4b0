"""Peer messages (BEP 3), those of the fast extension (BEP 6), PORT (BEP 5) and extended (BEP 10).

    <4-byte length><1-byte id><payload>        a length of 0 is a keep-alive

Indices are as the peer sent them: `geometry.check_piece` and `check_block` come before any use.
"""

import struct
from dataclasses import dataclass

from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef

CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE, CANCEL, PORT = range(10)
SUGGEST, HAVE_ALL, HAVE_NONE, REJECT, ALLOWED_FAST = range(13, 18)
EXTENDED = 20

KEEP_ALIVE = bytes(4)
LENGTH_BYTES = 4
PIECES_MAX = 2_097_152  # of any torrent, and so of a bitfield
PIECE_HEADER_BYTES = 13  # <length><id><index><begin>, before the block
EXTENSION_HANDSHAKE_BYTES_MAX = 64 * 1024
EXTENDED_BYTES_MAX = 20 * 1024  # of other extended messages: 16 KiB of metadata is the largest
UNKNOWN_BYTES_MAX = 4 * 1024  # messages of BEPs we do not know are skipped

_HEADER = struct.Struct(">IB")
_INDEX = struct.Struct(">I")
_BLOCK = struct.Struct(">III")
_HAVE_MESSAGE = struct.Struct(">IBI")
_BLOCK_MESSAGE = struct.Struct(">IBIII")
_PIECE_HEADER = struct.Struct(">IBII")
PIECE_FIELDS = struct.Struct(">II")  # <index><begin>, what stands behind the id of a piece message

# (least, most) of the length prefix, id byte included, by message id (W1): checked before a byte of
# the payload is waited for, so that nothing above it is ever buffered.
LENGTHS: dict[int, tuple[int, int]] = {
    CHOKE: (1, 1),
    UNCHOKE: (1, 1),
    INTERESTED: (1, 1),
    NOT_INTERESTED: (1, 1),
    HAVE: (5, 5),
    BITFIELD: (1, 1 + PIECES_MAX // 8),
    REQUEST: (13, 13),
    PIECE: (10, 9 + BLOCK_BYTES),
    CANCEL: (13, 13),
    PORT: (3, 3),
    SUGGEST: (5, 5),
    HAVE_ALL: (1, 1),
    HAVE_NONE: (1, 1),
    REJECT: (13, 13),
    ALLOWED_FAST: (5, 5),
    EXTENDED: (2, 2 + EXTENSION_HANDSHAKE_BYTES_MAX),
}
_LENGTHS_UNKNOWN = (1, UNKNOWN_BYTES_MAX)


@dataclass(slots=True)
class Choke:
    """BEP 3."""


@dataclass(slots=True)
class Unchoke:
    """BEP 3."""


@dataclass(slots=True)
class Interested:
    """BEP 3."""


@dataclass(slots=True)
class NotInterested:
    """BEP 3."""


@dataclass(slots=True)
class Have:
    """BEP 3."""

    piece_index: int


@dataclass(slots=True)
class Bitfield:
    """BEP 3; raw, since only who knows the torrent can tell its size."""

    data: bytes


@dataclass(slots=True)
class Request:
    """BEP 3."""

    block: BlockRef


@dataclass(slots=True)
class Cancel:
    """BEP 3."""

    block: BlockRef


@dataclass(slots=True)
class Port:
    """BEP 5: the peer's DHT node listens there. 0 is a mistake to ignore, not to part for."""

    port: int


@dataclass(slots=True)
class Suggest:
    """BEP 6: the peer would like us to ask for this piece."""

    piece_index: int


@dataclass(slots=True)
class HaveAll:
    """BEP 6."""


@dataclass(slots=True)
class HaveNone:
    """BEP 6."""


@dataclass(slots=True)
class Reject:
    """BEP 6."""

    block: BlockRef


@dataclass(slots=True)
class AllowedFast:
    """BEP 6."""

    piece_index: int


@dataclass(slots=True)
class Extended:
    """BEP 10: `extension_id` 0 is the extension handshake. `payload` is a copy."""

    extension_id: int
    payload: bytes


@dataclass(slots=True)
class Unknown:
    """A message of a BEP that we do not know: skipped and counted."""

    message_id: int


Message = (
    Choke
    | Unchoke
    | Interested
    | NotInterested
    | Have
    | Bitfield
    | Request
    | Cancel
    | Port
    | Suggest
    | HaveAll
    | HaveNone
    | Reject
    | AllowedFast
    | Extended
    | Unknown
)


def check_length(message_id: int, length: int) -> None:
    """Raises MessageError unless a message of this id may have this length prefix."""
    least, most = LENGTHS.get(message_id, _LENGTHS_UNKNOWN)
    if not least <= length <= most:
        raise MessageError("a message of a length that its kind cannot have")


def decode_message(message_id: int, payload: bytes | bytearray | memoryview) -> Message:
    """Every message but `piece`, whose block the connection takes in place. Keeps copies."""
    check_length(message_id, len(payload) + 1)
    assert message_id != PIECE
    if message_id in _EMPTY:
        return _EMPTY[message_id]()
    if message_id in _WITH_INDEX:
        return _WITH_INDEX[message_id](*_INDEX.unpack(payload))
    if message_id in _WITH_BLOCK:
        return _WITH_BLOCK[message_id](BlockRef(*_BLOCK.unpack(payload)))
    if message_id == BITFIELD:
        return Bitfield(bytes(payload))
    if message_id == EXTENDED:
        return _decode_extended(payload[0], bytes(payload[1:]))
    if message_id == PORT:
        return Port(int.from_bytes(payload))
    return Unknown(message_id)


def _decode_extended(extension_id: int, payload: bytes) -> Extended:
    if extension_id != 0 and len(payload) > EXTENDED_BYTES_MAX:
        raise MessageError("an extended message longer than any we take")
    return Extended(extension_id, payload)


_EMPTY: dict[int, type[Choke | Unchoke | Interested | NotInterested | HaveAll | HaveNone]] = {
    CHOKE: Choke,
    UNCHOKE: Unchoke,
    INTERESTED: Interested,
    NOT_INTERESTED: NotInterested,
    HAVE_ALL: HaveAll,
    HAVE_NONE: HaveNone,
}
_WITH_INDEX: dict[int, type[Have | Suggest | AllowedFast]] = {
    HAVE: Have,
    SUGGEST: Suggest,
    ALLOWED_FAST: AllowedFast,
}
_WITH_BLOCK: dict[int, type[Request | Cancel | Reject]] = {
    REQUEST: Request,
    CANCEL: Cancel,
    REJECT: Reject,
}


def encode_choke() -> bytes:
    """BEP 3."""
    return _HEADER.pack(1, CHOKE)


def encode_unchoke() -> bytes:
    """BEP 3."""
    return _HEADER.pack(1, UNCHOKE)


def encode_interested() -> bytes:
    """BEP 3."""
    return _HEADER.pack(1, INTERESTED)


def encode_not_interested() -> bytes:
    """BEP 3."""
    return _HEADER.pack(1, NOT_INTERESTED)


def encode_have(piece_index: int) -> bytes:
    """BEP 3."""
    return _HAVE_MESSAGE.pack(5, HAVE, piece_index)


def encode_bitfield(data: bytes) -> bytes:
    """`data` as `Bitfield.to_bytes` gives it (BEP 3)."""
    return _HEADER.pack(1 + len(data), BITFIELD) + data


def encode_requests(blocks: list[BlockRef]) -> bytes:
    """One request a block, in one string (BEP 3)."""
    pack = _BLOCK_MESSAGE.pack
    return b"".join([pack(13, REQUEST, index, begin, length) for index, begin, length in blocks])


def encode_cancel(block: BlockRef) -> bytes:
    """BEP 3."""
    return _BLOCK_MESSAGE.pack(13, CANCEL, *block)


def encode_piece_header(piece_index: int, begin: int, length: int) -> bytes:
    """The PIECE_HEADER_BYTES bytes that go before a block of `length` bytes (BEP 3)."""
    return _PIECE_HEADER.pack(9 + length, PIECE, piece_index, begin)


def encode_port(port: int) -> bytes:
    """BEP 5."""
    return _HEADER.pack(3, PORT) + port.to_bytes(2)


def encode_suggest(piece_index: int) -> bytes:
    """BEP 6."""
    return _HAVE_MESSAGE.pack(5, SUGGEST, piece_index)


def encode_have_all() -> bytes:
    """BEP 6."""
    return _HEADER.pack(1, HAVE_ALL)


def encode_have_none() -> bytes:
    """BEP 6."""
    return _HEADER.pack(1, HAVE_NONE)


def encode_reject(block: BlockRef) -> bytes:
    """BEP 6."""
    return _BLOCK_MESSAGE.pack(13, REJECT, *block)


def encode_allowed_fast(piece_index: int) -> bytes:
    """BEP 6."""
    return _HAVE_MESSAGE.pack(5, ALLOWED_FAST, piece_index)


def encode_extended(extension_id: int, payload: bytes) -> bytes:
    """`extension_id` is the receiver's own number for the message, 0 for the handshake (BEP 10)."""
    return _HEADER.pack(2 + len(payload), EXTENDED) + bytes((extension_id,)) + payload
