"""Which blocks to ask a peer for (BEP 3, Peer Protocol; BEP 6).

The first pieces are random, so that a newcomer soon has something to trade; then rarest first.
Of pieces equally rare those begun are finished first. A peer that has not yet proven itself gets
pieces of its own, so that a bad one names its sender (X4). When nothing is left to ask, blocks owed
by one peer are asked of a second one too: the endgame, bounded to two requesters a block. Before
all that, what the user wants sooner comes sooner.

Work is done a piece, never a block: blocks are handed out in runs.
"""

from random import Random

from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.availability import Availability
from torrentd.wire.swarm.buffer_pool import Share
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import indices, random_piece
from torrentd.wire.swarm.pieces import Cancels, Pieces
from torrentd.wire.swarm.wish import Order

RANDOM_PIECES = 4  # before rarest first; what libtorrent found right


class Picker(Pieces):
    """The pieces of one torrent, and who may be asked for them."""

    def __init__(
        self, geometry: Geometry, had: int, order: Order, pool: Share, rng: Random
    ) -> None:
        super().__init__(geometry, had, order.wanted, pool)
        self._order = order
        self.availability = Availability(geometry.piece_count)
        self._rng = rng
        self._peers: dict[Peer, None] = {}

    # ---- peers

    def join(self, peer: Peer) -> None:
        """The peer may be asked from now on."""
        self._peers[peer] = None
        peer.connection.piece_buffers = self.buffers
        self.pieces_changed(peer)

    def pieces_changed(self, peer: Peer) -> None:
        """`peer.mask` is another one than it was."""
        self.availability.count_peer(peer)
        peer.starved_at = -1

    def has_piece(self, peer: Peer, piece_index: int) -> None:
        """`peer` gained one piece, which is in its mask already."""
        self.availability.count_piece(peer, piece_index)
        peer.starved_at = -1

    def lost_piece(self, peer: Peer, piece_index: int) -> None:
        """`peer` lost one piece, which is out of its mask already. What it was asked for of it is
        lost on its own."""
        self.availability.lost_piece(peer, piece_index)

    def leave(self, peer: Peer) -> None:
        """The peer is gone; what it owed is unrequested, what it sent stays."""
        if peer not in self._peers:
            return
        del self._peers[peer]
        peer.connection.piece_buffers = {}
        self.availability.leave(peer)
        for assembly in list(self.assemblies.values()):
            for block in assembly.requested_of(peer):
                self._lose(assembly, block, peer)
            if assembly.owner is peer:
                self._disown(assembly)

    # ---- blocks

    def pick(self, peer: Peer, count: int) -> list[BlockRef]:
        """Up to `count` blocks to ask `peer` for now; they count as requested."""
        reach = peer.mask & ~peer.declined
        if peer.connection.peer_choking:
            reach &= peer.fast_mask
        if not reach or peer.starved_at == self._version:
            return []
        blocks: list[BlockRef] = []
        assembly = self.assemblies.get(peer.piece_index)
        if assembly is not None and not self._may_go_on(assembly, peer, reach):
            assembly = None
        while len(blocks) < count:
            if assembly is None or not assembly.unrequested:
                assembly = self._find(peer, reach)
                if assembly is None:
                    blocks += self._endgame(peer, count - len(blocks), reach)
                    break
                peer.piece_index = assembly.piece_index
            blocks += assembly.take(count - len(blocks), peer)
        if blocks:
            self._version += 1
            if not self._candidates:
                self.freed = True  # the endgame begins: who has nothing to do may help
        peer.starved_at = self._version if len(blocks) < count else -1
        return blocks

    def lost(self, blocks: list[BlockRef], peer: Peer) -> None:
        """`peer` will not answer these requests, or not in time: others may."""
        for block in blocks:
            assembly = self.assemblies.get(block.piece_index)
            if assembly is None:
                continue
            if assembly.owner is peer and not assembly.parole:
                self._disown(assembly)
            self._lose(assembly, block, peer)

    def stalled(self, peer: Peer) -> None:
        """`peer` chokes us or stopped answering: its own pieces are everybody's."""
        for assembly in list(self.assemblies.values()):
            if assembly.owner is peer and not assembly.parole:
                self._disown(assembly)
        if self._paroles:
            self._work_freed()

    def change_order(self, order: Order) -> Cancels:
        """Other pieces are wanted, or in another order. Returns the requests that are no longer."""
        self._order = order
        return self.select(order.wanted)

    # ---- where the next piece comes from

    def _may_go_on(self, assembly: Assembly, peer: Peer, reach: int) -> bool:
        if not reach >> assembly.piece_index & 1:
            return False
        return assembly.owner is peer or (not assembly.parole and peer.verified > 0)

    def _find(self, peer: Peer, reach: int) -> Assembly | None:
        found = self._find_parole(peer, reach)
        ranks = iter(self._order.ranks)
        while found is None and (rank := next(ranks, None)) is not None:
            found = self._find_of_rank(peer, reach & rank)
        return found

    def _find_of_rank(self, peer: Peer, reach: int) -> Assembly | None:
        found = None
        if peer.verified:
            found = self._find_open(self._shared & reach)
            if found is not None and self._is_less_rare(found, reach):
                found = None
        return (
            found
            or self._begin_rarest(peer, reach)
            or self._find_open(self._shared & reach)
            or self._find_open(self._owned & reach)
        )

    def _is_less_rare(self, assembly: Assembly, reach: int) -> bool:
        """Could a piece be begun that fewer have? The only seed's upload is for what nobody else
        has: others will finish what was begun. Not at the price of memory."""
        fresh = self._candidates & reach & ~self._suspected
        if not fresh or self._order.sequential or self.had.bit_count() < RANDOM_PIECES:
            return False
        if not self._pool.grants(self._geometry.piece_length):
            return False
        bit = 1 << assembly.piece_index
        return not self.availability.rarest(fresh | bit) & bit

    def _find_open(self, mask: int) -> Assembly | None:
        """The rarest of these assemblies that still has unrequested blocks; the first in
        sequence."""
        while mask:
            first = mask & -mask if self._order.sequential else self.availability.rarest(mask)
            piece_index = first.bit_length() - 1
            assembly = self.assemblies[piece_index]
            if assembly.unrequested:
                return assembly
            self._close(assembly)
            mask &= ~(1 << piece_index)
        return None

    def _begin_rarest(self, peer: Peer, reach: int) -> Assembly | None:
        mask = self._candidates & reach & ~self._suspected
        if not mask:
            return None
        if self._order.sequential:
            mask &= -mask
        elif self.had.bit_count() >= RANDOM_PIECES:
            mask = self.availability.rarest(mask)
        owner = None if peer.verified else peer
        return self._begin(random_piece(mask, self._rng), owner, parole=False)

    def _find_parole(self, peer: Peer, reach: int) -> Assembly | None:
        """A piece that failed before, for `peer` alone (X1)."""
        for piece_index, assembly in self._paroles.items():
            if assembly.owner is peer and assembly.unrequested and reach >> piece_index & 1:
                return assembly
        if self._paroles:
            self._end_stuck_paroles(peer, reach)
        suspected = self._suspected & self._candidates & reach
        for piece_index in indices(suspected):
            if self._is_parole_for(piece_index, peer):
                return self._begin(piece_index, peer, parole=True)
        return None

    def _is_parole_for(self, piece_index: int, peer: Peer) -> bool:
        """Those who neither failed nor deserted it come first, when there are any."""
        return self.suspects.prefers(piece_index, peer) or not any(
            self.suspects.prefers(piece_index, other)
            and other.mask >> piece_index & 1
            and not _is_stuck(other, piece_index)
            for other in self._peers
        )

    def _end_stuck_paroles(self, peer: Peer, reach: int) -> None:
        """A piece on parole with a peer that does not serve begins again with another, whole."""
        for piece_index, assembly in list(self._paroles.items()):
            owner = assembly.owner
            if owner is None or owner is peer or not reach >> piece_index & 1:
                continue
            if _is_stuck(owner, piece_index) and not assembly.requesters:
                self.suspects.deserted(piece_index, owner)
                self._abandon(assembly)

    def _endgame(self, peer: Peer, count: int, reach: int) -> list[BlockRef]:
        """Blocks that others owe us, when every block is had or asked for."""
        if len(self._peers) < 2 or self.availability.held(self._candidates):
            return []
        for piece_index in indices(self._shared | self._owned):
            assembly = self.assemblies[piece_index]
            if assembly.unrequested and self.availability.held(1 << piece_index):
                return []
        blocks: list[BlockRef] = []
        for assembly in self.assemblies.values():
            if reach >> assembly.piece_index & 1 and not assembly.parole:
                blocks += assembly.take_doubles(count - len(blocks), peer)
                if len(blocks) == count:
                    break
        return blocks


def _is_stuck(peer: Peer, piece_index: int) -> bool:
    """It will not send this piece now."""
    connection = peer.connection
    declined = bool(peer.declined >> piece_index & 1) or not peer.mask >> piece_index & 1
    return declined or connection.peer_choking or connection.outstanding.snubbed
