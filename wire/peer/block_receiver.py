"""The blocks that a peer sends: the byte path in (BEP 3, 6).

A run of blocks that we had asked for is taken by one tight loop, each block copied once, from where
it was received to its place in its piece. Whatever is outstanding is a block that the torrent has,
of a length that fits, and that nobody has sent yet; so no other check is needed there.

Differs from the BEP: BEP 6 asks to part with a peer that sends a block never asked for. That
happens to honest peers around a cancel or a time-out, so a little of it is suffered (W6).
"""

from collections.abc import Mapping
from math import inf
from struct import Struct

from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef, Geometry
from torrentd.wire.formats.messages import LENGTH_BYTES, PIECE, PIECE_HEADER_BYTES
from torrentd.wire.peer import events
from torrentd.wire.peer.rates import Rate
from torrentd.wire.peer.sender import Sender, Terms

UNREQUESTED_BYTES_MAX = 1024 * 1024  # W6
UNREQUESTED_SHARE = 20  # 1 in 20 is the 5 % of W6 …
UNREQUESTED_BYTES_FREE = 8 * BLOCK_BYTES  # … but not of the first few blocks
LONG_AGO = -inf  # when a block was asked for that was given up since
_PIECE_HEAD = Struct(">IBII")


class BlockReceiver(Sender):
    """What has come, and where it goes."""

    def __init__(self, terms: Terms, now: float) -> None:
        super().__init__(terms, now)
        self.geometry: Geometry | None = None
        # Where blocks go: the pieces that are arriving, from whomever. The swarm's; it is read here
        # only, and a piece leaves it before its bytes are looked at.
        self.piece_buffers: Mapping[int, memoryview] = {}
        self.download_rate = Rate(now)
        self.downloaded_bytes = 0
        self.wasted_bytes = 0
        self.last_block_at: float | None = None
        self._events: list[events.Event] = []  # of the call that is running

    @property
    def snubbed(self) -> bool:
        """It owes us blocks and has not sent one for as long as they should have taken."""
        return self.outstanding.snubbed

    def _read_blocks(self, data: memoryview, at: int) -> int:
        """Takes the run of blocks at `at` that we had asked for; returns where it ends."""
        take = self.outstanding.requests.pop
        unpack = _PIECE_HEAD.unpack_from
        last = len(data) - PIECE_HEADER_BYTES
        first = at
        block_count = 0
        asked_at = self._now
        run_piece_index = -1
        buffer: memoryview | None = None
        begins: list[int] = []
        while at <= last:
            length, message_id, piece_index, begin = unpack(data, at)
            stop = at + LENGTH_BYTES + length
            if message_id != PIECE or stop > len(data):
                break
            found = take((piece_index, begin, length - 9), None)
            if found is None:
                break
            asked_at = found
            if piece_index != run_piece_index:
                run_piece_index = piece_index
                buffer, begins = self._begin_run(piece_index)
            block = data[at + PIECE_HEADER_BYTES : stop]
            if buffer is None:
                self._events.append(events.BlockReceived(piece_index, begin, block))
            else:
                buffer[begin : begin + length - 9] = block
                begins.append(begin)
            block_count += 1
            at = stop
        if block_count:
            size_bytes = at - first - PIECE_HEADER_BYTES * block_count
            self._count_blocks(block_count, size_bytes, asked_at)
        return at

    def _begin_run(self, piece_index: int) -> tuple[memoryview | None, list[int]]:
        buffer = self.piece_buffers.get(piece_index)
        begins: list[int] = []
        if buffer is not None:
            self._events.append(events.BlocksReceived(piece_index, buffer, begins))
        return buffer, begins

    def _receive_odd_block(self, piece_index: int, begin: int, data: memoryview) -> None:
        """A block that is not outstanding: late, or never asked for (W6)."""
        block = BlockRef(piece_index, begin, len(data))
        if self.outstanding.take_late(block):
            self._count_blocks(1, len(data), LONG_AGO)
            self._events.append(events.BlockReceived(piece_index, begin, data))
            return
        if self.geometry is not None:
            self.geometry.check_block(piece_index, begin, len(data))
        self.wasted_bytes += len(data)
        self._events.append(events.UnrequestedBlock(len(data)))
        wasted, free = self.wasted_bytes, UNREQUESTED_BYTES_FREE
        share_max = free + self.downloaded_bytes // UNREQUESTED_SHARE
        if wasted > min(share_max, UNREQUESTED_BYTES_MAX):
            raise MessageError("too many blocks that nobody asked for")

    def _count_blocks(self, block_count: int, size_bytes: int, asked_at: float) -> None:
        now = self._now
        self.downloaded_bytes += size_bytes
        self.download_rate.add(size_bytes, now)
        self.last_block_at = now
        self.outstanding.progressed(block_count, size_bytes, asked_at, now)
