"""What a piece store promises; every store passes one conformance suite (BEP 3, 47).

Blocking, and called from threads: calls for different pieces may run side by side. No asyncio.
"""

import errno
from pathlib import Path
from typing import Protocol


class StoreError(Exception):
    """The world failed: `path` and `cause` say where and how, in words for people."""

    def __init__(self, path: Path | str, cause: str) -> None:
        super().__init__(f"{path}: {cause}")
        self.path = path
        self.cause = cause


class DiskFull(StoreError):
    """ENOSPC or EDQUOT: heals when there is room again."""


class UnsafePath(StoreError):
    """A symbolic link, a device or somebody else's file stands where ours should be (P6)."""


def store_error(path: Path | str, error: OSError) -> StoreError:
    """What the operating system said about `path`, as one of the errors above."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(path, "the disk is full")
    if error.errno == errno.ENOENT:
        return StoreError(path, "the file is missing")
    return StoreError(path, (error.strerror or "input/output error").lower())


class PieceStore(Protocol):
    """Pieces of one torrent by index. Padding files read as zeros and are never written."""

    def prepare(self) -> None:
        """Create the download folder and the torrent's empty files, which no piece would."""

    def read(self, piece_index: int, begin: int, length: int) -> bytes:
        """`length` bytes at `begin` of a piece. A file that is absent or short is a StoreError."""

    def read_resident(self, piece_index: int, begin: int, length: int) -> bytes | bytearray | None:
        """The same where nothing has to be waited for, so that no thread is needed; else None."""

    def read_into(self, piece_index: int, begin: int, buffer: memoryview) -> None:
        """The same into `buffer`, as many bytes as it has."""

    def write(self, piece_index: int, buffer: memoryview) -> None:
        """Write a whole, verified piece. Creates files and folders at first need."""

    def sync(self) -> None:
        """After this returns, all that was written before it was called is on stable storage: now,
        and not before, may these pieces be recorded as had (F2).

        When it raises, every piece written since the last sync that returned is in doubt: the
        kernel tells of a failed write once and then forgets the pages (F5). They are to be
        downloaded again; another sync proves nothing about them. One call at a time.
        """

    def close(self) -> None:
        """Release file descriptors, synced or not; idempotent. Only `sync` may follow."""

    def remove_files(self) -> None:
        """Remove this torrent's own files and the folders left empty, nothing else (P6)."""
