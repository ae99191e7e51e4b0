"""What we owe peers, read from the store and sent (BEP 3, 6).

Blocks are read only while the peer takes bytes and the rate limit allows it, so that what is
queued behind them never waits for it, and never more than the peer's send buffer may hold;
several of one piece go into one ReadBlocks. Between the question and the answer of the disk the
peer may have cancelled, or we have choked it: the connection knows what is still owed.
"""

from collections.abc import Iterable, Iterator

from torrentd.config.schema import Limits
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.swarm.actions import Action, ReadBlocks
from torrentd.wire.swarm.first_copies import FirstCopies, Stock
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.quota import UploadQuota
from torrentd.wire.swarm.throttle import UNLIMITED, Meter

REFUSALS_MAX = 50  # requests for pieces that we never had: not somebody we can talk to


class Uploads:
    """The uploads of one torrent."""

    __slots__ = (
        "_buffer_bytes_max",
        "_due_at",
        "_first_copies",
        "_geometry",
        "_lost",
        "_meter",
        "_waiting",
        "quota",
    )

    def __init__(
        self,
        limits: Limits,
        geometry: Geometry,
        meter: Meter,
        stock: Stock,
        quota: UploadQuota | None = None,
    ) -> None:
        """`quota`: what is remembered from before."""
        self._meter = meter
        self._waiting: dict[Peer, None] = {}  # for room in the meter, the longest first
        self._due_at = 0.0
        self._buffer_bytes_max = limits.send_buffer_bytes_max
        self._geometry = geometry
        self._first_copies = FirstCopies(stock)
        self._lost: dict[int, None] = {}  # pieces that we said we have, once
        self.quota = quota or UploadQuota(geometry.total_bytes, geometry.piece_length)

    def may_serve(self, peer: Peer, now: float) -> bool:
        """Not to somebody who had the torrent several times today, and gained nothing by it."""
        return not self.quota.is_spent(peer.host_key, now)

    def is_doubtful(self, peer: Peer, now: float) -> bool:
        """Its claims do not match what was sent to it: it is served last."""
        return self.quota.is_doubtful(peer.host_key, now)

    def gained(self, peer: Peer, piece_index: int) -> None:
        """The peer says that it has a piece more. To lose one and have it again is no gain."""
        if not peer.lost_mask >> piece_index & 1:
            self.quota.gained(peer.host_key, self._geometry.piece_size(piece_index))

    def peer_lost(self, peer: Peer, piece_index: int) -> None:
        """The peer says that it has this piece no more."""
        self._first_copies.lost(peer, piece_index)

    def lost(self, piece_index: int) -> None:
        """We have this piece no more: who asks for it may not know."""
        self._lost[piece_index] = None

    def ends(self, peer: Peer) -> None:
        """The peer is gone, or choked."""
        self._first_copies.ends(peer)

    def serve(
        self, peer: Peer, have: Bitfield, now: float, *, in_turn: bool = False
    ) -> list[Action]:
        """What to read for the peer now; nothing while half of what it may have is on its way, or
        others wait for the rate limit and it is not this one's turn."""
        owed = peer.connection.owed
        if not owed or peer.paused or peer.reading_bytes * 2 > self._buffer_bytes_max:
            return []
        if not self.may_serve(peer, now):
            for block in list(owed):
                peer.connection.send_reject(block)
            return []
        room = UNLIMITED
        if self._meter.is_limited and not (peer.is_local and self._meter.spares_local):
            room = 0 if self._waiting and not in_turn else self._meter.room(now)
        reading_bytes = peer.reading_bytes
        reads = self._read(peer, have, room)
        if room is not UNLIMITED:
            self._meter.take(peer.reading_bytes - reading_bytes)
            if peer.reading_bytes - reading_bytes >= room:
                self._wait(peer, now)
        return reads

    def _wait(self, peer: Peer, now: float) -> None:
        if not self._waiting:
            self._due_at = self._meter.next_at(now)
        self._waiting[peer] = None

    def next_deadline(self) -> float | None:
        """When those who wait for the rate limit may be served."""
        return self._due_at if self._waiting else None

    def due(self, now: float) -> Iterator[Peer]:
        """Whose turn it is, one after the other as long as there is room; `serve` each of them."""
        while self._waiting and now >= self._due_at:
            if self._meter.room(now) > 0:
                peer = next(iter(self._waiting))
                del self._waiting[peer]
                yield peer
            else:
                self._due_at = self._meter.next_at(now)

    def _read(self, peer: Peer, have: Bitfield, room: int) -> list[Action]:
        reads: list[Action] = []
        run: list[tuple[int, int]] = []
        run_piece = -1
        refused: list[BlockRef] = []
        elsewhere = -1
        revealed = -1 if peer.revealed is None else peer.revealed
        told_elsewhere: list[BlockRef] = []
        reading = peer.reading
        reading_bytes, reading_bytes_max = peer.reading_bytes, self._buffer_bytes_max
        for block in peer.connection.owed:
            piece_index, begin, length = block
            if room <= 0 or reading_bytes + length > reading_bytes_max:
                break
            if (piece_index, begin) in reading:
                continue
            if piece_index != run_piece:
                if not have[piece_index] or not (revealed >> piece_index & 1):
                    refused.append(block)
                    continue
                if piece_index == elsewhere or not self._first_copies.may_go(piece_index, peer):
                    elsewhere = piece_index
                    told_elsewhere.append(block)
                    continue
                run_piece, run = piece_index, []
                reads.append(ReadBlocks(peer.connection, piece_index, run))
            run.append((begin, length))
            reading[piece_index, begin] = length
            reading_bytes += length
            room -= length
        peer.reading_bytes = reading_bytes
        for block in refused:
            if block.piece_index in self._lost:
                peer.outdated += 1
            else:
                peer.refusals += 1
            peer.connection.send_reject(block)
        for block in told_elsewhere:
            peer.connection.send_reject(block)
        return reads

    def blocks_read(
        self, peer: Peer, piece_index: int, blocks: list[tuple[int, bytes | memoryview]], now: float
    ) -> int:
        """Queues what is still owed; returns its bytes."""
        self._read_no_more(peer, piece_index, blocks)
        sent_bytes = peer.connection.send_blocks(piece_index, blocks, now)
        if sent_bytes:
            self.quota.sent(peer.host_key, sent_bytes, now)
        return sent_bytes

    def read_failed(self, peer: Peer, piece_index: int, blocks: list[tuple[int, int]]) -> None:
        """The disk failed: the peer is told no, so that it asks somebody else."""
        self._read_no_more(peer, piece_index, blocks)
        for begin, length in blocks:
            block = BlockRef(piece_index, begin, length)
            if block in peer.connection.owed:
                peer.connection.send_reject(block)

    def _read_no_more(
        self, peer: Peer, piece_index: int, blocks: Iterable[tuple[int, object]]
    ) -> None:
        reading = peer.reading
        read_bytes = 0
        for begin, _ in blocks:
            read_bytes += reading.pop((piece_index, begin), 0)
        peer.reading_bytes -= read_bytes
