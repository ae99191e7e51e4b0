"""Where each piece of a torrent stands (BEP 3).

Invariant: every piece is in exactly one of missing, requested (`assemblies`), `storing`, had. The
candidates are those of the missing ones that are wanted and need not rest.
"""

from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.buffer_pool import Share
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import indices
from torrentd.wire.swarm.suspects import Suspects

Cancels = list[tuple[Peer, BlockRef]]


class Pieces:
    """The states, and the ways from one to another. `freed` tells that blocks became available to
    those who had too little to do."""

    def __init__(self, geometry: Geometry, had: int, wanted: int, pool: Share) -> None:
        self.assemblies: dict[int, Assembly] = {}
        self.buffers: dict[int, memoryview] = {}  # of the assemblies: where their blocks go
        self.storing: dict[int, Assembly] = {}
        self.suspects = Suspects()
        self.freed = False
        self.had = had
        self.wanted = wanted
        self._geometry = geometry
        self._pool = pool
        pool.holder = self
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

    # ---- what becomes of a piece

    def filled(self, assembly: Assembly) -> None:
        """Every block came: the piece goes to its hash."""
        piece_index = assembly.piece_index
        assert self.assemblies[piece_index] is assembly and piece_index not in self.storing
        del self.assemblies[piece_index], self.buffers[piece_index]
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

    def look_again(self) -> None:
        """Pieces that could not be begun may be begun now."""
        self._work_freed()

    # ---- for the picker

    def _begin(self, piece_index: int, owner: Peer | None, *, parole: bool) -> Assembly | None:
        size_bytes = self._geometry.piece_size(piece_index)
        buffer = self._pool.take(size_bytes)
        if buffer is None:
            return None
        bit = 1 << piece_index
        assert self._candidates & bit and not self._is_busy(piece_index)
        self._candidates &= ~bit
        self._suspected &= ~bit
        assembly = Assembly(self._geometry.blocks(piece_index), buffer, owner, parole)
        self.assemblies[piece_index] = assembly
        self.buffers[piece_index] = assembly.view
        if parole:
            self._paroles[piece_index] = assembly
        self._open(assembly)
        return assembly

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
        del self.assemblies[assembly.piece_index], self.buffers[assembly.piece_index]
        self._close(assembly)
        self._pool.give(assembly.buffer)
        self._miss(assembly.piece_index)
        return cancels

    def give_up_idle(self) -> bool:
        """No buffer is left, here or elsewhere: give up the piece with the least received that
        nobody is asked for, lest pieces of peers long gone hold all the memory."""
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
