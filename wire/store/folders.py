"""From the download folder down to a file, one component at a time (threat P6).

No BEP applies. Each step opens relative to the folder before it and follows no symbolic link, so
neither a link that was there before nor one that is swapped in meanwhile leads outside.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torrentd.wire.store.api import StoreError, UnsafePath, store_error

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening somebody's FIFO must not hang; regular files do not know it
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_FOLDER_MODE = 0o755
_FILE_MODE = 0o644  # never executable, whatever `attr` says (P7)

Created = Callable[[str], None]


class Folders:
    """The folders of one torrent. Paths are relative to `root`, `/` between components; the root
    itself belongs to the administrator, who may have made it a link."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make_root(self) -> None:
        """Create the download folder where it is absent."""
        try:
            self.root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(self.root, error) from error

    @contextmanager
    def folder(self, path: str, created: Created | None = None) -> Iterator[int]:
        """A descriptor of the folder at `path`, "" for the root. With `created`, folders that are
        absent are made, and `created` is told the folder in which each new one stands."""
        try:
            descriptor = os.open(self.root, _FOLDER)
        except FileNotFoundError as error:
            raise Absent(self.root, "the download folder is missing") from error
        except OSError as error:
            raise store_error(self.root, error) from error
        try:
            done = ""
            for component in path.split("/") if path else ():
                with self._errors_at(path):
                    below = self._step(descriptor, component, done, created)
                os.close(descriptor)
                descriptor = below
                done = f"{done}/{component}" if done else component
            yield descriptor
        finally:
            os.close(descriptor)

    def open_read(self, path: str) -> int:
        """A descriptor for reading; a file with several hard links is fine to read."""
        folder, _, name = path.rpartition("/")
        with self.folder(folder) as parent, self._errors_at(path):
            return self._regular(path, os.open(name, os.O_RDONLY | _FILE, dir_fd=parent))

    def open_write(self, path: str, created: Created | None = None) -> int:
        """A descriptor for reading and writing. With `created`, the file and its folders are made
        where absent, and `created` is told the folder in which each new one stands."""
        folder, _, name = path.rpartition("/")
        with self.folder(folder, created) as parent, self._errors_at(path):
            try:
                descriptor = os.open(name, os.O_RDWR | _FILE, dir_fd=parent)
            except FileNotFoundError:
                if created is None:
                    raise
                flags = os.O_RDWR | os.O_CREAT | _FILE
                descriptor = os.open(name, flags, _FILE_MODE, dir_fd=parent)
                created(folder)
            return self._regular(path, descriptor, alone=True)

    def stat(self, path: str) -> os.stat_result | None:
        """What stands at `path`, None when nothing does. UnsafePath unless a regular file."""
        folder, _, name = path.rpartition("/")
        try:
            if not folder:  # nearly all there are, in two steps less
                with self._errors_at(path):
                    found = os.stat(f"{self.root}/{name}", follow_symlinks=False)
            else:
                with self.folder(folder) as parent, self._errors_at(path):
                    found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except Absent:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise UnsafePath(self.root / path, "not a regular file stands here")
        return found

    def exists(self, path: str) -> bool:
        """Whether there is a folder at `path`. UnsafePath when something else is there."""
        try:
            with self.folder(path):
                return True
        except Absent:
            return False

    def unlink(self, path: str, only_empty: bool = False) -> None:
        """Remove the regular file at `path`; anything else that stands there stays. With
        `only_empty` a file with a byte in it stays too."""
        folder, _, name = path.rpartition("/")
        try:
            found = self.stat(path)
            if found is None or (only_empty and found.st_size):
                return
            with self.folder(folder) as parent, self._errors_at(path):
                os.unlink(name, dir_fd=parent)
        except (Absent, UnsafePath):
            return

    def rmdir(self, path: str) -> None:
        """Remove the folder at `path` if it is empty."""
        folder, _, name = path.rpartition("/")
        try:
            with self.folder(folder) as parent:
                os.rmdir(name, dir_fd=parent)
        except (OSError, Absent, UnsafePath):
            return  # not empty, not a folder, not there: not ours to remove

    def _step(self, parent: int, component: str, done: str, created: Created | None) -> int:
        try:
            return os.open(component, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
        except FileNotFoundError:
            if created is None:
                raise
        try:
            os.mkdir(component, _FOLDER_MODE, dir_fd=parent)
        except FileExistsError:
            pass  # another thread was faster
        created(done)
        return os.open(component, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)

    def _regular(self, path: str, descriptor: int, alone: bool = False) -> int:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and not (alone and found.st_nlink > 1):
            return descriptor
        os.close(descriptor)
        if stat.S_ISREG(found.st_mode):
            raise UnsafePath(self.root / path, "the file has another name too (a hard link)")
        raise UnsafePath(self.root / path, "not a regular file stands here")

    @contextmanager
    def _errors_at(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise Absent(self.root / path, "the file is missing") from error
        except OSError as error:
            # ENXIO: a socket, or a FIFO without a reader; EISDIR: a folder where a file should be
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
                raise UnsafePath(
                    self.root / path, "a link, a folder or a device stands in the way"
                ) from error
            raise store_error(self.root / path, error) from error


def folders_of(names: Iterable[str]) -> list[str]:
    """All folders above these, the deepest first, as they can be removed."""
    folders: dict[str, None] = {}
    for name in names:
        while "/" in name:
            name = name.rpartition("/")[0]
            folders[name] = None
    return sorted(folders, key=lambda path: path.count("/"), reverse=True)


class Absent(StoreError):
    """Nothing is there."""
