"""Who may join a swarm, and who must leave for somebody better (C2, C3). No BEP applies."""

from collections.abc import Iterable

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import AddressPolicy
from torrentd.wire.swarm.peer import Peer

IDLE_S = 120.0  # without a byte either way: useless


class Admission:
    """The caps of one swarm."""

    __slots__ = ("_limits", "_policy")

    def __init__(self, limits: Limits, policy: AddressPolicy) -> None:
        self._limits = limits
        self._policy = policy

    def is_full(self, peer_count: int) -> bool:
        """No room for one more."""
        return peer_count >= self._limits.peers_per_torrent_max

    def refusal(self, peer: Peer, peers: Iterable[Peer]) -> str | None:
        """Why `peer` may not join, when it may not. One host, one place; a local network that is
        allowed at all may have many peers behind one address."""
        if self._policy.allow_local and self._policy.is_local(peer.address.host):
            return None
        same_host = sum(other.host_key == peer.host_key for other in peers)
        if same_host >= self._limits.connections_per_address_max:
            return "there is a connection with this host already"
        return None

    def useless(self, peers: Iterable[Peer], now: float) -> Peer | None:
        """The peer that has been of no use for the longest time, when there is one."""
        idle = [peer for peer in peers if _is_idle(peer, now)]
        return min(idle, key=lambda peer: peer.since, default=None)


def _is_idle(peer: Peer, now: float) -> bool:
    connection = peer.connection
    if peer.since + IDLE_S > now or connection.outstanding.count or peer.reading:
        return False
    return not connection.download_rate.bytes_per_s(now) and not (
        connection.upload_rate.bytes_per_s(now)
    )
