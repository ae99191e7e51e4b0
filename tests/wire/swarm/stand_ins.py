"""Peers for the rooms that look at no more than a peer's mask and identity. Nobody speaks."""

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, host_key
from torrentd.wire.formats.geometry import Geometry
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import full_mask


def connection_to(host: str, *, outgoing: bool = True, now: float = 1000.0) -> PeerConnection:
    return PeerConnection(
        Address(host, 6881),
        outgoing=outgoing,
        peer_id=PeerId(b"-TD0100-mmmmmmmmmmmm"),
        infohash=InfoHash(bytes(20)) if outgoing else None,
        limits=Limits(),
        now=now,
    )


def stand_in(number: int, *pieces: int, choking: bool = False) -> Peer:
    """Peer number so and so, with these pieces."""
    host = f"20.{number >> 8}.{number & 255}.1"
    peer = Peer(connection_to(host), host_key(host), 1000.0, False)
    peer.connection.peer_choking = choking
    peer.mask = sum(1 << piece_index for piece_index in pieces)
    return peer


def seed(number: int, geometry: Geometry) -> Peer:
    peer = stand_in(number)
    peer.mask = full_mask(geometry.piece_count)
    return peer
