"""Peer-wire vectors (BEP 3, 5, 6, 10). Sources: the BEPs; anacrolix/torrent's tests, as facts."""

from torrentd.wire.formats import messages
from torrentd.wire.formats.geometry import BlockRef

KEEP_ALIVE = "00000000"

# name, whole message, what it says, what we encode for it
MESSAGES: list[tuple[str, str, messages.Message, bytes]] = [
    ("choke", "0000000100", messages.Choke(), messages.encode_choke()),
    ("unchoke", "0000000101", messages.Unchoke(), messages.encode_unchoke()),
    ("interested", "0000000102", messages.Interested(), messages.encode_interested()),
    ("not interested", "0000000103", messages.NotInterested(), messages.encode_not_interested()),
    ("have 42", "00000005040000002a", messages.Have(piece_index=42), messages.encode_have(42)),
    (
        "bitfield 2, 7, 32 of 37",
        "00000006052100000080",
        messages.Bitfield(data=b"!\x00\x00\x00\x80"),
        messages.encode_bitfield(b"\x21\0\0\0\x80"),
    ),
    (
        "request 0, 0, 16384",
        "0000000d06000000000000000000004000",
        messages.Request(block=BlockRef(piece_index=0, begin=0, length=16384)),
        messages.encode_requests([BlockRef(0, 0, 16384)]),
    ),
    (
        "cancel 1, 16384, 5",
        "0000000d08000000010000400000000005",
        messages.Cancel(block=BlockRef(piece_index=1, begin=16384, length=5)),
        messages.encode_cancel(BlockRef(1, 16384, 5)),
    ),
    ("port 0xaabb", "0000000309aabb", messages.Port(port=43707), messages.encode_port(0xAABB)),
    (
        "port 0, a mistake to ignore",
        "00000003090000",
        messages.Port(port=0),
        messages.encode_port(0),
    ),
    (
        "suggest 5",
        "000000050d00000005",
        messages.Suggest(piece_index=5),
        messages.encode_suggest(5),
    ),
    ("have all", "000000010e", messages.HaveAll(), messages.encode_have_all()),
    ("have none", "000000010f", messages.HaveNone(), messages.encode_have_none()),
    (
        "reject 0, 0, 16384",
        "0000000d10000000000000000000004000",
        messages.Reject(block=BlockRef(piece_index=0, begin=0, length=16384)),
        messages.encode_reject(BlockRef(0, 0, 16384)),
    ),
    (
        "allowed fast 5",
        "000000051100000005",
        messages.AllowedFast(piece_index=5),
        messages.encode_allowed_fast(5),
    ),
    (
        "extended 3, de",
        "0000000414036465",
        messages.Extended(extension_id=3, payload=b"de"),
        messages.encode_extended(3, b"de"),
    ),
]

# name, length prefix, id and what follows; whoever sends these is closed
INVALID: list[tuple[str, str]] = [
    ("choke with a payload byte", "000000020021"),
    ("request with five bytes", "00000006060000000000"),
    ("request cut short by its length", "0000000b060000000000"),
    ("request of one byte too many", "0000000e06000000000000000000000040000000"),
    ("length 2^32 - 1", "ffffffff14"),
    ("length 2^31", "8000000014"),
    ("length 10 MiB, a piece", "00a0000007"),
    ("bitfield of more pieces than any torrent has", "0004000205"),
    ("extended without an id", "0000000114"),
    ("extended of 1 MiB", "0010000014"),
    ("piece without header", "0000000107"),
    ("piece without a byte", "00000009070000000000000000"),
    ("piece of 16 KiB and a byte", "0000400a07"),
    ("reject with no payload", "0000000110"),
    ("have-all with a payload", "000000020e00"),
    ("have of three bytes", "0000000404000000"),
    ("port of one byte", "000000020900"),
    ("unknown id of 5 KiB", "0000140063"),
]
HAVE_BEYOND_EVERY_TORRENT = "0000000504ffffffff"

HANDSHAKE = "13426974546f7272656e742070726f746f636f6c0000000000100005" + 40 * "00"
