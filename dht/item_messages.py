"""Items in messages (BEP 44): what a put or a response says of an item, and what a put may not say.

Differs from the BEP: a value is nested at most six deep and is no more than about 380 parts, as
every message is limited.
"""

from typing import Final

from torrentd.dht.items import (
    KEY_BYTES,
    SALT_BYTES_MAX,
    SEQ_MAX,
    SIGNATURE_BYTES,
    VALUE_BYTES_MAX,
    ImmutableItem,
    Item,
    MutableItem,
)
from torrentd.wire.formats.bencode import (
    KRPC_LIMITS,
    Bencoded,
    decode,
    decode_with_span,
    encode,
    get_bytes,
    get_int,
)
from torrentd.wire.formats.errors import KrpcError

VALUE_ERROR: Final = 205  # too big
SIGNATURE_ERROR: Final = 206
SALT_ERROR: Final = 207
CAS_ERROR: Final = 301
SEQ_ERROR: Final = 302


def item_of_put(arguments: dict[bytes, Bencoded], datagram: bytes) -> Item:
    """Its sizes are checked, its signature is not. Raises KrpcError with the code for the reply."""
    value = _raw_value(datagram)
    if not value:
        raise KrpcError("no v")
    if len(value) > VALUE_BYTES_MAX:
        raise KrpcError("v is too big", VALUE_ERROR)
    if value != encode(arguments[b"v"]):
        raise KrpcError("v is not sorted bencode")
    if b"k" not in arguments:
        return ImmutableItem(value)
    salt = get_bytes(arguments, b"salt") or b""
    if len(salt) > SALT_BYTES_MAX:
        raise KrpcError("salt is too big", SALT_ERROR)
    item = mutable_item(arguments, salt, value)
    if item is None:
        raise KrpcError("no k of 32 bytes, seq, and sig of 64 bytes")
    return item


def _raw_value(datagram: bytes) -> bytes:
    """`v` as it came: a re-encoding would not tell whether it is what was hashed and signed."""
    _, span = decode_with_span(datagram, KRPC_LIMITS, b"a")
    arguments = datagram[slice(*span)] if span is not None else b"de"
    _, span = decode_with_span(arguments, KRPC_LIMITS, b"v")
    return arguments[slice(*span)] if span is not None else b""


def mutable_item(values: dict[bytes, Bencoded], salt: bytes, value: bytes) -> MutableItem | None:
    """Of a put or a response, whose salt is not told; None when a part is missing or misshapen."""
    key, signature = get_bytes(values, b"k"), get_bytes(values, b"sig")
    seq = get_int(values, b"seq", 0, SEQ_MAX)
    if seq is None or key is None or signature is None:
        return None
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return None
    return MutableItem(key, salt, seq, value, signature)


def item_values(item: Item) -> dict[bytes, Bencoded]:
    """What a put or a response says of an item, except for its salt."""
    values: dict[bytes, Bencoded] = {b"v": decode(item.value, KRPC_LIMITS)}
    if isinstance(item, MutableItem):
        values |= {b"k": item.key, b"seq": item.seq, b"sig": item.signature}
    return values
