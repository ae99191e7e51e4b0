"""The piece store on a file system (BEP 3, 47).

Invariants: nothing outside the download folder is touched; a byte behind a file's end that was
there before us stays; files are sparse and come into being with their first byte. `pread` and
`pwrite` only: a file that shrinks under a memory map would kill the process (F8).
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from torrentd.wire.formats.geometry import FileLayout, FileSpan
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store.api import StoreError, UnsafePath, store_error
from torrentd.wire.store.folders import Absent, Folders, folders_of
from torrentd.wire.store.open_files import OpenFiles, Unsynced, start_writeback
from torrentd.wire.store.paths import check_names
from torrentd.wire.store.trash import Trash

# What a disk reads at once where a peer asks for a part of it: the rest will be asked for too.
READ_AHEAD_BYTES = 1024 * 1024
SHORT = "the file is shorter than the torrent says"


class FileStamp(NamedTuple):
    """How a file looked when its data was last known to be on stable storage."""

    size_bytes: int
    mtime_ns: int


class FileStore:
    """One torrent's files below `root`, called `names` (`paths.safe_names`, then the state file).

    Threads may read, write and sync at once. `open_files` is shared among torrents.
    """

    def __init__(
        self, info: Info, root: Path, names: Sequence[str], open_files: OpenFiles | None = None
    ) -> None:
        """StoreError for names that came from a state file and cannot be those of this torrent."""
        check_names(names)
        if len(names) != len(info.files):
            raise StoreError(root, "the names on record are not those of this torrent's files")
        self.info = info
        self.names = tuple(names)
        self.layout = FileLayout(info.geometry, [file.length for file in info.files])
        self._folders = Folders(root)
        self._open_files = OpenFiles() if open_files is None else open_files
        self._unsynced = Unsynced()
        self._sync_lock = Lock()
        self._closed = False
        self._stamps: dict[str, FileStamp | None] | None = None

    @property
    def root(self) -> Path:
        """The download folder."""
        return self._folders.root

    def prepare(self) -> None:
        """Create the download folder and the empty files."""
        self._folders.make_root()
        for name, file in zip(self.names, self.info.files, strict=True):
            if name and file.length == 0:
                with self._opened(name, writable=True, create=True):
                    pass

    def read(self, piece_index: int, begin: int, length: int) -> bytes:
        """`length` bytes at `begin` of a piece."""
        self._check_open()
        spans = self.layout.spans(piece_index, begin, length)
        if len(spans) == 1 and self.names[spans[0].file_index]:
            return self._read_whole(spans[0])
        data = bytearray(length)
        self._read_spans(spans, memoryview(data))
        return bytes(data)

    def read_resident(self, piece_index: int, begin: int, length: int) -> bytes | bytearray | None:
        """The same when the file is open and the kernel has the bytes in memory; else None, also
        for what is amiss: `read` tells. Never waits for a disk."""
        spans = self.layout.spans(piece_index, begin, length)
        name = self.names[spans[0].file_index]
        if len(spans) > 1 or not name:
            return None
        with self._open_files.use_open(self._unsynced, name) as file:
            return None if file is None else file.read_resident(length, spans[0].offset_bytes)

    def read_into(self, piece_index: int, begin: int, buffer: memoryview) -> None:
        """The same into `buffer`."""
        self._check_open()
        self._read_spans(self.layout.spans(piece_index, begin, len(buffer)), buffer)

    def write(self, piece_index: int, buffer: memoryview) -> None:
        """Write a whole, verified piece."""
        self._check_open()
        at = 0
        for span in self.layout.spans(piece_index, 0, len(buffer)):
            name = self.names[span.file_index]
            if name:
                self._write_span(name, span.offset_bytes, buffer[at : at + span.length])
            at += span.length

    def sync(self) -> None:
        """Put on stable storage what was written; see PieceStore.sync about failure."""
        with self._sync_lock:
            files, folders = self._unsynced.take()
            failures: list[StoreError] = []
            steps = [(self._start_sync, name) for name in files] if len(files) > 1 else []
            steps += [(self._sync_file, name) for name in files]
            for step, path in steps + [(self._sync_folder, path) for path in folders]:
                try:
                    step(path)
                except StoreError as error:  # the others are still worth it
                    failures.append(error)
            for name, cause in self._unsynced.failures():
                failures.append(store_error(self.root / name, cause))
            if self._closed:
                self._open_files.close(self._unsynced)
        if failures:
            raise failures[0]

    def sync_found(self) -> None:
        """Put on stable storage what was found here, by whomever it was written: a daemon that was
        killed leaves pages behind that are still on their way. Needs no right to write."""
        with self._sync_lock:
            for name, found in zip(self.names, self.stat_files(), strict=True):
                if found is not None and found.st_size:
                    with self._opened(name, writable=False) as descriptor:
                        os.fdatasync(descriptor)

    def close(self) -> None:
        """Release all descriptors."""
        self._closed = True
        self._open_files.close(self._unsynced)

    def remove_files(self) -> None:
        """Remove the torrent's files, then its folders from the deepest up, if empty."""
        self._open_files.close(self._unsynced)
        for name, file in zip(self.names, self.info.files, strict=True):
            if name:
                self._folders.unlink(name, only_empty=file.length == 0)
        self._remove_folders()

    def trash_files(self, trash: Trash, at: datetime) -> list[Path]:
        """The same, into the trash: where they are then. NoTrash: they are where they were."""
        self._open_files.close(self._unsynced)
        moved = trash.put(self.root, self._present(), at)
        self._remove_folders()
        return moved

    def stat_files(self) -> list[os.stat_result | None]:
        """What stands at each file's name now: None for nothing, and for padding. UnsafePath when
        it is no regular file."""
        return _stat_files(self._folders, self.names)

    def stamps(self) -> list[FileStamp | None]:
        """A stamp for each file as of the last sync, to be kept with the pieces had. The first call
        looks at every file, later ones at none."""
        if self._stamps is None:
            found = zip(self.names, self.stat_files(), strict=True)
            self._stamps = {name: _stamp(stat) if stat else None for name, stat in found}
        return [self._stamps[name] for name in self.names]

    def data_ranges(self, file_index: int) -> list[tuple[int, int]]:
        """Where the file has data and no hole, as `(start, end)` in ascending order. Where the file
        system knows no holes it is all data; an absent file has none."""
        try:
            with self._opened(self.names[file_index], writable=False) as descriptor:
                return data_ranges(descriptor, os.fstat(descriptor).st_size)
        except Absent:
            return []

    def _present(self) -> list[str]:
        """Where a file of ours is: one that should be empty and is not is somebody else's."""
        found = []
        for name, file in zip(self.names, self.info.files, strict=True):
            try:
                there = self._folders.stat(name) if name else None
            except UnsafePath:
                continue
            if there is not None and (file.length or not there.st_size):
                found.append(name)
        return found

    def _remove_folders(self) -> None:
        for folder in folders_of(self.names):
            self._folders.rmdir(folder)
        self._stamps = None

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(self.root, "the torrent has been closed")

    @contextmanager
    def _opened(self, name: str, writable: bool, create: bool = False) -> Iterator[int]:
        def open_file(path: str) -> int:
            if not writable:
                return self._folders.open_read(path)
            return self._folders.open_write(path, self._unsynced.add_folder if create else None)

        with self._open_files.use(self._unsynced, name, writable, open_file) as descriptor:
            try:
                yield descriptor
            except OSError as error:
                raise store_error(self.root / name, error) from error

    def _read_whole(self, span: FileSpan) -> bytes:
        name = self.names[span.file_index]
        with self._opened(name, writable=False) as descriptor:
            start = span.offset_bytes
            os.posix_fadvise(descriptor, start, READ_AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
            data = os.pread(descriptor, span.length, start)
        if len(data) < span.length:
            raise StoreError(self.root / name, SHORT)
        return data

    def _read_spans(self, spans: list[FileSpan], buffer: memoryview) -> None:
        at = 0
        for span in spans:
            part = buffer[at : at + span.length]
            name = self.names[span.file_index]
            if name:
                self._read_span(name, span.offset_bytes, part)
            else:
                part[:] = bytes(span.length)
            at += span.length

    def _read_span(self, name: str, offset_bytes: int, buffer: memoryview) -> None:
        with self._opened(name, writable=False) as descriptor:
            done = 0
            while done < len(buffer):
                count = os.preadv(descriptor, [buffer[done:]], offset_bytes + done)
                if count == 0:
                    raise StoreError(self.root / name, SHORT)
                done += count

    def _write_span(self, name: str, offset_bytes: int, buffer: memoryview) -> None:
        with self._opened(name, writable=True, create=True) as descriptor:
            try:
                done = 0
                while done < len(buffer):
                    done += os.pwrite(descriptor, buffer[done:], offset_bytes + done)
            finally:
                self._unsynced.add_file(name)

    def _start_sync(self, name: str) -> None:
        with self._opened(name, writable=True) as descriptor:
            start_writeback(descriptor)

    def _sync_file(self, name: str) -> None:
        with self._opened(name, writable=True) as descriptor:
            os.fdatasync(descriptor)
            found = os.fstat(descriptor)
        if found.st_nlink == 0:
            self._open_files.close(self._unsynced, name)
            raise StoreError(self.root / name, "the file was removed while it was being written")
        if self._stamps is not None:
            self._stamps[name] = _stamp(found)

    def _sync_folder(self, path: str) -> None:
        with self._folders.folder(path) as descriptor:
            try:
                os.fsync(descriptor)
            except OSError as error:
                raise store_error(self.root / path, error) from error


def look_at(root: Path, names: Sequence[str]) -> list[FileStamp | None]:
    """How the files that are called so look now. No file is opened. StoreError."""
    return [_stamp(found) if found else None for found in _stat_files(Folders(root), names)]


def _stat_files(folders: Folders, names: Sequence[str]) -> list[os.stat_result | None]:
    there: dict[str, bool] = {}  # a folder that is absent is asked for once
    found: list[os.stat_result | None] = []
    for name in names:
        folder = name.rpartition("/")[0]
        if folder and folder not in there:
            there[folder] = folders.exists(folder)
        found.append(folders.stat(name) if name and there.get(folder, True) else None)
    return found


def _stamp(found: os.stat_result) -> FileStamp:
    return FileStamp(found.st_size, found.st_mtime_ns)


def data_ranges(descriptor: int, size_bytes: int) -> list[tuple[int, int]]:
    """Where an open file has data and no hole."""
    ranges = []
    end = 0
    while end < size_bytes:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                break
            return [(0, size_bytes)]
        ranges.append((start, end))
    return ranges
