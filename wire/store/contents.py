"""What lies at a path, to become a torrent: files in order, and the hashes of pieces (BEP 3).

Links are left out, whatever they lead to, and so is whatever is neither a file nor a folder. A file
that is not the same when it has been read as it was when it was found ends it all: the torrent
would be of data that nobody has.
"""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from torrentd.wire.formats.creation import Outline
from torrentd.wire.formats.geometry import FileLayout, FileSpan, Geometry
from torrentd.wire.store.api import StoreError, store_error

READ_BYTES = 1024 * 1024  # at once, for each thread
AHEAD_MAX = 4  # pieces waiting for each thread
DEPTH_MAX = 100  # of folders
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW

Stamp = tuple[int, int, int]  # inode, size, time of the last change


_Found = tuple[tuple[bytes, ...], os.stat_result]  # the path below the root


class Contents:
    """Blocking. `left_out` are links and the like, by path."""

    def __init__(self, path: Path) -> None:
        """Looks through it. Raises StoreError."""
        self.left_out: list[Path] = []
        try:
            self._root = path.resolve(strict=True)  # who names a link means what it leads to
            status = os.stat(self._root)
        except OSError as error:
            raise store_error(path, error) from error
        if stat.S_ISREG(status.st_mode):
            found: list[_Found] = [((), status)]
        elif stat.S_ISDIR(status.st_mode):
            found = sorted(self._walk(self._root, ()), key=_path_of)
        else:
            raise StoreError(path, "it is neither a file nor a folder")
        self._stamps: list[Stamp] = [_stamp(each) for _, each in found]
        self.outline = Outline(
            os.fsencode(path.name), tuple((parts, each.st_size) for parts, each in found)
        )

    def hash_pieces(
        self, piece_length: int, threads: int, progress: Callable[[int], None]
    ) -> bytes:
        """The SHA-1 of each piece, one after the other. `progress` is told how many bytes are done.
        Raises StoreError."""
        geometry = Geometry(piece_length, self.outline.total_bytes)
        layout = FileLayout(geometry, [length for _, length in self.outline.files])
        hashes: list[bytes] = []
        waiting: deque[Future[bytes]] = deque()
        done_bytes = 0
        pool = ThreadPoolExecutor(threads, "hash")
        try:
            for piece_index in range(geometry.piece_count + threads * AHEAD_MAX):
                if piece_index < geometry.piece_count:
                    waiting.append(pool.submit(self._hash, layout, piece_index))
                if waiting and piece_index >= threads * AHEAD_MAX:
                    hashes.append(waiting.popleft().result())
                    done_bytes += geometry.piece_size(len(hashes) - 1)
                    progress(done_bytes)
        finally:
            pool.shutdown(cancel_futures=True)
        return b"".join(hashes)

    def _walk(self, folder: Path, parts: tuple[bytes, ...]) -> Iterator[_Found]:
        if len(parts) > DEPTH_MAX:
            raise StoreError(folder, f"it is deeper than {DEPTH_MAX} folders")
        try:
            entries = list(os.scandir(folder))
            for entry in entries:
                below = (*parts, os.fsencode(entry.name))
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    yield from self._walk(Path(entry.path), below)
                elif stat.S_ISREG(status.st_mode):
                    yield below, status
                else:
                    self.left_out.append(Path(entry.path))
        except OSError as error:
            raise store_error(folder, error) from error

    def _hash(self, layout: FileLayout, piece_index: int) -> bytes:
        """In a thread; hashing and reading let the others run."""
        digest = hashlib.sha1(usedforsecurity=False)
        buffer = bytearray(READ_BYTES)
        size = layout.geometry.piece_size(piece_index)
        for span in layout.spans(piece_index, 0, size):
            self._feed(span, memoryview(buffer), digest.update)
        return digest.digest()

    def _feed(
        self, span: FileSpan, buffer: memoryview, update: Callable[[memoryview], None]
    ) -> None:
        path = self._path(span.file_index)
        try:
            descriptor = os.open(path, _READ)
            try:
                at, left = span.offset_bytes, span.length
                while left:
                    got = os.preadv(descriptor, [buffer[: min(left, len(buffer))]], at)
                    if not got:
                        raise StoreError(path, "it became shorter while it was read")
                    update(buffer[:got])
                    at, left = at + got, left - got
                if _stamp(os.fstat(descriptor)) != self._stamps[span.file_index]:
                    raise StoreError(path, "it changed while it was read")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise store_error(path, error) from error

    def _path(self, file_index: int) -> Path:
        return self._root.joinpath(*map(os.fsdecode, self.outline.files[file_index][0]))


def _path_of(found: _Found) -> tuple[bytes, ...]:
    return found[0]


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns
