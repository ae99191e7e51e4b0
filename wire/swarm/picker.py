"""Which blocks to ask a peer for (BEP 3, Peer Protocol; BEP 6).

The first pieces are random, so that a newcomer soon has something to trade; then rarest first.
Pieces begun are finished first. A peer that has not yet proven itself gets pieces of its own, so
that a bad one names its sender (X4). When nothing is left to ask, blocks owed by one peer are
asked of a second one too: the endgame, bounded to two requesters a block.

Invariant: every piece is in exactly one of missing, requested (`assemblies`), `storing`, had.
Work is done a piece, never a block: blocks are handed out in runs.
"""

from random import Random

from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.availability import Availability
from torrentd.wire.swarm.buffer_pool import BufferPool
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import indices, random_piece
from torrentd.wire.swarm.suspects import Suspects

RANDOM_PIECES = 4  # before rarest first; what libtorrent found right

Cancels = list[tuple[Peer, BlockRef]]


class Picker:
    """The pieces of one torrent. `freed` tells that blocks became available to those who starve."""

    def __init__(
        self, geometry: Geometry, had: int, wanted: int, pool: BufferPool, rng: Random
    ) -> None:
        self.assemblies: dict[int, Assembly] = {}
        self.storing: dict[int, Assembly] = {}
        self.availability = Availability(geometry.piece_count)
        self.suspects = Suspects()
        self.freed = False
        self.had = had
        self.wanted = wanted
        self._geometry = geometry
        self._pool = pool
        self._rng = rng
        self._peers: dict[Peer, None] = {}
        self._candidates = wanted & ~had
        self._suspected = 0  # missing pieces that failed before: only on parole
        self._shared = 0  # assemblies open to all; those without unrequested blocks leave late
        self._owned = 0  # assemblies of peers that prove themselves
        self._paroles: dict[int, Assembly] = {}
        self._version = 0

    @property
    def lacking(self) -> int:
        """Wanted pieces that are not had."""
        return self.wanted & ~self.had

    # ---- peers

    def join(self, peer: Peer) -> None:
        """The peer may be asked from now on."""
        self._peers[peer] = None
        self.pieces_changed(peer)

    def pieces_changed(self, peer: Peer) -> None:
        """`peer.mask` is another one than it was."""
        self.availability.count_peer(peer)
        peer.starved_at = -1

    def has_piece(self, peer: Peer, piece_index: int) -> None:
        """`peer` gained one piece, which is in its mask already."""
        self.availability.count_piece(peer, piece_index)
        peer.starved_at = -1

    def leave(self, peer: Peer) -> None:
        """The peer is gone; what it owed is unrequested, what it sent stays."""
        if peer not in self._peers:
            return
        del self._peers[peer]
        self.availability.leave(peer)
        for assembly in list(self.assemblies.values()):
            for block in assembly.requested_of(peer):
                self._lose(assembly, block, peer)
            if assembly.owner is peer:
                self._disown(assembly)

    def forget_sender(self, peer: Peer) -> int:
        """A liar's blocks count as not received; returns their bytes. Its pieces that are being
        hashed get their verdict there."""
        size_bytes = 0
        for assembly in self.assemblies.values():
            dropped_bytes = assembly.forget_sender(peer)
            if dropped_bytes:
                size_bytes += dropped_bytes
                self._open(assembly)
        return size_bytes

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

    # ---- pieces

    def filled(self, assembly: Assembly) -> None:
        """Every block came: the piece goes to its hash."""
        piece_index = assembly.piece_index
        assert self.assemblies.pop(piece_index) is assembly and piece_index not in self.storing
        self._close(assembly)
        self.storing[piece_index] = assembly

    def stored(self, piece_index: int) -> Assembly:
        """The piece is had. Its senders have proven themselves."""
        assembly = self._answered(piece_index)
        assert not self.had >> piece_index & 1, "a piece stored twice"
        self.had |= 1 << piece_index
        for peer in assembly.contributors():
            peer.verified += 1
        return assembly

    def store_failed(self, piece_index: int) -> None:
        """The disk failed: the piece is missing again, and nobody is blamed."""
        self._answered(piece_index)
        self._miss(piece_index)

    def refused(self, piece_index: int, now: float) -> list[Peer]:
        """The piece failed its hash: it is missing again. Returns who is convicted by that."""
        assembly = self.storing[piece_index]
        convicted = self.suspects.refused(assembly, now)
        self._answered(piece_index)
        if not self.suspects.resting(piece_index, now):
            self._miss(piece_index)
        return convicted

    def piece_lost(self, piece_index: int) -> None:
        """A piece that was had is missing: its file is gone (F8)."""
        if self.had >> piece_index & 1:
            self.had &= ~(1 << piece_index)
            self._miss(piece_index)

    def wake(self, now: float) -> None:
        """Pieces that failed too often are tried again after their rest."""
        for piece_index in self.suspects.awake(now):
            if not self._is_busy(piece_index):
                self._miss(piece_index)

    def select(self, wanted: int) -> Cancels:
        """Other pieces are wanted. Returns the requests that are no longer."""
        self.wanted = wanted
        cancels: Cancels = []
        for assembly in list(self.assemblies.values()):
            if not wanted >> assembly.piece_index & 1:
                cancels += self._abandon(assembly)
        self._candidates = 0
        for piece_index in indices(self.lacking):
            if not self._is_busy(piece_index):
                self._miss(piece_index)
        self._work_freed()
        return cancels

    def drop_partial(self) -> None:
        """The torrent rests: what has not come whole is given up. Nobody owes us anything now."""
        for assembly in list(self.assemblies.values()):
            self._abandon(assembly)

    def partial_bytes(self) -> int:
        """Bytes received of pieces that are not had yet."""
        partial = sum(assembly.received_bytes() for assembly in self.assemblies.values())
        return partial + sum(len(assembly.buffer) for assembly in self.storing.values())

    def check(self) -> None:
        """The invariant, whole: for tests."""
        for piece_index in range(self._geometry.piece_count):
            bit = 1 << piece_index
            places = (
                bool(self._candidates & bit),
                piece_index in self.assemblies,
                piece_index in self.storing,
                bool(self.had & bit),
            )
            assert sum(places) <= 1, f"piece {piece_index} is in several states"
            idle = piece_index in self.suspects or not self.wanted & bit
            assert sum(places) == 1 or idle, f"piece {piece_index} is in no state"

    # ---- where the next piece comes from

    def _may_go_on(self, assembly: Assembly, peer: Peer, reach: int) -> bool:
        if not reach >> assembly.piece_index & 1:
            return False
        return assembly.owner is peer or (not assembly.parole and peer.verified > 0)

    def _find(self, peer: Peer, reach: int) -> Assembly | None:
        found = self._find_parole(peer, reach)
        if found is None and peer.verified:
            found = self._find_open(self._shared & reach)
        return (
            found
            or self._begin_rarest(peer, reach)
            or self._find_open(self._shared & reach)
            or self._find_open(self._owned & reach)
        )

    def _find_open(self, mask: int) -> Assembly | None:
        """The rarest of these assemblies that still has unrequested blocks."""
        while mask:
            piece_index = self.availability.rarest(mask).bit_length() - 1
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
        if self.had.bit_count() >= RANDOM_PIECES:
            mask = self.availability.rarest(mask)
        owner = None if peer.verified else peer
        return self._begin(random_piece(mask, self._rng), owner, parole=False)

    def _begin(self, piece_index: int, owner: Peer | None, *, parole: bool) -> Assembly | None:
        size_bytes = self._geometry.piece_size(piece_index)
        buffer = self._pool.take(size_bytes)
        if buffer is None and self._evict():
            buffer = self._pool.take(size_bytes)
        if buffer is None:
            return None
        bit = 1 << piece_index
        assert self._candidates & bit and not self._is_busy(piece_index)
        self._candidates &= ~bit
        self._suspected &= ~bit
        assembly = Assembly(self._geometry.blocks(piece_index), buffer, owner, parole)
        self.assemblies[piece_index] = assembly
        if parole:
            self._paroles[piece_index] = assembly
        self._open(assembly)
        return assembly

    def _find_parole(self, peer: Peer, reach: int) -> Assembly | None:
        """A piece that failed before, for `peer` alone (X1)."""
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
            and not _is_stuck(other)
            for other in self._peers
        )

    def _end_stuck_paroles(self, peer: Peer, reach: int) -> None:
        """A piece on parole with a peer that does not serve begins again with another, whole."""
        for piece_index, assembly in list(self._paroles.items()):
            owner = assembly.owner
            if owner is None or owner is peer or not reach >> piece_index & 1:
                continue
            if _is_stuck(owner) and not assembly.requesters:
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

    # ---- the states of pieces

    def _is_busy(self, piece_index: int) -> bool:
        return piece_index in self.assemblies or piece_index in self.storing

    def _answered(self, piece_index: int) -> Assembly:
        assembly = self.storing.pop(piece_index)
        self._pool.give(assembly.buffer)
        self._work_freed()
        return assembly

    def _miss(self, piece_index: int) -> None:
        bit = 1 << piece_index
        assert not self._is_busy(piece_index) and not self.had & bit
        if self.wanted & bit:
            self._candidates |= bit
        if piece_index in self.suspects:
            self._suspected |= bit
        self._work_freed()

    def _abandon(self, assembly: Assembly) -> Cancels:
        cancels = [
            (peer, block)
            for block in assembly.blocks
            for peer in (assembly.requesters.get(block.begin), assembly.doubles.get(block.begin))
            if peer is not None
        ]
        del self.assemblies[assembly.piece_index]
        self._close(assembly)
        self._pool.give(assembly.buffer)
        self._miss(assembly.piece_index)
        return cancels

    def _evict(self) -> bool:
        """No buffer is left: give up the piece with the least received that nobody is asked for,
        lest pieces of peers long gone hold all the memory."""
        idle = [assembly for assembly in self.assemblies.values() if not assembly.requesters]
        if not idle:
            return False
        self._abandon(min(idle, key=lambda assembly: len(assembly.senders)))
        return True

    def _lose(self, assembly: Assembly, block: BlockRef, peer: Peer) -> None:
        if assembly.lose(block, peer):
            self._open(assembly)

    def _open(self, assembly: Assembly) -> None:
        bit = 1 << assembly.piece_index
        if not assembly.parole:
            if assembly.owner is None:
                self._shared |= bit
            else:
                self._owned |= bit
        self._work_freed()

    def _close(self, assembly: Assembly) -> None:
        mask = ~(1 << assembly.piece_index)
        self._shared &= mask
        self._owned &= mask
        if assembly.is_full or assembly.piece_index not in self.assemblies:
            self._paroles.pop(assembly.piece_index, None)

    def _disown(self, assembly: Assembly) -> None:
        """Its owner is gone or does not serve: others finish the piece, or begin it again."""
        owner = assembly.owner
        if assembly.parole and owner is not None:
            self.suspects.deserted(assembly.piece_index, owner)
            self._abandon(assembly)
            return
        assembly.owner = None
        self._close(assembly)
        self._open(assembly)

    def _work_freed(self) -> None:
        self.freed = True
        self._version += 1


def _is_stuck(peer: Peer) -> bool:
    connection = peer.connection
    return connection.peer_choking or connection.outstanding.snubbed
