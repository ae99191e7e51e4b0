"""Who may join a swarm, and who must leave for somebody better (C2, C3). No BEP applies."""

from collections.abc import Iterable

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import AddressPolicy
from torrentd.wire.formats.ids import PeerId
from torrentd.wire.swarm.peer import Peer

IDLE_S = 120.0  # without a byte either way: useless
BARREN_S = 25.0  # we want something of it, it has proved nothing, and others wait
BARREN_BYTES_PER_S = 1024.0  # slower than this is no sign of good will
INCOMING_SHARE = 5  # one place in so many is for those whom we dial: strangers cannot fill a swarm


class Admission:
    """The caps of one swarm. Two peers that dial each other at once must not both refuse: of two
    connections between them, the one that the greater peer id began is kept, on both sides."""

    __slots__ = ("_limits", "_peer_id", "_policy")

    def __init__(self, peer_id: PeerId, limits: Limits, policy: AddressPolicy) -> None:
        self._peer_id = peer_id
        self._limits = limits
        self._policy = policy

    def is_full(self, peer_count: int) -> bool:
        """No room for one more."""
        return peer_count >= self._limits.peers_per_torrent_max

    def takes_incoming(self, incoming_count: int) -> bool:
        """There is room for one more who dialed us."""
        places = self._limits.peers_per_torrent_max
        return incoming_count < places - places // INCOMING_SHARE

    def may_share_host(self, host: str) -> bool:
        """A local network that is allowed at all may have many peers behind one address."""
        return self._policy.allow_local and self._policy.is_local(host)

    def loser(self, newcomer: Peer, others: list[Peer]) -> Peer | None:
        """Who must go since `newcomer` and `others` are too many from one host: nobody, `newcomer`,
        or one of the others. An outgoing newcomer is judged again when it has shaken hands."""
        if len(others) < self._limits.connections_per_address_max:
            return None
        if self.may_share_host(newcomer.address.host):
            return None
        outgoing = newcomer.connection.outgoing
        for other in others:
            if other.connection.outgoing != outgoing:
                known = other if outgoing else newcomer
                if self.is_preferred(newcomer, known.connection.their_peer_id):
                    return None if outgoing else other
        return newcomer

    def is_preferred(self, peer: Peer, their_peer_id: PeerId | None) -> bool:
        """Did the greater peer id begin this connection?"""
        if their_peer_id is None:
            return False
        return peer.connection.outgoing == (self._peer_id > their_peer_id)

    def useless(self, peers: Iterable[Peer], now: float) -> Peer | None:
        """The peer that has been of no use for the longest time, when there is one."""
        idle = [peer for peer in self.idle(peers, now) if peer.since + IDLE_S <= now]
        return min(idle, key=lambda peer: peer.since, default=None)

    def idle(self, peers: Iterable[Peer], now: float) -> list[Peer]:
        """Those that had time to begin, and between whom and us nothing moves."""
        return [peer for peer in peers if _is_idle(peer, now)]

    def barren(self, peers: Iterable[Peer], now: float) -> list[Peer]:
        """While we want something: those who had their time, gave no piece that passed its hash,
        give nothing worth the name now, and take nothing. The one who is here longest is first."""
        return sorted(
            (peer for peer in peers if _is_barren(peer, now)), key=lambda peer: peer.since
        )


def _is_barren(peer: Peer, now: float) -> bool:
    connection = peer.connection
    if peer.since + BARREN_S > now or peer.verified or peer.reading:
        return False
    return connection.download_rate.bytes_per_s(now) < BARREN_BYTES_PER_S and not (
        connection.upload_rate.bytes_per_s(now)
    )


def _is_idle(peer: Peer, now: float) -> bool:
    connection = peer.connection
    if peer.since + BARREN_S > now or connection.outstanding.count or peer.reading:
        return False
    return not connection.download_rate.bytes_per_s(now) and not (
        connection.upload_rate.bytes_per_s(now)
    )
