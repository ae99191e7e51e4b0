"""A torrent's files on their way to other places (threats F1, F4, P6). No BEP applies.

Within a file system a file is renamed. Across two it is copied, synced, compared in size, given its
time, and only then named; the old one stays until `clean`, which comes when the new places are on
record. Nothing that stands at a new place is ever written over. Run again after an interruption it
goes on where it was: a file is at its old place, at its new one, or at both and the same.
"""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from torrentd.wire.store.api import StoreError, store_error
from torrentd.wire.store.files import data_ranges
from torrentd.wire.store.folders import Folders, folders_of

COPY_BYTES = 4 * 1024 * 1024
PART = ".moving"  # behind the name of a copy that is not whole; NAME_MAX leaves room for it


class Stopped(StoreError):
    """Somebody called `stop`; the next run goes on."""


class Relocation:
    """From `root`/`names` to `new_root`/`new_names`; "" for what is never on disk. Blocking."""

    def __init__(
        self, root: Path, names: Sequence[str], new_root: Path, new_names: Sequence[str]
    ) -> None:
        self.done_files = 0
        self._old = Folders(root)
        self._new = Folders(new_root)
        both = zip(names, new_names, strict=True)
        self._moves = [(old, new) for old, new in both if old and (root, old) != (new_root, new)]
        self._changed: dict[tuple[Folders, str], None] = {}  # folders to be synced
        self._stopped = False

    @property
    def new_root(self) -> Path:
        """Where the files go to."""
        return self._new.root

    @property
    def progress(self) -> float:
        """0 to 1, in files."""
        return self.done_files / len(self._moves) if self._moves else 1.0

    def stop(self) -> None:
        """`run` ends soon."""
        self._stopped = True

    def check(self) -> int:
        """Before the first run: the bytes that will be copied. StoreError when a file stands in the
        way, or the new folder cannot be written to."""
        self._new.make_root()
        device = os.stat(self._new.root).st_dev
        copied_bytes = 0
        for old, new in self._moves:
            found = self._old.stat(old)
            if self._new.stat(new) is not None:
                raise StoreError(self._new.root / new, "a file is there already")
            if found is not None and found.st_dev != device:
                copied_bytes += found.st_blocks * 512
        return copied_bytes

    def run(self) -> None:
        """Every file that there is gets to its new place, on stable storage. StoreError."""
        self._new.make_root()
        for old, new in self._moves:
            self._move(old, new)
            self.done_files += 1
        for folders, path in self._changed:
            with folders.folder(path) as descriptor:
                os.fsync(descriptor)

    def clean(self) -> None:
        """Remove what was copied from its old place, and the folders that are empty then."""
        for old, new in self._moves:
            if self._new.stat(new) is not None:
                self._old.unlink(old)
        for folder in folders_of(old for old, _ in self._moves):
            self._old.rmdir(folder)

    def _move(self, old: str, new: str) -> None:
        if self._stopped:
            raise Stopped(self._new.root / new, "stopped")
        found, there = self._old.stat(old), self._new.stat(new)
        if found is None:
            return
        if there is not None:
            if (there.st_size, there.st_mtime_ns) == (found.st_size, found.st_mtime_ns):
                return  # by an earlier run
            raise StoreError(self._new.root / new, "another file is there already")
        if not self._rename(old, new):
            self._copy(old, new, found)

    def _rename(self, old: str, new: str) -> bool:
        """False: it is another file system."""
        (old_folder, _, old_name), (new_folder, _, new_name) = _split(old), _split(new)
        with (
            self._old.folder(old_folder) as source,
            self._new.folder(new_folder, self._made) as target,
        ):
            try:
                os.rename(old_name, new_name, src_dir_fd=source, dst_dir_fd=target)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    return False
                raise store_error(self._new.root / new, error) from error
        self._changed[self._old, old_folder] = self._changed[self._new, new_folder] = None
        return True

    def _copy(self, old: str, new: str, found: os.stat_result) -> None:
        part = new + PART
        self._new.unlink(part)  # of an earlier run
        source = self._old.open_read(old)
        try:
            target = self._new.open_write(part, self._made)
            try:
                self._fill(source, target, found)
            except OSError as error:
                raise store_error(self._new.root / new, error) from error
            finally:
                os.close(target)
        finally:
            os.close(source)
        folder, _, name = _split(new)
        with self._new.folder(folder) as descriptor:
            os.rename(name + PART, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        self._changed[self._new, folder] = None

    def _fill(self, source: int, target: int, found: os.stat_result) -> None:
        """Holes stay holes."""
        for at, end in data_ranges(source, found.st_size):
            while at < end:
                if self._stopped:
                    raise Stopped(self._new.root, "stopped")
                data = os.pread(source, min(COPY_BYTES, end - at), at)
                if not data:
                    raise OSError(errno.EIO, "the file became shorter while it was copied")
                written = 0
                while written < len(data):
                    written += os.pwrite(target, memoryview(data)[written:], at + written)
                at += len(data)
        os.ftruncate(target, found.st_size)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
        os.fsync(target)
        if os.fstat(target).st_size != os.fstat(source).st_size:
            raise OSError(errno.EIO, "the file changed while it was copied")

    def _made(self, folder: str) -> None:
        self._changed[self._new, folder] = None


def _split(path: str) -> tuple[str, str, str]:
    return path.rpartition("/")
