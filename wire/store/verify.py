"""Which pieces are really there (BEP 3): hashes decide, file stamps save the work of hashing.

Differs from the BEP: nothing. SHA-1 is what version 1 has; version 2 would change this file and
`wire.formats.piece_hash` alone.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.files import FileStamp, FileStore

# One read, and one hash step: large enough that the GIL hardly matters, and that small pieces are
# read several at once; small enough to stay in the processor's cache.
CHUNK_BYTES = 1 << 20


def trusted_pieces(
    have: Bitfield,
    layout: FileLayout,
    saved: Sequence[FileStamp | None],
    found: Sequence[FileStamp | None],
) -> Bitfield:
    """Those of `have` whose files all look as they did when they were last synced. The rest need
    a check: somebody, perhaps we before a crash, has written since."""
    trusted = have.copy()
    piece_count = layout.geometry.piece_count
    if len(saved) != len(found) or have.size != piece_count:
        return Bitfield(piece_count)
    for file_index, (before, now) in enumerate(zip(saved, found, strict=True)):
        if before != now:
            for piece_index in layout.pieces_of_file(file_index):
                trusted.clear(piece_index)
    return trusted


def data_missing(saved: Sequence[FileStamp | None], found: Sequence[FileStamp | None]) -> bool:
    """Whether we had files and every one of them is gone: rather an unmounted disk than somebody
    who deleted them one by one, so that downloading all again would be wrong (F7)."""
    return any(saved) and not any(found)


class Check:
    """One check of a torrent's files against its hashes.

    `run` may be called from several threads at once, which share the work; `have` and
    `pieces_checked` may be read from any thread meanwhile. Files that are absent cost nothing, and
    holes cost one comparison, however large.
    """

    def __init__(self, store: FileStore, trusted: Bitfield | None = None) -> None:
        """Pieces in `trusted` count as had and are not read."""
        self._store = store
        self._info = store.info
        self.have = trusted.copy() if trusted is not None else Bitfield(self.piece_count)
        self.pieces_checked = 0
        self._lock = Lock()
        self._stopped = False
        self._planned = False
        self._next = 0
        self._todo = bytearray(b"\x01") * self.piece_count  # not had yet, and all bytes are there
        self._hollow = bytearray(b"\x01") * self.piece_count  # no byte is anything but a hole
        self._hashes_of_zeros: dict[int, bytes] = {}
        self._present: list[int] = []

    @property
    def piece_count(self) -> int:
        """Pieces of the torrent."""
        return self._info.geometry.piece_count

    def stop(self) -> None:
        """Every `run` returns soon; what was found until then stays."""
        self._stopped = True

    @property
    def finished(self) -> bool:
        """Whether every piece has been looked at."""
        return self._planned and self.pieces_checked == self.piece_count

    def run(self, on_piece: Callable[[int, bool], None] | None = None) -> None:
        """Work until nothing is left or `stop`. `on_piece(piece_index, good)` is called in this
        thread, once for each piece that was not obvious. Raises UnsafePath when something other
        than a regular file stands at a file's name."""
        with self._lock:
            if not self._planned:
                self._plan()
        buffer = memoryview(bytearray(CHUNK_BYTES))
        while not self._stopped:
            with self._lock:
                pieces = self._take()
            if not pieces:
                return
            for piece_index, good in self._look_at(pieces, buffer):
                with self._lock:
                    self.pieces_checked += 1
                    if good:
                        self.have.set(piece_index)
                if on_piece is not None:
                    on_piece(piece_index, good)

    def foreign_files(self) -> list[str]:
        """Names of files that hold data of which not one piece matches: somebody else's, it seems,
        and this torrent would overwrite them (F9). Ask when `finished`."""
        return [
            self._store.names[file_index]
            for file_index in self._present
            if not any(self.have[i] for i in self._store.layout.pieces_of_file(file_index))
        ]

    def _plan(self) -> None:
        for file_index, found in enumerate(self._store.stat_files()):
            self._plan_file(file_index, found.st_size if found else 0)
        for piece_index in self.have:
            self._todo[piece_index] = 0
        self.pieces_checked = self._todo.count(0)
        self._planned = True

    def _plan_file(self, file_index: int, size_bytes: int) -> None:
        layout = self._store.layout
        if not self._store.names[file_index]:
            return  # padding is zeros wherever it is
        absent = layout.pieces_of_range(file_index, size_bytes, layout.lengths[file_index])
        self._todo[absent.start : absent.stop] = bytes(len(absent))
        ranges = self._store.data_ranges(file_index) if size_bytes else []
        for start, end in ranges:
            filled = layout.pieces_of_range(file_index, start, end)
            self._hollow[filled.start : filled.stop] = bytes(len(filled))
        if ranges and layout.lengths[file_index]:
            self._present.append(file_index)

    def _take(self) -> range:
        """The pieces that a thread looks at next: as many as a chunk holds, or a larger one."""
        first = self._todo.find(1, self._next)
        if first < 0:
            return range(0)
        piece_length = self._info.geometry.piece_length
        end, size = first + 1, piece_length
        while end < self.piece_count and self._todo[end] and size + piece_length <= CHUNK_BYTES:
            end += 1
            size += piece_length
        self._next = end
        return range(first, end)

    def _look_at(self, pieces: range, buffer: memoryview) -> Iterator[tuple[int, bool]]:
        """Each of them, and whether it is good. Ends early when stopped."""
        chunk = self._read_at_once(pieces, buffer)
        at = 0
        for piece_index in pieces:
            good: bool | None
            if chunk is None:
                good = self._is_good(piece_index, buffer)
            else:
                data = chunk[at : at + self._info.geometry.piece_length]
                at += len(data)
                digest = hashlib.sha1(data, usedforsecurity=False).digest()
                good = digest == self._info.piece_hash(piece_index)
            if good is None or self._stopped:
                return
            yield piece_index, good

    def _read_at_once(self, pieces: range, buffer: memoryview) -> memoryview | None:
        """The bytes of all these pieces; None: each is to be read by itself."""
        if len(pieces) == 1 or any(self._hollow[pieces.start : pieces.stop]):
            return None
        chunk = buffer[: sum(map(self._info.geometry.piece_size, pieces))]
        try:
            self._store.read_into(pieces.start, 0, chunk)
        except StoreError:
            return None  # some of them may be there
        return chunk

    def _is_good(self, piece_index: int, buffer: memoryview) -> bool | None:
        # None: stopped in the middle
        size = self._info.geometry.piece_size(piece_index)
        if self._hollow[piece_index]:
            return self._hash_of_zeros(size) == self._info.piece_hash(piece_index)
        digest = hashlib.sha1(usedforsecurity=False)
        try:
            for begin in range(0, size, CHUNK_BYTES):
                part = buffer[: min(CHUNK_BYTES, size - begin)]
                self._store.read_into(piece_index, begin, part)
                digest.update(part)
                if self._stopped:
                    return None
        except StoreError:
            return False  # shrunk meanwhile, or unreadable: it is not there
        return digest.digest() == self._info.piece_hash(piece_index)

    def _hash_of_zeros(self, size: int) -> bytes:
        if size not in self._hashes_of_zeros:
            digest = hashlib.sha1(usedforsecurity=False)
            for begin in range(0, size, CHUNK_BYTES):
                digest.update(bytes(min(CHUNK_BYTES, size - begin)))
            self._hashes_of_zeros[size] = digest.digest()
        return self._hashes_of_zeros[size]
