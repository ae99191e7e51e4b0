"""The blocklist's file: read at the start, on a reload and whenever it has changed.

While it cannot be read, what was read before still counts. Plain or gzip, as its first bytes say.
"""

import asyncio
import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from torrentd.daemon.logs import get_logger
from torrentd.wire.formats.blocks import LINE_BYTES_MAX, Blocklist, Blocks, decode_blocklist

LOOK_S = 10.0
BYTES_MAX = 512 * 1024 * 1024  # unpacked; the largest public list has 60 MB
GZIP = b"\x1f\x8b"

T = TypeVar("T")
Stamp = tuple[int, int, int]  # inode, size, time of the last change

log = get_logger("blocklist")


class Threads(Protocol):
    """Who runs what blocks."""

    async def run(self, job: Callable[[], T]) -> T: ...


class BlocklistFile:
    """Keeps `blocks` as the file says; `changed` is called after."""

    def __init__(
        self,
        blocks: Blocks,
        threads: Callable[[Path], Threads],
        changed: Callable[[], None],
    ) -> None:
        self.path: Path | None = None
        self.read = Blocklist()
        self.problem: str | None = None
        self._blocks = blocks
        self._threads = threads
        self._changed = changed
        self._stamp: Stamp | None = None
        self._wake = asyncio.Event()

    def use(self, path: Path | None) -> None:
        """As the configuration says now; read anew even where it is the same."""
        if path is None and self.path is not None:
            self._take(Blocklist())
            self.problem = None
        self.path, self._stamp = path, None
        self._wake.set()

    def warnings(self) -> list[str]:
        if self.path is None:
            return []
        found = []
        if self.problem is not None:
            kept = "nothing is blocked by it"
            if self.read.lines:
                kept = f"the {len(self.read.hosts)} ranges that were read before still count"
            found.append(f"the blocklist {self.path} cannot be read: {self.problem}; {kept}")
        elif self.read.lines == self.read.bad_lines:
            found.append(f"the blocklist {self.path} has no line that is understood")
        return found

    async def run(self) -> None:
        while True:
            self._wake.clear()
            if self.path is not None:
                await self.look(self.path)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def look(self, path: Path) -> None:
        """Read it where it is another than before."""
        threads = self._threads(path.parent)
        stamp = await threads.run(partial(_stamp, path))
        if stamp == self._stamp:
            return
        found = stamp if isinstance(stamp, str) else await threads.run(partial(read_list, path))
        if path != self.path:
            return
        if isinstance(found, str):
            if found != self.problem:
                log.error("blocklist not read", path=str(path), cause=found)
            self.problem, self._stamp = found, None
            return
        self.problem, self._stamp = None, stamp if not isinstance(stamp, str) else None
        self._take(found)
        log.info(
            "blocklist read",
            path=str(path),
            ranges=len(found.hosts),
            bad_lines=found.bad_lines,
            first_bad_line=found.first_bad,
        )

    def _take(self, found: Blocklist) -> None:
        self.read = found
        self._blocks.list(found.hosts)
        self._changed()


def read_list(path: Path) -> Blocklist | str:
    """Blocking; the reason when it cannot be read."""
    try:
        with open(path, "rb") as file:
            zipped = file.peek(2)[:2] == GZIP
            if not zipped:
                return decode_blocklist(_lines(file))
            with gzip.open(file, "rb") as unpacked:
                return decode_blocklist(_lines(unpacked))
    except OSError as error:
        return error.strerror or str(error)
    except (EOFError, zlib.error):
        return "its gzip data is cut short or damaged"


def _lines(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    """None longer than what is looked at, whatever is in the file."""
    left = BYTES_MAX
    while left > 0 and (line := file.readline(LINE_BYTES_MAX + 1)):
        left -= len(line)
        yield line
        while line and not line.endswith(b"\n") and len(line) > LINE_BYTES_MAX:
            line = file.readline(LINE_BYTES_MAX + 1)
            left -= len(line)


def _stamp(path: Path) -> Stamp | str:
    try:
        status = os.stat(path)
    except OSError as error:
        return error.strerror or str(error)
    return status.st_ino, status.st_size, status.st_mtime_ns
