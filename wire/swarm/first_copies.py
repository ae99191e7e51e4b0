"""The pieces that nobody but us has: each goes out once before any goes out twice (BEP 3, rarest
first; BEP 6, reject).

Peers that ask a lone seed at the same moment do not know of each other, and of many pieces equally
rare they ask for the same ones. So one that asks for a piece which somebody else has, or is getting
from us, is told no, once, while there are pieces that nobody was given: it asks for one of those,
and gets the other piece from its fellow. Asked again, we give.
"""

from typing import Protocol

from torrentd.wire.swarm.availability import Availability
from torrentd.wire.swarm.peer import Peer


class Stock(Protocol):
    """What is asked of the picker."""

    had: int
    availability: Availability


class FirstCopies:
    """Who was given what nobody had."""

    __slots__ = ("_given", "_given_mask", "_stock")

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._given: dict[int, Peer] = {}
        self._given_mask = 0

    def may_go(self, piece_index: int, peer: Peer) -> bool:
        """May the piece go to this peer now? If so, the peer counts as the one who gets it."""
        bit = 1 << piece_index
        holder = self._given.get(piece_index)
        if holder is peer:
            return True
        had = self._stock.had
        elsewhere = self._stock.availability.held(had) | self._given_mask
        if (
            elsewhere & bit
            and had & ~elsewhere
            and not peer.told_elsewhere & bit
            and peer.connection.supports_fast
        ):
            peer.told_elsewhere |= bit
            return False
        if holder is None:
            self._given[piece_index] = peer
            self._given_mask |= bit
        return True

    def lost(self, peer: Peer, piece_index: int) -> None:
        """The peer does not have it any more: it may go out again."""
        if self._given.get(piece_index) is peer:
            del self._given[piece_index]
            self._given_mask &= ~(1 << piece_index)

    def ends(self, peer: Peer) -> None:
        """The peer is gone, or choked: what it was given and does not have, nobody will get of
        it."""
        for piece_index, holder in list(self._given.items()):
            if holder is peer and not peer.mask >> piece_index & 1:
                self.lost(peer, piece_index)
