"""ut_metadata messages: the info dictionary in pieces of 16 KiB (BEP 9).

d8:msg_typei<type>e5:piecei<n>e[10:total_sizei<n>e]e[<data>]
"""

from dataclasses import dataclass

from torrentd.wire.formats.bencode import EXTENSION_LIMITS, Bencoded, decode_prefix, encode, get_int
from torrentd.wire.formats.errors import BencodeError, ExtensionError
from torrentd.wire.formats.extension import METADATA_BYTES_MAX
from torrentd.wire.formats.geometry import Geometry

METADATA_PIECE_BYTES = 16384
PIECE_MAX = METADATA_BYTES_MAX // METADATA_PIECE_BYTES - 1
_REQUEST, _DATA, _REJECT = range(3)
_ANY = 2**63


@dataclass(slots=True)
class MetadataRequest:
    """Asks for a piece of the metadata."""

    piece: int


@dataclass(slots=True)
class MetadataData:
    """A piece of the metadata; `data` is exactly as long as this piece of `total_size` bytes is."""

    piece: int
    total_size: int
    data: bytes


@dataclass(slots=True)
class MetadataReject:
    """The sender has not got it, or will not send it."""

    piece: int


MetadataMessage = MetadataRequest | MetadataData | MetadataReject


def metadata_geometry(total_size: int) -> Geometry:
    """How metadata of this size is cut."""
    return Geometry(METADATA_PIECE_BYTES, total_size)


def encode_metadata(message: MetadataMessage) -> bytes:
    """The payload of an extended ut_metadata message."""
    d: dict[bytes, Bencoded] = {b"piece": message.piece}
    match message:
        case MetadataRequest():
            d[b"msg_type"] = _REQUEST
        case MetadataReject():
            d[b"msg_type"] = _REJECT
        case MetadataData():
            d |= {b"msg_type": _DATA, b"total_size": message.total_size}
            return encode(d) + message.data
    return encode(d)


def decode_metadata(payload: bytes) -> MetadataMessage | None:
    """None for a `msg_type` that BEP 9 does not know: "unrecognised message ID's MUST be ignored".
    Where the dictionary ends is what the decoder says, never a search for `ee` (M4)."""
    try:
        d, end = decode_prefix(payload, EXTENSION_LIMITS)
    except BencodeError as error:
        raise ExtensionError(f"ut_metadata: {error.reason}") from None
    kind = get_int(d, b"msg_type", -_ANY, _ANY)
    if kind is None:
        raise ExtensionError("ut_metadata without a message type")
    if kind not in (_REQUEST, _DATA, _REJECT):
        return None
    piece = get_int(d, b"piece", 0, PIECE_MAX)
    if piece is None:
        raise ExtensionError("ut_metadata about no piece there can be")
    if kind == _DATA:
        return _decode_data(d, piece, payload[end:])
    if end != len(payload):
        raise ExtensionError("ut_metadata with bytes behind its end")
    return MetadataRequest(piece) if kind == _REQUEST else MetadataReject(piece)


def _decode_data(d: dict[bytes, Bencoded], piece: int, data: bytes) -> MetadataData:
    total_size = get_int(d, b"total_size", 1, METADATA_BYTES_MAX)
    if total_size is None:
        raise ExtensionError("ut_metadata of no size there can be")
    geometry = metadata_geometry(total_size)
    if piece >= geometry.piece_count or len(data) != geometry.piece_size(piece):
        raise ExtensionError("ut_metadata of another length than its piece")
    return MetadataData(piece, total_size, data)
