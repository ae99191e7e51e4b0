"""What a swarm asks of the daemon: imperatives, each answered later by an input of Swarm.

| action           | answered by                                        |
|------------------|----------------------------------------------------|
| Dial             | `add_connection` (outgoing) or `dial_failed`       |
| Transmit         | nothing; send `connection.data_to_send()` now      |
| Close            | nothing; the swarm has already forgotten the peer  |
| StorePiece       | `piece_stored`, `piece_refused` or `store_failed`  |
| ReadBlocks       | `blocks_read` or `read_failed`                     |
| DecodeMetadata   | `metadata_decoded`                                 |
| MetadataComplete | `store_opened` (after existing data was checked)   |
| MetadataRefused  | nothing; `stop` is the sensible input              |
| SearchPeers      | `peers_found`, any number of times                 |

No BEP applies.
"""

from dataclasses import dataclass

from torrentd.wire.formats.address import Address
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.formats.piece_hash import PieceHash
from torrentd.wire.peer.connection import PeerConnection


@dataclass(slots=True)
class Dial:
    """Open a TCP connection to `address`."""

    address: Address


@dataclass(slots=True)
class Transmit:
    """`connection` has bytes to send."""

    connection: PeerConnection


@dataclass(slots=True)
class Close:
    """End `connection` after sending what it has; `reason` is for the trace."""

    connection: PeerConnection
    reason: str


@dataclass(slots=True)
class StorePiece:
    """Finish `hash` over `buffer` in a thread and, if it matches the torrent, write it. `buffer` is
    exactly the piece's size and belongs to the daemon until it answers."""

    piece_index: int
    buffer: memoryview
    hash: PieceHash


@dataclass(slots=True)
class ReadBlocks:
    """Read blocks `(begin, length)` of one piece, to be sent to `connection`."""

    connection: PeerConnection
    piece_index: int
    blocks: list[tuple[int, int]]


@dataclass(slots=True)
class DecodeMetadata:
    """`metadata` matches the infohash and is so large that `decode_info` takes its time: let a
    thread do it."""

    metadata: bytes


@dataclass(slots=True)
class MetadataComplete:
    """`metadata` is the info dictionary, verified against the infohash (BEP 9): open a store."""

    metadata: bytes
    info: Info


@dataclass(slots=True)
class MetadataRefused:
    """The metadata matches the infohash, and is no torrent that we take (private, version 2 only,
    malformed …): `reason` is a sentence. Nothing more can come of this swarm: stop it."""

    reason: str


@dataclass(slots=True)
class SearchPeers:
    """Ask the DHT for peers of this infohash; `announce` us to the closest nodes too (BEP 5)."""

    announce: bool


@dataclass(slots=True)
class NodeSeen:
    """A peer says it runs a DHT node there (BEP 5, PORT)."""

    address: Address


@dataclass(slots=True)
class Completed:
    """Every wanted piece is stored."""


Action = (
    Dial
    | Transmit
    | Close
    | StorePiece
    | ReadBlocks
    | DecodeMetadata
    | MetadataComplete
    | MetadataRefused
    | SearchPeers
    | NodeSeen
    | Completed
)
