"""The extension handshake (BEP 10), with `upload_only` of BEP 21 and `metadata_size` of BEP 9.

Every key is optional and every value is a claim: one of the wrong type or out of range counts as
absent, so that a strange client is still a peer (W11). Only bytes that are not one bencoded
dictionary are an ExtensionError.
"""

from dataclasses import dataclass, field

from torrentd.wire.formats.address import pack_host, unpack_host
from torrentd.wire.formats.bencode import (
    EXTENSION_LIMITS,
    Bencoded,
    decode_dict,
    encode,
    get_bytes,
    get_dict,
    get_int,
)
from torrentd.wire.formats.errors import BencodeError, ExtensionError

HANDSHAKE_ID = 0  # "0 is the extended message id of the handshake"
UT_PEX = "ut_pex"
UT_METADATA = "ut_metadata"
UPLOAD_ONLY = "upload_only"
LT_DONTHAVE = "lt_donthave"
# Our numbers for the messages that we take: peers send with these.
OUR_MESSAGE_IDS = {UT_PEX: 1, UT_METADATA: 2, UPLOAD_ONLY: 3, LT_DONTHAVE: 4}

METADATA_BYTES_MAX = 32 * 1024**2  # real ones reach 15 MB; a claim above it counts as none (M1)
REQQ_MAX = 2000
NAMES_MAX = 64
NAME_CHARS_MAX = 32
CLIENT_CHARS_MAX = 64
_ANY = 2**63


@dataclass(slots=True)
class ExtensionHandshake:
    """`message_ids` by name, as the sender wants them; 0 turns a message off that an earlier
    handshake had turned on. `reqq`: how many requests the sender keeps. `listen_port`: where it
    takes connections. `your_host`: how it sees the receiver. `upload_only`: it wants nothing; None:
    as before, which at first is False."""

    message_ids: dict[str, int] = field(default_factory=dict)
    metadata_size: int | None = None
    reqq: int | None = None
    client: str | None = None
    listen_port: int | None = None
    your_host: str | None = None
    upload_only: bool | None = None


def encode_extension_handshake(handshake: ExtensionHandshake) -> bytes:
    """The payload of extended message 0; what is None is left out."""
    ids: dict[bytes, Bencoded] = {name.encode(): i for name, i in handshake.message_ids.items()}
    d: dict[bytes, Bencoded] = {b"m": ids}
    if handshake.metadata_size is not None:
        d[b"metadata_size"] = handshake.metadata_size
    if handshake.reqq is not None:
        d[b"reqq"] = handshake.reqq
    if handshake.client is not None:
        d[b"v"] = handshake.client.encode()
    if handshake.listen_port is not None:
        d[b"p"] = handshake.listen_port
    if handshake.your_host is not None:
        d[b"yourip"] = pack_host(handshake.your_host)
    if handshake.upload_only is not None:
        d[b"upload_only"] = int(handshake.upload_only)
    return encode(d)


def decode_extension_handshake(payload: bytes) -> ExtensionHandshake:
    """The inverse, of a stranger's bytes. `reqq` is clamped to 1 … REQQ_MAX."""
    try:
        d = decode_dict(payload, EXTENSION_LIMITS)
    except BencodeError as error:
        raise ExtensionError(f"extension handshake: {error.reason}") from None
    reqq = get_int(d, b"reqq", -_ANY, _ANY)
    upload_only = get_int(d, b"upload_only", 0, _ANY)
    client = get_bytes(d, b"v")
    your_host = get_bytes(d, b"yourip")
    return ExtensionHandshake(
        message_ids=_message_ids(get_dict(d, b"m") or {}),
        metadata_size=get_int(d, b"metadata_size", 1, METADATA_BYTES_MAX),
        reqq=None if reqq is None else min(max(reqq, 1), REQQ_MAX),
        client=None if client is None else printable(client, CLIENT_CHARS_MAX),
        listen_port=get_int(d, b"p", 1, 65535),
        your_host=unpack_host(your_host) if your_host and len(your_host) in (4, 16) else None,
        upload_only=None if upload_only is None else upload_only > 0,
    )


def printable(text: bytes, chars_max: int) -> str:
    """A stranger's UTF-8 as text that may be shown: what is not printable becomes `?`."""
    decoded = text[: 4 * chars_max].decode("utf-8", "replace")[:chars_max]
    return "".join(c if c.isprintable() and c != "\ufffd" else "?" for c in decoded).strip()


def _message_ids(names: dict[bytes, Bencoded]) -> dict[str, int]:
    """The first NAMES_MAX names that are plain ASCII with an id that fits a byte. Names are bytes
    (BEP 10 prints one that is no UTF-8), ours are ASCII, and no other will ever be looked up."""
    ids: dict[str, int] = {}
    for name in names:
        message_id = get_int(names, name, 0, 255)
        if message_id is None or len(name) > NAME_CHARS_MAX or not name.isascii():
            continue
        ids[name.decode("ascii")] = message_id
        if len(ids) == NAMES_MAX:
            break
    return ids
