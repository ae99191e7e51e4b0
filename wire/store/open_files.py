"""A bounded number of open files, shared by the stores of all torrents and by all threads.

No BEP applies. Two laws: a descriptor in use is never closed, and one that wrote is never closed
before its data is on stable storage, since a descriptor opened later may not be told that writing
them back has failed (F5).
"""

import ctypes
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock

COUNT_MAX = 256  # a quarter of the usual 1024; peers and control need the rest (O1)
SMALL_FILE_BYTES = 4 << 20  # of a larger one the cached pages are worth keeping


_LIBC = ctypes.CDLL(None, use_errno=True)
TMPFS = 0x01021994  # statfs(2): it is memory, and knows no RWF_NOWAIT
STATFS_BYTES = 256  # more than the structure has anywhere


def file_system(descriptor: int) -> int:
    """The magic number of statfs(2); 0 when it cannot be told."""
    buffer = ctypes.create_string_buffer(STATFS_BYTES)
    if _LIBC.fstatfs(descriptor, buffer):
        return 0
    return ctypes.c_long.from_buffer(buffer).value


def start_writeback(descriptor: int) -> None:
    """Let the kernel begin to write a small file back, without waiting: many files that are synced
    after each other take a tenth of the time when all have begun before the first is waited for."""
    if os.fstat(descriptor).st_size <= SMALL_FILE_BYTES:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


class Unsynced:
    """What one store has written and not yet synced: paths of files, and folders with new names
    in them. Also how often that went wrong when a descriptor had to make room for another."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._files: dict[str, None] = {}
        self._folders: dict[str, None] = {}
        self._syncing: dict[object, None] = {}
        self._failures: list[tuple[str, OSError]] = []

    def add_file(self, path: str) -> None:
        """Bytes were written to it; before its descriptor is given back."""
        with self._changed:
            self._files[path] = None

    def add_folder(self, path: str) -> None:
        """A file or folder was made in it."""
        with self._changed:
            self._folders[path] = None

    def take(self) -> tuple[list[str], list[str]]:
        """Files and folders to sync now; they are no longer remembered here."""
        with self._changed:
            files, folders = list(self._files), list(self._folders)
            self._files.clear()
            self._folders.clear()
        return files, folders

    def holds(self, path: str) -> bool:
        """Whether the file was written and not synced since."""
        return path in self._files

    def sync_before_close(self, path: str, descriptor: int) -> None:
        """Sync a descriptor that makes room for another. What fails is told by `failures`."""
        with self._changed:
            if path not in self._files:
                return
            del self._files[path]
            token = object()
            self._syncing[token] = None
        failure = None
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            failure = error
        with self._changed:
            del self._syncing[token]
            if failure is not None:
                self._failures.append((path, failure))
            self._changed.notify_all()

    def failures(self) -> list[tuple[str, OSError]]:
        """Waits for those under way, then returns and forgets what failed since the last call."""
        with self._changed:
            before = list(self._syncing)  # and not for those that begin meanwhile
            self._changed.wait_for(lambda: not any(token in self._syncing for token in before))
            failures, self._failures = self._failures, []
        return failures


class OpenFile:
    """One open descriptor; `users` threads are in the middle of a call on it."""

    __slots__ = ("_in_memory", "closing", "descriptor", "path", "unsynced", "users")

    def __init__(self, descriptor: int, path: str, unsynced: Unsynced) -> None:
        self.descriptor = descriptor
        self.path = path
        self.unsynced = unsynced
        self.users = 1
        self.closing = False
        self._in_memory = file_system(descriptor) == TMPFS

    def read_resident(self, length: int, offset_bytes: int) -> bytes | bytearray | None:
        """What can be read without waiting for a disk; None when that is not all."""
        try:
            if self._in_memory:
                data: bytes | bytearray = os.pread(self.descriptor, length, offset_bytes)
                return data if len(data) == length else None
            data = bytearray(length)
            count = os.preadv(self.descriptor, [data], offset_bytes, os.RWF_NOWAIT)
        except OSError:  # EAGAIN; EOPNOTSUPP of file systems that cannot tell
            return None
        return data if count == length else None


class OpenFiles:
    """Least recently used ones are closed first; threads may call side by side."""

    def __init__(self, count_max: int = COUNT_MAX) -> None:
        assert count_max > 0
        self._count_max = count_max
        self._lock = Lock()
        self._files: OrderedDict[tuple[Unsynced, str, bool], OpenFile] = OrderedDict()

    @contextmanager
    def use(
        self, unsynced: Unsynced, path: str, writable: bool, open_file: Callable[[str], int]
    ) -> Iterator[int]:
        """The descriptor of `path` for the length of the block; `open_file` makes one if none is
        open. `unsynced` tells the stores apart."""
        key = (unsynced, path, writable)
        file = self._take(key) or self._insert(key, open_file(path))
        try:
            yield file.descriptor
        finally:
            self._give_back(file)

    @contextmanager
    def use_open(self, unsynced: Unsynced, path: str) -> Iterator[OpenFile | None]:
        """The file if it is open for reading, for the length of the block."""
        file = self._take((unsynced, path, False))
        try:
            yield file
        finally:
            if file is not None:
                self._give_back(file)

    def close(self, unsynced: Unsynced, path: str | None = None) -> None:
        """Close the descriptors of one store, or of one path of it; those in use when their users
        are done. Nothing is synced: who closes has synced before, or does not count on the data."""
        with self._lock:
            keys = [key for key in self._files if key[0] is unsynced and path in (None, key[1])]
            files = [self._files.pop(key) for key in keys]
            for file in files:
                file.closing = True
            idle = [file for file in files if file.users == 0]
        for file in idle:
            os.close(file.descriptor)

    def __len__(self) -> int:
        return len(self._files)

    def _take(self, key: tuple[Unsynced, str, bool]) -> OpenFile | None:
        with self._lock:
            file = self._files.get(key)
            if file is not None:
                file.users += 1
                self._files.move_to_end(key)
            return file

    def _insert(self, key: tuple[Unsynced, str, bool], descriptor: int) -> OpenFile:
        mine = OpenFile(descriptor, key[1], key[0])
        with self._lock:
            other = self._files.get(key)
            if other is not None:  # another thread opened it meanwhile
                other.users += 1
                surplus = [mine]
            else:
                self._files[key] = mine
                surplus = self._surplus()
        for file in surplus:
            if file.unsynced.holds(file.path):
                start_writeback(file.descriptor)
        for file in surplus:
            file.unsynced.sync_before_close(file.path, file.descriptor)
            os.close(file.descriptor)
        return other or mine

    def _surplus(self) -> list[OpenFile]:
        # at most as many are in use as there are threads, so this ends near the limit
        excess = len(self._files) - self._count_max
        if excess <= 0:
            return []
        count = max(excess, self._count_max // 4)  # many at once, since they are synced together
        idle = [key for key, file in self._files.items() if file.users == 0][:count]
        return [self._files.pop(key) for key in idle]

    def _give_back(self, file: OpenFile) -> None:
        with self._lock:
            file.users -= 1
            last = file.closing and file.users == 0
        if last:
            os.close(file.descriptor)
