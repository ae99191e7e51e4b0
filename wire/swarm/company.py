"""Who is in the swarm: joining, parting, dialing, banning (BEP 3, 11; security C2, C3, W10, X3)."""

from random import Random

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy, host_key
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.actions import Action, Dial
from torrentd.wire.swarm.admission import Admission
from torrentd.wire.swarm.candidates import Candidates
from torrentd.wire.swarm.peer import Peer


class Company:
    """The peers of one swarm, in the order in which they came, and those who may become some."""

    def __init__(self, limits: Limits, policy: AddressPolicy, rng: Random, now: float) -> None:
        self.peers: dict[PeerConnection, Peer] = {}
        self.candidates = Candidates(limits, policy, rng, now)
        self.banned_count = 0
        self._admission = Admission(limits, policy)
        self._limits = limits
        self._policy = policy
        self._dialing: dict[Address, None] = {}

    def admit(self, connection: PeerConnection, now: float) -> tuple[Peer, str | None]:
        """A connection that wants to join. Returns why it may not, when it may not; otherwise it is
        a peer from now on. Room must have been made before."""
        address = connection.address
        peer = Peer(connection, host_key(address.host), now)
        if connection.outgoing:
            self._dialing.pop(address, None)
            peer.listen_address = address
        refusal = self._refusal(peer)
        if refusal is None:
            self.peers[connection] = peer
        elif connection.outgoing:
            self.candidates.disconnected(address, now, useful=False)
        return peer, refusal

    def _refusal(self, peer: Peer) -> str | None:
        if self.candidates.is_banned(peer.address.host):
            return "the host is banned"
        if self._admission.is_full(len(self.peers)):
            return "the swarm is full"
        return self._admission.refusal(peer, self.peers.values())

    def to_evict(self, now: float) -> Peer | None:
        """Who must go before somebody new may come: nobody, unless there is no room."""
        if not self._admission.is_full(len(self.peers)):
            return None
        return self._admission.useless(self.peers.values(), now)

    def greeted(self, peer: Peer) -> str | None:
        """Both handshakes are done. Returns why the peer must go again, when it must."""
        peer_id = peer.connection.their_peer_id
        if any(
            other.greeted and other.connection.their_peer_id == peer_id
            for other in self.peers.values()
        ):
            return "there is a connection with this peer already"
        peer.greeted = True
        self.candidates.connected(peer.address)
        return None

    def listens(self, peer: Peer, port: int, now: float) -> None:
        """An incoming peer told where it can be dialed."""
        peer.listen_address = Address(peer.address.host, port)
        self.candidates.add([peer.listen_address], "incoming", now)
        self.candidates.connected(peer.listen_address)

    def part(self, peer: Peer, now: float, *, misbehaved: bool = False) -> None:
        """The peer is gone."""
        connection = peer.connection
        del self.peers[connection]
        useful = bool(connection.downloaded_bytes or connection.uploaded_bytes) and not misbehaved
        self.candidates.disconnected(peer.listen_address or peer.address, now, useful)

    def met_ourselves(self, peer: Peer, now: float) -> None:
        """The address is our own (W10)."""
        self.candidates.forget(peer.address, now)

    def ban(self, liar: Peer, now: float) -> list[Peer]:
        """Nothing more of this host for a day (X3). Returns the peers to part from: those of the
        host. Where a local network hides behind one address, an honest peer there saves the host,
        and only the liar goes."""
        self.banned_count += 1
        same_host = [peer for peer in self.peers.values() if peer.host_key == liar.host_key]
        if any(peer.verified and peer is not liar for peer in same_host):
            self.candidates.forget(liar.address, now)
            return [peer for peer in same_host if peer is liar]
        self.candidates.ban(liar.address.host, now)
        return same_host

    def dial(self, now: float) -> list[Action]:
        """As many dials as there is room for connections."""
        dials: list[Action] = []
        room = self._limits.peers_per_torrent_max - len(self.peers) - len(self._dialing)
        if room <= 0:
            return dials
        hosts = dict.fromkeys(peer.host_key for peer in self.peers.values())
        hosts |= dict.fromkeys(host_key(address.host) for address in self._dialing)
        while len(dials) < room:
            address = self.candidates.next_to_dial(now, hosts)
            if address is None:
                break
            self._dialing[address] = None
            hosts[host_key(address.host)] = None
            dials.append(Dial(address))
        return dials

    def dial_failed(self, address: Address, now: float) -> None:
        """Nobody answered there."""
        self._dialing.pop(address, None)
        self.candidates.dial_failed(address, now)

    def next_deadline(self, now: float) -> float | None:
        """When there may be somebody to dial."""
        if len(self.peers) + len(self._dialing) >= self._limits.peers_per_torrent_max:
            return None
        return self.candidates.next_deadline(now)

    def forget_dials(self, now: float) -> None:
        """The torrent is stopped: dials under way are nobody's fault when they are refused."""
        for address in self._dialing:
            self.candidates.disconnected(address, now, useful=True)
        self._dialing.clear()
