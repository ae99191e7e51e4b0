"""What one connection tells: past or noun, validated against the torrent before anyone sees it.

The messages are those of BEP 3, 6, 9, 10, 11, 21 and 54. `PeerConnection.receive_data` and `tick`
return lists of these. A memoryview in an event is valid only until the next call into the
connection: its reader copies, at once, what it keeps.
"""

from dataclasses import dataclass

from torrentd.wire.formats.address import Address
from torrentd.wire.formats.extension import ExtensionHandshake
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.handshake import Handshake
from torrentd.wire.formats.metadata import MetadataData, MetadataReject, MetadataRequest
from torrentd.wire.formats.pex import Pex


@dataclass(slots=True)
class HandshakeCompleted:
    """The peer's 68 bytes came (BEP 3). An incoming connection still owes its own: `accept`."""

    handshake: Handshake


@dataclass(slots=True)
class Choked:
    """The peer chokes us. `lost`: requests that will not be answered (BEP 3; with BEP 6 empty,
    since then each gets its own reject)."""

    lost: list[BlockRef]


@dataclass(slots=True)
class Unchoked:
    """The peer will answer requests."""


@dataclass(slots=True)
class InterestChanged:
    """`connection.peer_interested` changed."""


@dataclass(slots=True)
class PiecesChanged:
    """The peer's bitfield came whole: bitfield, have-all or have-none (BEP 3, 6)."""


@dataclass(slots=True)
class Have:
    """The peer gained a piece it had not announced before."""

    piece_index: int


@dataclass(slots=True)
class DontHave:
    """The peer lost a piece that it had announced (BEP 54). `lost`: requests that will not be
    answered; with BEP 6 empty, since then each gets its own reject."""

    piece_index: int
    lost: list[BlockRef]


@dataclass(slots=True)
class BlocksReceived:
    """A run of blocks of one piece that we had asked this peer for. Their bytes, unverified, lie in
    `buffer` already, at `begins`: it is what `connection.piece_buffers` had for the piece."""

    piece_index: int
    buffer: memoryview
    begins: list[int]


@dataclass(slots=True)
class BlockReceived:
    """A block that we had asked this peer for and that has no place in `piece_buffers`, or that we
    had given up: it may have come from someone else meanwhile. Its bytes are unverified."""

    piece_index: int
    begin: int
    data: memoryview


@dataclass(slots=True)
class UnrequestedBlock:
    """A block that nobody asked for: dropped, its bytes counted as waste (W6)."""

    length: int


@dataclass(slots=True)
class RequestRejected:
    """The peer will not send this block (BEP 6)."""

    block: BlockRef


@dataclass(slots=True)
class RequestsTimedOut:
    """These blocks are overdue; the peer may be asked for others, a late answer is still taken."""

    blocks: list[BlockRef]


@dataclass(slots=True)
class BlocksRequested:
    """`connection.owed` grew: there is something to serve."""


@dataclass(slots=True)
class AllowedFast:
    """We may ask for this piece while choked (BEP 6)."""

    piece_index: int


@dataclass(slots=True)
class ExtensionHandshakeReceived:
    """BEP 10; already applied to the connection (ids, reqq)."""

    handshake: ExtensionHandshake


@dataclass(slots=True)
class UploadOnlyChanged:
    """`connection.upload_only` changed by a message of its own (BEP 21)."""


@dataclass(slots=True)
class MetadataMessage:
    """BEP 9."""

    message: MetadataRequest | MetadataData | MetadataReject


@dataclass(slots=True)
class PexReceived:
    """BEP 11."""

    pex: Pex


@dataclass(slots=True)
class PortReceived:
    """The peer runs a DHT node at `address` (BEP 5, BitTorrent protocol extension)."""

    address: Address


@dataclass(slots=True)
class ConnectionFailed:
    """The connection is over by a rule of the protocol; `reason` is a sentence of ours. Always the
    last event. `misbehaved` tells a broken BEP from mere silence."""

    reason: str
    misbehaved: bool


Event = (
    HandshakeCompleted
    | Choked
    | Unchoked
    | InterestChanged
    | PiecesChanged
    | Have
    | DontHave
    | BlocksReceived
    | BlockReceived
    | UnrequestedBlock
    | RequestRejected
    | RequestsTimedOut
    | BlocksRequested
    | AllowedFast
    | ExtensionHandshakeReceived
    | UploadOnlyChanged
    | MetadataMessage
    | PexReceived
    | PortReceived
    | ConnectionFailed
)
