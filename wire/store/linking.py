"""A file given a second name below a download folder, its data not copied where that can be (P6).

No BEP applies. First a reflink: one's own file on shared blocks, which may be written to. Where the
file system has none, a hard link of a file that is never written to again, and a copy of one that
may be: a download writes to no file that has another name. Blocking.
"""

import errno
import fcntl
import os
from pathlib import Path
from typing import Literal

from torrentd.wire.store.api import StoreError, store_error
from torrentd.wire.store.folders import Folders

How = Literal["there", "reflink", "hard link", "copy"]

FICLONE = 0x40049409
COPY_BYTES = 64 * 1024 * 1024
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o644


def link(source: Path, folders: Folders, name: str, whole: bool) -> How:
    """`name` is made below the root; `there`: something was, and stays. `whole`: it will not be
    written to. Raises StoreError; then nothing was made."""
    if folders.stat(name) is not None:
        return "there"
    folder, _, last = name.rpartition("/")
    target = folders.root / name
    folders.make_root()
    with folders.folder(folder, _ignore) as parent:
        try:
            descriptor = os.open(source, _READ)
        except OSError as error:
            raise store_error(source, error) from error
        try:
            if _reflink(descriptor, parent, last):
                return "reflink"
            if os.fstat(descriptor).st_dev != os.fstat(parent).st_dev:
                raise StoreError(source, "it lies on another file system than the download folder")
            if whole and _hard_link(descriptor, source, parent, last):
                return "hard link"
            _copy(descriptor, parent, last)
            return "copy"
        except OSError as error:
            raise store_error(target, error) from error
        finally:
            os.close(descriptor)


def _reflink(source: int, parent: int, name: str) -> bool:
    target = os.open(name, _NEW, _MODE, dir_fd=parent)
    try:
        fcntl.ioctl(target, FICLONE, source)
        return True
    except OSError as error:
        os.unlink(name, dir_fd=parent)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False  # another file system, or one that cannot
    finally:
        os.close(target)


def _hard_link(descriptor: int, source: Path, parent: int, name: str) -> bool:
    try:
        os.link(source, name, dst_dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP):
            return False  # somebody else's file (protected_hardlinks), or no such links here
        raise
    if os.path.samestat(os.fstat(descriptor), os.stat(name, dir_fd=parent, follow_symlinks=False)):
        return True
    os.unlink(name, dir_fd=parent)  # another file stood there by now
    return False


def _copy(source: int, parent: int, name: str) -> None:
    target = os.open(name, _NEW, _MODE, dir_fd=parent)
    try:
        at = 0
        while copied := os.copy_file_range(source, target, COPY_BYTES, at, at):
            at += copied
    except OSError:
        os.unlink(name, dir_fd=parent)
        raise
    finally:
        os.close(target)


def _ignore(folder: str) -> None:
    return None
