"""One torrent's pieces on their way to the disk and back.

Every piece is judged, then written, in one job of a thread; what comes in faster than that is
gathered, so that small pieces share a job. When the disk fails, pieces wait in memory, which in the
end holds up the peers; a retry comes after 30 s to 5 min, and all goes on by itself (F3, F6).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from torrentd.daemon.read_cache import Blocks, Data, ReadCache, Segment
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.formats.piece_hash import PieceHash
from torrentd.wire.store.api import PieceStore, StoreError

# Two would spin for the file's lock in the kernel and wait for each other's GIL: measured slower.
JOBS_MAX = 1
JOB_BYTES = 4 * 1024 * 1024  # a job takes what waits, up to this much
# More than this must not wait: bytes that have left the processor's cache before they are hashed
# and written cost twice the time, so that who is once behind would stay behind.
CONGESTED_BYTES = 8 * 1024 * 1024
RELIEVED_BYTES = 4 * 1024 * 1024
RETRY_FIRST_S = 30.0
RETRY_MAX_S = 300.0


@dataclass(slots=True)
class Piece:
    """One that came whole."""

    piece_index: int
    buffer: memoryview
    hash: PieceHash


Outcome = Literal["stored", "refused"] | StoreError


class StorageOwner(Protocol):
    """The torrent, which hears what became of its pieces."""

    def piece_stored(self, piece_index: int, buffer: memoryview) -> None: ...
    def piece_refused(self, piece_index: int, buffer: memoryview) -> None: ...
    def store_failed(self, piece_index: int, buffer: memoryview) -> None:
        """It was not and will not be written: its blocks must come again."""

    def storage_changed(self) -> None:
        """`error` is new, or gone."""

    def storage_relieved(self) -> None:
        """`congested` is False again."""


class Storage:
    """`error` is None, or what is wrong with the disk at the moment. `congested`: peers had better
    wait; not while the disk fails, since then they would wait too long."""

    def __init__(
        self,
        infohash: InfoHash,
        info: Info,
        store: PieceStore,
        workers: Workers,
        cache: ReadCache,
        owner: StorageOwner,
    ) -> None:
        self.store = store
        self.error: StoreError | None = None
        self.congested = False
        self._infohash = infohash
        self._info = info
        self._workers = workers
        self._cache = cache
        self._owner = owner
        self._waiting: deque[Piece] = deque()
        self._jobs = 0
        self._unwritten_bytes = 0  # waiting, or in a job
        self._held = False
        self._closed = False
        self._retry_s = RETRY_FIRST_S
        self._timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Nothing is on its way to the disk, and the disk is well."""
        return not self._waiting and not self._jobs and self.error is None

    def store_piece(self, piece_index: int, buffer: memoryview, piece_hash: PieceHash) -> None:
        """The owner hears `piece_stored`, `piece_refused` or, after `give_up`, `store_failed`."""
        self._waiting.append(Piece(piece_index, buffer, piece_hash))
        self._unwritten_bytes += len(buffer)
        if self._unwritten_bytes > CONGESTED_BYTES and self.error is None:
            self.congested = True
        if self.error is not None:
            self._let_go()
        self._pump()

    def hold(self, held: bool) -> None:
        """While held nothing is written: too much waits to be synced already."""
        self._held = held
        self._pump()

    def read_blocks(
        self,
        piece_index: int,
        blocks: list[tuple[int, int]],
        done: Callable[[Blocks | StoreError], None],
    ) -> Blocks | None:
        """The blocks when they are cached, else None and `done` is called later."""
        piece_bytes = self._info.geometry.piece_size(piece_index)
        return self._cache.read(self._infohash, piece_index, piece_bytes, blocks, self._load, done)

    def forget(self, piece_index: int) -> None:
        """What the cache has of a piece is no longer true."""
        self._cache.forget(self._infohash, piece_index)

    def fail(self, error: StoreError) -> None:
        """The disk failed, here or at a sync: write nothing for a while, then try again."""
        self.error = error
        self._relieve()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._retry_s, self._retry)
            self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)
        self._owner.storage_changed()
        self._let_go()

    def give_up(self) -> None:
        """Let go of the pieces that wait: the torrent pauses or ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.error = None
        waiting, self._waiting = self._waiting, deque()
        for piece in waiting:
            self._unwritten_bytes -= len(piece.buffer)
            self._owner.store_failed(piece.piece_index, piece.buffer)
        self._relieve()

    def close(self) -> None:
        """After this nothing of the torrent is read or written any more."""
        self._closed = True
        self.give_up()
        self._cache.forget(self._infohash)
        self._workers.submit(self.store.close, lambda _: None)

    def _retry(self) -> None:
        self._timer = None
        if not self._waiting:  # nothing to try with: believe in it until it fails again
            self._heal()
        self._pump()

    def _heal(self) -> None:
        if self.error is not None:
            self.error = None
            self._owner.storage_changed()

    def _let_go(self) -> None:
        """While the disk fails, a little may wait for it: the memory is other torrents' too."""
        while self._unwritten_bytes > CONGESTED_BYTES and len(self._waiting) > 1:
            piece = self._waiting.pop()
            self._unwritten_bytes -= len(piece.buffer)
            self._owner.store_failed(piece.piece_index, piece.buffer)

    def _relieve(self) -> None:
        if self.congested:
            self.congested = False
            self._owner.storage_relieved()

    def _pump(self) -> None:
        while self._waiting and self._jobs < JOBS_MAX and self._timer is None and not self._held:
            batch: list[Piece] = []
            size_bytes = 0
            while self._waiting and size_bytes < JOB_BYTES:
                batch.append(self._waiting.popleft())
                size_bytes += len(batch[-1].buffer)
            self._jobs += 1
            self._workers.submit(partial(self._hash_and_write, batch), self._written)

    def _hash_and_write(self, batch: list[Piece]) -> list[tuple[Piece, Outcome]]:
        """In a thread. The hash comes first: no unverified byte reaches a file."""
        return [(piece, self._verify_and_write(piece)) for piece in batch]

    def _verify_and_write(self, piece: Piece) -> Outcome:
        if piece.hash.finish(piece.buffer) != self._info.piece_hash(piece.piece_index):
            return "refused"
        try:
            self.store.write(piece.piece_index, piece.buffer)
        except StoreError as error:
            return error
        return "stored"

    def _written(self, results: list[tuple[Piece, Outcome]]) -> None:
        self._jobs -= 1
        for piece, outcome in results:
            self._unwritten_bytes -= len(piece.buffer)
            if outcome == "stored":
                self._retry_s = RETRY_FIRST_S
                self._heal()
                self._owner.piece_stored(piece.piece_index, piece.buffer)
            elif outcome == "refused":
                self._owner.piece_refused(piece.piece_index, piece.buffer)
            elif self._closed:
                self._owner.store_failed(piece.piece_index, piece.buffer)
            else:
                self._waiting.appendleft(piece)
                self._unwritten_bytes += len(piece.buffer)
                self.fail(outcome)
        self._pump()
        if self._unwritten_bytes <= RELIEVED_BYTES:
            self._relieve()

    def _load(self, segment: Segment) -> Data | None:
        data = self.store.read_resident(segment.piece_index, segment.begin, segment.length)
        if data is None:
            self._workers.submit(partial(self._read, segment), partial(self._cache.loaded, segment))
        return data

    def _read(self, segment: Segment) -> bytes | StoreError:
        try:
            return self.store.read(segment.piece_index, segment.begin, segment.length)
        except StoreError as error:
            return error
