"""The journal: what happened, in order, each with a cursor; kept over restarts, told at least once.

An event is told to those who follow once it is on stable storage, so that no cursor that anybody
saw is ever given to another event. Who follows is no more than a position: the newest events are at
hand, older ones are read from the file, and what the file no longer has he is told to have missed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from torrentd.daemon.control_lines import Json
from torrentd.daemon.journal_file import Entry
from torrentd.daemon.logs import get_logger

WAITING_MAX = 1000  # not yet on the disk; beyond it the oldest are lost
TAIL_MAX = 512  # at hand
BATCH_MAX = 256
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
TEXT_CHARS_MAX = 500  # of a name, a path or a reason: the wire lets them be megabytes

T = TypeVar("T")
Event = dict[str, Json]

log = get_logger("journal")


class File(Protocol):
    """Where it is kept; blocking."""

    id: str
    next: int

    def append(self, events: Sequence[Event]) -> None: ...
    def read(self, after: int, count_max: int) -> list[Entry]: ...


class Threads(Protocol):
    """Who runs what blocks."""

    async def run(self, job: Callable[[], T]) -> T: ...
    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None: ...


class Journal:
    """`tell` never waits; `after` is for those who follow."""

    def __init__(
        self, file: File, threads: Threads, clock: Callable[[], float] = time.time
    ) -> None:
        self.newest = file.next - 1  # the number of the last event on stable storage
        self.problem: str | None = None  # why nothing can be written
        self._file = file
        self._threads = threads
        self._clock = clock
        self._next = file.next
        self._waiting: deque[Entry] = deque()
        self._tail: deque[Entry] = deque(maxlen=TAIL_MAX)
        self._fresh = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._timer: asyncio.TimerHandle | None = None
        self._retry_s = RETRY_FIRST_S

    def tell(self, event: str, **fields: Json) -> Event:
        """It happened now."""
        entry: Event = {"cursor": self.cursor(self._next), "at": round(self._clock(), 3)}
        entry["event"] = event
        for name, value in fields.items():
            entry[name] = value[:TEXT_CHARS_MAX] if isinstance(value, str) else value
        self._waiting.append(Entry(self._next, entry))
        self._next += 1
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popleft()
        if self._idle.is_set() and self._timer is None:
            self._write()
        return entry

    def cursor(self, number: int) -> str:
        return f"{self._file.id}-{number}"

    def position(self, cursor: str) -> int | None:
        """The number in a cursor; None where it is not one of this journal."""
        name, dash, digits = cursor.partition("-")
        if name != self._file.id or not dash or not digits.isascii() or not digits.isdigit():
            return None
        number = int(digits[:15])
        return number if number <= self.newest else None

    async def after(self, number: int, within_s: float) -> list[Entry]:
        """The next events, at most `BATCH_MAX`; [] when none comes within the time."""
        if number >= self.newest:
            fresh = self._fresh
            try:
                async with asyncio.timeout(within_s):
                    await fresh.wait()
            except TimeoutError:
                return []
        tail = [entry for entry in self._tail if entry.number > number][:BATCH_MAX]
        if not tail or tail[0].number > number + 1:
            older = await self._threads.run(partial(self._read, number))
            return older or tail
        return tail

    async def flush(self) -> None:
        """All that was told is on stable storage, or that was tried."""
        tried = False
        while self._waiting and not (tried and self.problem):
            if self._idle.is_set():
                self.close()
                self._write()
                tried = True
            await self._idle.wait()

    def close(self) -> None:
        """Try no more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _read(self, number: int) -> list[Entry]:
        try:
            return self._file.read(number, BATCH_MAX)
        except OSError:
            return []

    def _write(self) -> None:
        """All that waits, in one append; what is told meanwhile makes the next."""
        self._timer = None
        self._idle.clear()
        batch = list(self._waiting)
        self._threads.submit(partial(self._append, batch), partial(self._written, batch))

    def _append(self, batch: list[Entry]) -> str | None:
        """The reason when it cannot be written."""
        try:
            self._file.append([entry.event for entry in batch])
        except OSError as error:
            return error.strerror or str(error)
        return None

    def _written(self, batch: list[Entry], problem: str | None) -> None:
        self._idle.set()
        if problem is not None:
            if self.problem is None:
                log.warning("the journal cannot be written", cause=problem)
            self.problem = f"the journal cannot be written: {problem}"
            self._timer = asyncio.get_running_loop().call_later(self._retry_s, self._write)
            self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)
            return
        self.problem, self._retry_s = None, RETRY_FIRST_S
        self.newest = batch[-1].number
        while self._waiting and self._waiting[0].number <= self.newest:
            self._waiting.popleft()
        self._tail += batch
        fresh, self._fresh = self._fresh, asyncio.Event()
        fresh.set()
        if self._waiting:
            self._write()
