"""One piece on its way: its buffer, who was asked for which block, who sent which (BEP 3).

Each block is in one of three states: unrequested, requested (of one peer, in the endgame of two),
or received. Blocks are named by `begin`. What has been received does not change any more.
"""

from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.piece_hash import PieceHash
from torrentd.wire.swarm.peer import Peer


class Assembly:
    """A piece between its first request and its hash. `owner`: the only peer to be asked, as long
    as it serves; `parole`: the piece failed before, and must come whole from its owner (X1)."""

    __slots__ = (
        "_hashed_count",
        "blocks",
        "buffer",
        "doubles",
        "hash",
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
        self.hash = PieceHash()
        self._hashed_count = 0  # blocks

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

    def placed(self, begins: list[int], peer: Peer) -> list[tuple[Peer, BlockRef]]:
        """`peer` was asked for these blocks, and they lie in the buffer. Returns who else was asked
        for which."""
        senders = self.senders
        count = len(senders) + len(begins)
        senders.update(dict.fromkeys(begins, peer))
        assert len(senders) == count, "a block that was there is overwritten"
        self._hash_on()
        requesters = self.requesters
        if not self.doubles:
            for begin in begins:
                del requesters[begin]
            return []
        asked = []
        for begin in begins:
            for other in (requesters.pop(begin, None), self.doubles.pop(begin, None)):
                if other is not None and other is not peer:
                    asked.append((other, self._block(begin)))
        return asked

    def receive(
        self, begin: int, data: memoryview, peer: Peer
    ) -> list[tuple[Peer, BlockRef]] | None:
        """Copies in a block that was given up. Returns who was asked for it since, perhaps `peer`
        itself: nobody may be asked for what is there. None: we had it already."""
        if begin in self.senders:
            return None
        self.view[begin : begin + len(data)] = data
        if begin not in self.requesters:
            self.unrequested = [block for block in self.unrequested if block.begin != begin]
        asked = (self.requesters.pop(begin, None), self.doubles.pop(begin, None))
        self.senders[begin] = peer
        return [(other, self._block(begin)) for other in asked if other is not None]

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
        if size_bytes:
            self.hash = PieceHash()
            self._hashed_count = 0
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

    def _hash_on(self) -> None:
        """Hashes what has come without a gap."""
        blocks, senders = self.blocks, self.senders
        count = self._hashed_count
        while count < len(blocks) and blocks[count].begin in senders:
            count += 1
        if count > self._hashed_count:
            self._hashed_count = count
            last = blocks[count - 1]
            self.hash.grow(self.view, last.begin + last.length)

    def _block(self, begin: int) -> BlockRef:
        return next(block for block in self.blocks if block.begin == begin)
