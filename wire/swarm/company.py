"""Who is in the swarm: joining, parting, dialing, banning (BEP 3, 11; security C2, C3, W10, X3)."""

from random import Random
from typing import Protocol

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy, host_key
from torrentd.wire.formats.ids import PeerId
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.actions import Action, Dial
from torrentd.wire.swarm.admission import Admission
from torrentd.wire.swarm.candidates import Candidates
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.turnover import Turnover
from torrentd.wire.swarm.vantage import Vantage

GLANCE_S = 1.0  # between two looks for somebody who may go, while the swarm is full


class Places(Protocol):
    """What is asked of the daemon."""

    @property
    def full(self) -> bool:
        """It has all the connections that it may have, of all torrents together."""


class Company:
    """The peers of one swarm, in the order in which they came, and those who may become some."""

    def __init__(
        self,
        peer_id: PeerId,
        limits: Limits,
        policy: AddressPolicy,
        rng: Random,
        now: float,
        places: Places | None = None,
        vantage: Vantage | None = None,
    ) -> None:
        self.peers: dict[PeerConnection, Peer] = {}
        self._vantage = vantage or Vantage(0)
        self.candidates = Candidates(limits, policy, rng, now, self._vantage)
        self.banned_count = 0
        self._admission = Admission(peer_id, limits, policy)
        self._limits = limits
        self._places = places
        self._policy = policy
        self._dialing: dict[Address, None] = {}
        self._glance_at = 0.0
        self._turnover = Turnover(limits.peers_per_torrent_max, now)

    @property
    def dialing(self) -> int:
        """Dials under way."""
        return len(self._dialing)

    def admit(
        self, connection: PeerConnection, now: float, *, wants: bool
    ) -> tuple[Peer, list[Peer]]:
        """A connection that wants to join: a peer from now on. Returns it, and who must part for
        that: perhaps itself, perhaps somebody of its host. Room must have been made before.
        `wants`: we lack something, and keep some places for those whom we dial."""
        address = connection.address
        peer = Peer(connection, host_key(address.host), now, self._policy.is_local(address.host))
        if connection.outgoing:
            self._dialing.pop(address, None)
            peer.listen_address = address
        loser = self._admission.loser(peer, self._same_host(peer))
        full = not self._has_room(connection, wants=wants) and loser in (None, peer)
        self.peers[connection] = peer
        if full or self.candidates.is_banned(address.host):
            return peer, [peer]
        return peer, [] if loser is None else [loser]

    def to_evict(self, connection: PeerConnection, now: float, *, wants: bool) -> Peer | None:
        """Who must go before this one may come: nobody, unless there is no room."""
        if self._has_room(connection, wants=wants):
            return None
        incoming = self._incoming()
        full = connection.outgoing or not wants or self._admission.takes_incoming(len(incoming))
        peers = list(self.peers.values()) if full else incoming
        return self._admission.useless(peers, now) or self._lesser(peers, connection.address, now)

    def _lesser(self, peers: list[Peer], newcomer: Address, now: float) -> Peer | None:
        """Of those of no use at the moment, the one of least priority, if the newcomer's is greater
        (BEP 40).

        Differs from the BEP: who gives or takes stays, whatever its address."""
        idle = [peer for peer in self._admission.idle(peers, now) if not self._is_named(peer)]
        priorities = {peer: self._vantage.priority(_where(peer)) for peer in idle}
        least = min(idle, key=lambda peer: priorities[peer], default=None)
        if least is None or priorities[least] >= self._vantage.priority(newcomer):
            return None
        return least

    def greeted(self, peer: Peer) -> Peer | None:
        """Both handshakes are done. Returns who must part: one of two connections with one peer."""
        peer.greeted = True
        their_peer_id = peer.connection.their_peer_id
        for other in self.peers.values():
            if other is peer or other.connection.their_peer_id != their_peer_id:
                continue
            preferred = self._admission.is_preferred(peer, their_peer_id)
            if (
                other.greeted
                and preferred
                and not self._admission.is_preferred(other, their_peer_id)
            ):
                return other
            if other.greeted:
                return peer
        self.candidates.connected(peer.address)
        return None

    def listens(self, peer: Peer, port: int, now: float) -> None:
        """An incoming peer told where it can be dialed."""
        peer.listen_address = Address(peer.address.host, port)
        self.candidates.add([peer.listen_address], "incoming", now)
        self.candidates.connected(peer.listen_address)

    def part(
        self,
        peer: Peer,
        now: float,
        *,
        misbehaved: bool = False,
        again: bool = False,
        done: bool = False,
    ) -> None:
        """The peer is gone; `again`: perhaps because of us; `done`: neither side wanted more."""
        connection = peer.connection
        del self.peers[connection]
        address = _where(peer)
        if self._same_host(peer) and not self._admission.may_share_host(address.host):
            self.candidates.connected(address)  # by the other connection
            return
        if again and connection.outgoing and not misbehaved:
            self.candidates.dial_again(address, now)
            return
        if peer.replaced:
            self.candidates.replaced(address, now)
            return
        if done and not misbehaved:
            self.candidates.done(address, now)
            return
        useful = bool(connection.downloaded_bytes or connection.uploaded_bytes) and not misbehaved
        self.candidates.disconnected(address, now, useful)

    def met_ourselves(self, peer: Peer, now: float) -> None:
        """The address is our own (W10)."""
        self.candidates.forget(peer.address, now)

    def ban(self, liar: Peer, now: float) -> list[Peer]:
        """Nothing more of this host for a day (X3). Returns the peers to part from: those of the
        host. Where a local network hides behind one address, an honest peer there saves the host,
        and only the liar goes."""
        if liar.banned:
            return []
        liar.banned = True
        self.banned_count += 1
        same_host = self._same_host(liar)
        if any(peer.verified and not peer.banned for peer in same_host):
            self.candidates.forget(liar.address, now)
            return [peer for peer in same_host if peer is liar]
        self.candidates.ban(liar.address.host, now)
        return same_host

    def dial(self, now: float) -> list[Action]:
        """As many dials as there is room for connections."""
        dials: list[Action] = []
        room = self._room()
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

    def lacks_room(self, now: float) -> bool:
        """Is it time to look for somebody who may go?"""
        if now < self._glance_at or (self._room() > 0 and not self._dials_wait()):
            return False
        self._glance_at = now + GLANCE_S
        return True

    def make_room(self, lacking: int, now: float) -> list[Peer]:
        """Who must go since we want something (`lacking` is its mask, once that is known), and
        somebody waits to be dialed who may have it. Those whom the user named stay."""
        dials_wait = self._dials_wait()
        due_at = self.candidates.next_deadline(now)
        if not dials_wait and (due_at is None or due_at > now):
            return []
        for peer in self._admission.barren(self.peers.values(), now):
            if not self._is_named(peer):
                return [peer]
        if not self._turnover.is_due(now) or not (dials_wait or self.candidates.has_untried()):
            return []
        strangers = [peer for peer in self.peers.values() if not self._is_named(peer)]
        on_their_way = 0 if dials_wait else self.dialing
        leaving = self._turnover.least(strangers, lacking, on_their_way, now)
        for peer in leaving:
            peer.replaced = True
        return leaving

    def _dials_wait(self) -> bool:
        """For a connection of any torrent to end."""
        return bool(self._dialing) and self._places is not None and self._places.full

    def _is_named(self, peer: Peer) -> bool:
        """By the user."""
        return self.candidates.source(_where(peer)) == "manual"

    def dial_failed(self, address: Address, now: float) -> None:
        """Nobody answered there."""
        self._dialing.pop(address, None)
        self.candidates.dial_failed(address, now)

    def next_deadline(self, now: float, *, wants: bool) -> float | None:
        """When there may be somebody to dial; `wants`: somebody may have to go for that."""
        due_at = self.candidates.next_deadline(now)
        if self._dials_wait():
            due_at = now
        elif self._room() > 0 or due_at is None:
            return due_at
        return max(due_at, self._glance_at, now + GLANCE_S) if wants else None

    def forget_dials(self, now: float) -> None:
        """The torrent is stopped: dials under way are nobody's fault when they are refused."""
        for address in self._dialing:
            self.candidates.disconnected(address, now, useful=True)
        self._dialing.clear()

    def _same_host(self, peer: Peer) -> list[Peer]:
        return [other for other in self.peers.values() if other.host_key == peer.host_key]

    def _room(self) -> int:
        """Places that neither a peer nor a dial has."""
        return self._limits.peers_per_torrent_max - len(self.peers) - len(self._dialing)

    def _incoming(self) -> list[Peer]:
        return [peer for connection, peer in self.peers.items() if not connection.outgoing]

    def _has_room(self, connection: PeerConnection, *, wants: bool) -> bool:
        if self._admission.is_full(len(self.peers)):
            return False
        if connection.outgoing or not wants:
            return True
        return self._admission.takes_incoming(len(self._incoming()))


def _where(peer: Peer) -> Address:
    """Where it can be dialed, as far as we know."""
    return peer.listen_address or peer.address
