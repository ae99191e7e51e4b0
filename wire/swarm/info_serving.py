"""The info dictionary, served to peers that ask for it (BEP 9), within limits (security M5)."""

from collections.abc import Iterable

from torrentd.wire.formats.metadata import METADATA_PIECE_BYTES, metadata_geometry
from torrentd.wire.swarm.peer import Peer

ASKS_PER_PIECE_MAX = 2  # by one peer; an honest one needs one
WAITING_MAX = 64  # requests of one peer while it takes no bytes


def serve_metadata(peer: Peer, piece: int, metadata: bytes | None) -> None:
    """Answers one request: now, once the peer takes bytes again, or with a reject."""
    if metadata is None:
        peer.connection.send_metadata_reject(piece)
        return
    piece_count = metadata_geometry(len(metadata)).piece_count
    asks_max = ASKS_PER_PIECE_MAX * piece_count
    if piece >= piece_count or peer.metadata_served >= asks_max:
        peer.connection.send_metadata_reject(piece)
        return
    if peer.paused:
        if len(peer.metadata_waiting) < WAITING_MAX:
            peer.metadata_waiting.append(piece)
        return
    peer.metadata_served += 1
    begin = piece * METADATA_PIECE_BYTES
    data = metadata[begin : begin + METADATA_PIECE_BYTES]
    peer.connection.send_metadata_data(piece, len(metadata), data)


def serve_waiting(peer: Peer, metadata: bytes | None) -> None:
    """The peer takes bytes again."""
    waiting, peer.metadata_waiting = peer.metadata_waiting, []
    for piece in _unique(waiting):
        serve_metadata(peer, piece, metadata)


def _unique(pieces: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(pieces))
