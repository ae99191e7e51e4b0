"""What a swarm remembers of one peer beside its connection. No BEP applies."""

from dataclasses import dataclass, field

from torrentd.wire.formats.address import Address
from torrentd.wire.peer.connection import PeerConnection


@dataclass(slots=True, eq=False)
class Peer:
    """One connection as the swarm's rooms see it; each field has one room that writes it."""

    connection: PeerConnection
    host_key: bytes
    since: float  # when it joined
    is_local: bool  # of this machine or a private network

    # swarm
    greeted: bool = False  # both handshakes are done
    banned: bool = False  # it lied
    parted: bool = False  # it is no longer one of the swarm
    replaced: bool = False  # it made room
    listen_address: Address | None = None  # where others can dial it
    mask: int = 0  # pieces it has
    lost_mask: int = 0  # pieces it had, once (BEP 54)
    fast_mask: int = 0  # pieces it serves while it chokes us (BEP 6)

    revealed: int | None = None  # pieces that we told it of, while we seed super; None: all

    # picker
    piece_index: int = -1  # the piece it is being asked for; -1: none
    verified: int = 0  # pieces stored with blocks of it: the measure of trust (X4)
    declined: int = 0  # pieces it would not send although it does not choke us
    starved_at: int = -1  # the picker's version that had too little work for it; -1: had enough

    # uploads
    paused: bool = False  # the transport takes no more bytes
    reading: dict[tuple[int, int], int] = field(default_factory=dict)  # (piece, begin) -> length
    reading_bytes: int = 0
    refusals: int = 0  # requests for what we never had
    outdated: int = 0  # requests for what we have lost since
    told_elsewhere: int = 0  # pieces that it was told to get of others (once)

    # metadata
    asked_ahead: bool = False  # in the flight of our handshake
    metadata_served: int = 0
    metadata_waiting: list[int] = field(default_factory=list)

    # peer exchange
    pex_told: dict[Address, None] = field(default_factory=dict)
    pex_sent_at: float | None = None
    pex_received_at: float | None = None
    pex_too_soon: int = 0

    @property
    def address(self) -> Address:
        return self.connection.address
