"""Super seeding: a seed that shows each peer a piece or two at a time (BEP 16).

"It will not act as a standard seed, but masquerades as a normal client with no data": each peer is
told of "a piece that was never sent, or if all pieces were already sent, is very rare". Of another
one only when "the piece it had sent previously" is "present on at least one other client".

Differs from the BEP: two pieces at once, as libtorrent does, so that a peer need not wait for the
news of the first; who is the only one to take anything need not pass anything on; and a piece that
nobody takes of it keeps a peer waiting for five minutes, not for ever.
"""

from collections.abc import Iterator
from random import Random

from torrentd.wire.swarm.choker import TURN_S
from torrentd.wire.swarm.first_copies import Stock
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import random_piece

PIECES_AT_ONCE = 2
PATIENCE_S = 300.0  # for others to take a piece of the one who was shown it
UNWANTED_S = 10.0  # not interested for so long: it has deselected what it was shown


class SuperSeeding:
    """Who was shown what, of the pieces that are not passed on yet."""

    def __init__(self, stock: Stock, rng: Random) -> None:
        self._stock = stock
        self._rng = rng
        self._shown: dict[Peer, dict[int, float]] = {}  # piece -> since when
        self._to: dict[int, dict[Peer, None]] = {}  # piece -> to whom

    def join(self, peer: Peer) -> None:
        """A peer that has not been told of any piece."""
        peer.revealed = 0
        self._shown[peer] = {}

    def leave(self, peer: Peer) -> None:
        """It is gone."""
        for piece_index in self._shown.pop(peer, {}):
            self._forget(peer, piece_index)

    def show(self, peer: Peer, now: float) -> bool:
        """As many pieces as it may know of; returns whether there was a new one."""
        shown = self._shown.get(peer)
        if shown is None:
            return False
        before = peer.revealed
        while len(shown) < PIECES_AT_ONCE:
            known = peer.mask | (peer.revealed or 0)
            unknown = self._stock.had & ~known
            if not unknown:
                break
            piece_index = self._choose(unknown, now)
            peer.revealed = (peer.revealed or 0) | 1 << piece_index
            shown[piece_index] = now
            self._to.setdefault(piece_index, {})[peer] = None
            peer.connection.send_have(piece_index)
        return peer.revealed != before

    def has_piece(self, piece_index: int, now: float) -> list[Peer]:
        """A peer says that it has the piece. Returns who was shown another one for that."""
        peers = list(self._to.get(piece_index, ()))
        return [
            peer
            for peer in peers
            if self._is_passed_on(peer, piece_index) and self._next(peer, piece_index, now)
        ]

    def look(self, now: float) -> None:
        """At everybody: peers came or left, or time has passed."""
        for peer, piece_index in list(self._all()):
            since = self._shown[peer][piece_index]
            has = bool(peer.mask >> piece_index & 1)
            unwanted = not has and not peer.connection.peer_interested
            if (
                self._is_passed_on(peer, piece_index)
                or (has and now >= since + PATIENCE_S)
                or (unwanted and now >= since + UNWANTED_S)
            ):
                self._next(peer, piece_index, now)
        for peer in self._shown:
            self.show(peer, now)

    def _all(self) -> Iterator[tuple[Peer, int]]:
        for peer, shown in self._shown.items():
            for piece_index in shown:
                yield peer, piece_index

    def _choose(self, unknown: int, now: float) -> int:
        """The rarest, and none that somebody else is getting while there is another."""
        fresh = unknown
        for piece_index, peers in self._to.items():
            if any(self._will_get(peer, piece_index, now) for peer in peers):
                fresh &= ~(1 << piece_index)
        return random_piece(self._stock.availability.rarest(fresh or unknown), self._rng)

    def _will_get(self, peer: Peer, piece_index: int, now: float) -> bool:
        """It has its turn, or may have it soon."""
        since = self._shown[peer][piece_index]
        return not peer.connection.am_choking or now < since + TURN_S

    def _is_passed_on(self, peer: Peer, piece_index: int) -> bool:
        """Does it have the piece, and somebody else too, or is there nobody else? One that waits
        for its turn need not have it any more, when somebody else has."""
        holders = self._stock.availability.count(piece_index)
        if not peer.mask >> piece_index & 1:
            return holders > 0 and peer.connection.am_choking
        return holders > 1 or not any(
            other is not peer and not other.connection.upload_only for other in self._shown
        )

    def _next(self, peer: Peer, piece_index: int, now: float) -> bool:
        del self._shown[peer][piece_index]
        self._forget(peer, piece_index)
        return self.show(peer, now)

    def _forget(self, peer: Peer, piece_index: int) -> None:
        del self._to[piece_index][peer]
        if not self._to[piece_index]:
            del self._to[piece_index]
