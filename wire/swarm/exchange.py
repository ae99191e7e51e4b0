"""Peer exchange: peers tell each other whom they are connected to (BEP 11).

We name only peers we are connected to, at an address where they take connections, to each peer no
more than once a minute. What we are told is a claim; the address policy comes in `candidates`.
"""

from collections.abc import Iterable

from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.pex import CONTACTS_MAX, FLAG_REACHABLE, FLAG_SEED, Pex
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.peer import Peer

INTERVAL_S = 60.0  # "should not be sent more frequently than once a minute"
TOO_SOON_S = 45.0  # a minute, as a busy peer's clock and the network may shorten it
TOO_SOON_MAX = 5


class Exchange:
    """One round a minute, while anybody takes part."""

    __slots__ = ("_policy", "_round_at")

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._round_at: float | None = None

    def join(self, peer: Peer, peers: Iterable[Peer], now: float) -> None:
        """`peer` understands ut_pex: it is told of the others at once."""
        if self._round_at is None:
            self._round_at = now + INTERVAL_S
        if peer.pex_sent_at is None:
            self._tell(peer, self._contacts(peers), now)

    def tick(self, peers: list[Peer], now: float) -> None:
        """The round, when it is due."""
        if self._round_at is None or now < self._round_at:
            return
        listeners = [peer for peer in peers if speaks_pex(peer.connection)]
        self._round_at = now + INTERVAL_S if listeners else None
        contacts = self._contacts(peers)
        for peer in listeners:
            if peer.pex_sent_at is None or peer.pex_sent_at + INTERVAL_S <= now:
                self._tell(peer, contacts, now)

    def next_deadline(self) -> float | None:
        """When the next round is due."""
        return self._round_at

    def receive(self, peer: Peer, pex: Pex, now: float, *, complete: bool) -> list[Address] | None:
        """The addresses to believe; None: the peer floods us and must go. Seeds are of no use to
        one that is `complete`."""
        last_at, peer.pex_received_at = peer.pex_received_at, now
        if last_at is not None and last_at + TOO_SOON_S > now:
            peer.pex_too_soon += 1
            return None if peer.pex_too_soon > TOO_SOON_MAX else []
        return [
            address
            for address, flags in pex.added[:CONTACTS_MAX]
            if not (complete and flags & FLAG_SEED)
        ]

    def _contacts(self, peers: Iterable[Peer]) -> dict[Address, int]:
        contacts = {}
        for peer in peers:
            address = peer.listen_address
            if peer.greeted and address is not None and self._policy.allows_peer(address):
                seed = FLAG_SEED if peer.connection.upload_only else 0
                contacts[address] = seed | (FLAG_REACHABLE if peer.connection.outgoing else 0)
        return contacts

    def _tell(self, peer: Peer, contacts: dict[Address, int], now: float) -> None:
        told = peer.pex_told
        added = [
            (address, flags)
            for address, flags in contacts.items()
            if address not in told and address != peer.listen_address
        ][:CONTACTS_MAX]
        dropped = [address for address in told if address not in contacts][:CONTACTS_MAX]
        if not added and not dropped:
            return
        for address in dropped:
            del told[address]
        told |= dict.fromkeys(address for address, _ in added)
        peer.pex_sent_at = now
        peer.connection.send_pex(Pex(added, dropped))


def speaks_pex(connection: PeerConnection) -> bool:
    """Did the peer's extension handshake name ut_pex?"""
    extension = connection.extension
    return extension is not None and extension.message_ids.get("ut_pex", 0) != 0
