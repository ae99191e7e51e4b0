"""One piece on its way: its buffer, who was asked for which block, who sent which (BEP 3).

Each block is in one of three states: unrequested, requested (of one peer, in the endgame of two),
or received. Blocks are named by `begin`.
"""

from collections.abc import Sequence

from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.swarm.peer import Peer

_NOBODY: tuple[Peer, ...] = ()


class Assembly:
    """A piece between its first request and its hash. `owner`: the only peer to be asked, as long
    as it serves; `parole`: the piece failed before, and must come whole from its owner (X1)."""

    __slots__ = (
        "blocks",
        "buffer",
        "doubles",
        "owner",
        "parole",
        "piece_index",
        "requesters",
        "senders",
        "unrequested",
        "view",
    )

    def __init__(
        self, blocks: list[BlockRef], buffer: bytearray, owner: Peer | None, parole: bool
    ) -> None:
        self.piece_index = blocks[0].piece_index
        self.blocks = blocks
        self.buffer = buffer
        self.view = memoryview(buffer)
        self.owner = owner
        self.parole = parole
        self.unrequested = blocks[::-1]  # the next one last
        self.requesters: dict[int, Peer] = {}
        self.doubles: dict[int, Peer] = {}  # second requesters
        self.senders: dict[int, Peer] = {}

    @property
    def is_full(self) -> bool:
        """Every block came."""
        return len(self.senders) == len(self.blocks)

    def take(self, count: int, peer: Peer) -> list[BlockRef]:
        """Up to `count` unrequested blocks, now requested of `peer`."""
        unrequested = self.unrequested
        blocks = unrequested[: -count - 1 : -1]
        del unrequested[-count:]
        requesters = self.requesters
        for block in blocks:
            requesters[block.begin] = peer
        return blocks

    def take_doubles(self, count: int, peer: Peer) -> list[BlockRef]:
        """Up to `count` blocks that another peer owes us, now requested of `peer` too."""
        blocks = []
        for block in self.blocks:
            begin = block.begin
            asked = self.requesters.get(begin)
            if asked is not None and asked is not peer and begin not in self.doubles:
                self.doubles[begin] = peer
                blocks.append(block)
                if len(blocks) == count:
                    break
        return blocks

    def receive(self, begin: int, data: memoryview, peer: Peer) -> Sequence[Peer] | None:
        """Copies the block in. Returns who else was asked for it; None: we had it already."""
        senders = self.senders
        if begin in senders:
            return None
        self.view[begin : begin + len(data)] = data
        senders[begin] = peer
        asked = self.requesters.pop(begin, None)
        if asked is peer and not self.doubles:
            return _NOBODY
        if asked is None:  # given up before; it came after all
            self.unrequested = [block for block in self.unrequested if block.begin != begin]
        double = self.doubles.pop(begin, None)
        return [other for other in (asked, double) if other is not None and other is not peer]

    def lose(self, block: BlockRef, peer: Peer) -> bool:
        """`peer` will not answer this request. True: the block is unrequested again."""
        begin = block.begin
        if self.doubles.get(begin) is peer:
            del self.doubles[begin]
            return False
        if self.requesters.get(begin) is not peer:
            return False
        double = self.doubles.pop(begin, None)
        if double is not None:
            self.requesters[begin] = double
            return False
        del self.requesters[begin]
        self.unrequested.append(block)
        return True

    def forget_sender(self, peer: Peer) -> int:
        """Blocks received of `peer` count as not received; returns their bytes."""
        size_bytes = 0
        for block in self.blocks:
            if self.senders.get(block.begin) is peer:
                del self.senders[block.begin]
                self.unrequested.append(block)
                size_bytes += block.length
        return size_bytes

    def requested_of(self, peer: Peer) -> list[BlockRef]:
        """The blocks that `peer` owes us."""
        return [
            block
            for block in self.blocks
            if self.requesters.get(block.begin) is peer or self.doubles.get(block.begin) is peer
        ]

    def received_bytes(self) -> int:
        """Bytes that came."""
        return sum(block.length for block in self.blocks if block.begin in self.senders)

    def contributors(self) -> list[Peer]:
        """Who sent blocks, each once."""
        return list(dict.fromkeys(self.senders.values()))
