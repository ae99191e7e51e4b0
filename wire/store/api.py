"""What a piece store promises; every store passes one conformance suite (BEP 3, 47).

Blocking, and called from threads: calls for different pieces may run side by side. No asyncio.
"""

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


class PieceStore(Protocol):
    """Pieces of one torrent by index. Padding files read as zeros and are never written."""

    def read(self, piece_index: int, begin: int, length: int) -> bytes:
        """`length` bytes at `begin` of a piece. A file that is absent or short is a StoreError."""

    def write(self, piece_index: int, buffer: memoryview) -> None:
        """Write a whole, verified piece. Creates files and folders at first need."""

    def sync(self) -> None:
        """After this returns, all that was written before it was called is on stable storage (F2)."""

    def close(self) -> None:
        """Release file descriptors; idempotent."""

    def remove_files(self) -> None:
        """Remove this torrent's own files and the folders left empty, nothing else (P6)."""
