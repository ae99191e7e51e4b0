"""Peer-wire vectors (BEP 3, 5, 6, 10). Sources: the BEPs; anacrolix/torrent's tests, as facts."""

from torrentd.wire.formats import messages
from torrentd.wire.formats.geometry import BlockRef

KEEP_ALIVE = "00000000"

# name, whole message, what it says
MESSAGES: list[tuple[str, str, messages.Message]] = [
    ("choke", "0000000100", messages.Choke()),
    ("unchoke", "0000000101", messages.Unchoke()),
    ("interested", "0000000102", messages.Interested()),
    ("not interested", "0000000103", messages.NotInterested()),
    ("have 42", "00000005040000002a", messages.Have(42)),
    ("bitfield 2, 7, 32 of 37", "00000006052100000080", messages.Bitfield(b"\x21\0\0\0\x80")),
    (
        "request 0, 0, 16384",
        "0000000d06000000000000000000004000",
        messages.Request(BlockRef(0, 0, 16384)),
    ),
    (
        "cancel 1, 16384, 5",
        "0000000d08000000010000400000000005",
        messages.Cancel(BlockRef(1, 16384, 5)),
    ),
    ("port 0xaabb", "0000000309aabb", messages.Port(0xAABB)),
    ("port 0, a mistake to ignore", "00000003090000", messages.Port(0)),
    ("suggest 5", "000000050d00000005", messages.Suggest(5)),
    ("have all", "000000010e", messages.HaveAll()),
    ("have none", "000000010f", messages.HaveNone()),
    (
        "reject 0, 0, 16384",
        "0000000d10000000000000000000004000",
        messages.Reject(BlockRef(0, 0, 16384)),
    ),
    ("allowed fast 5", "000000051100000005", messages.AllowedFast(5)),
    ("extended 3, de", "00000004140364" + "65", messages.Extended(3, b"de")),
]

# name, length prefix and id (None: no id was sent yet), the rest; whoever sends these is closed
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
