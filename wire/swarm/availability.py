"""How many peers have each piece (BEP 3, rarest first): the buckets of the picker.

The counts are kept as binary digits side by side: plane k holds digit k of every piece's count.
A peer's whole bitfield is added like one number, digit by digit with carry, and the rarest pieces
of a set are found from the highest digit down. Each costs as many operations on whole numbers as
the count has digits (six for 60 peers), never a walk over pieces.
"""

from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import full_mask


class Availability:
    """Counts of peers by piece. Seeds are counted apart: they change no order."""

    __slots__ = ("_counted", "_full", "_planes", "seeds")

    def __init__(self, piece_count: int) -> None:
        self.seeds = 0
        self._full = full_mask(piece_count)
        self._planes: list[int] = []
        self._counted: dict[Peer, int | None] = {}  # what was counted of whom; None: a seed

    def count_peer(self, peer: Peer) -> None:
        """`peer.mask` is new, or changed."""
        self.leave(peer)
        if peer.mask == self._full:
            self.seeds += 1
            self._counted[peer] = None
        else:
            self._add(peer.mask)
            self._counted[peer] = peer.mask

    def count_piece(self, peer: Peer, piece_index: int) -> None:
        """A counted peer gained one piece, which is in its mask already."""
        counted = self._counted[peer]
        if counted is not None:
            self._add(1 << piece_index)
            self._counted[peer] = counted | 1 << piece_index

    def lost_piece(self, peer: Peer, piece_index: int) -> None:
        """A counted peer lost one piece, which is out of its mask already."""
        counted = self._counted[peer]
        if counted is None:
            self.count_peer(peer)
        else:
            self._remove(1 << piece_index)
            self._counted[peer] = counted & ~(1 << piece_index)

    def leave(self, peer: Peer) -> None:
        """The peer counts no more."""
        if peer in self._counted:
            counted = self._counted.pop(peer)
            if counted is None:
                self.seeds -= 1
            else:
                self._remove(counted)

    def rarest(self, mask: int) -> int:
        """Those of `mask` that the fewest peers have; ties stay together."""
        for plane in reversed(self._planes):
            mask = mask & ~plane or mask
        return mask

    def held(self, mask: int) -> int:
        """Those of `mask` that some peer has."""
        if self.seeds:
            return mask
        held = 0
        for plane in self._planes:
            held |= plane
        return mask & held

    def count(self, piece_index: int) -> int:
        """Peers that have the piece."""
        digits = sum((plane >> piece_index & 1) << k for k, plane in enumerate(self._planes))
        return digits + self.seeds

    def _add(self, mask: int) -> None:
        planes = self._planes
        for k, plane in enumerate(planes):
            if not mask:
                return
            planes[k] = plane ^ mask
            mask &= plane
        if mask:
            planes.append(mask)

    def _remove(self, mask: int) -> None:
        planes = self._planes
        for k, plane in enumerate(planes):
            planes[k] = plane ^ mask
            mask &= ~plane
            if not mask:
                break
        assert not mask, "a piece is held by fewer than no peers"
        while planes and not planes[-1]:
            planes.pop()
