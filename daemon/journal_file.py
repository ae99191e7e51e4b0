"""The journal on disk: an event a line, appended and never changed, in two files of bounded size.

    journal        {"journal": <id>, "next": <number>, "told": …}, then events
    journal.old    the file before it

Every event begins `{"cursor":"<id>-<number>",`; numbers only grow. What a kill or a power cut left
of a last line is cut off at the next start, a line that is no event is passed over.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from torrentd.daemon.control_lines import Json, encode_line
from torrentd.daemon.told import Told

EVENTS_BYTES_MAX = 1024 * 1024  # of one file, its first line not counted
HEAD_BYTES_MAX = 8 * 1024 * 1024  # 100,000 torrents
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o600
_CURSOR = re.compile(rb'\{"cursor":"([0-9a-f]{8})-([0-9]{1,15})",')


class Entry(NamedTuple):
    """`event` is the whole document, its cursor first."""

    number: int
    event: dict[str, Json]


class JournalFile:
    """Blocking, from any thread; `open` comes first."""

    def __init__(self, path: Path) -> None:
        self.id = ""
        self.next = 1  # the number of the event after the last one
        self.is_new = False  # there was none before: of what was there, nothing was told
        self.told = Told()
        self._path = path
        self._old = path.with_name(path.name + ".old")
        self._lock = Lock()
        self._descriptor = -1
        self._size_bytes = 0
        self._bytes_max = 0

    def open(self) -> None:
        """Heal what was left, and go on behind it. Raises OSError."""
        with self._lock:
            newest = _read(self._path)
            if self._take_up(newest):
                self._go_on(newest)
                return
            self.is_new = not self._take_up(_read(self._old))
            if self.is_new or newest:  # numbers that nobody knows any more may have been told
                self.id = secrets.token_hex(4)
            self._begin()

    def believe(self, told: Told) -> str | None:
        """From now on it counts as told; the reason when that cannot be written."""
        with self._lock:
            self.told = told
            try:
                self._begin()
            except OSError as error:
                return error.strerror
        return None

    def append(self, events: Sequence[dict[str, Json]]) -> None:
        """All or none of them, on stable storage. Raises OSError."""
        data = b"".join(encode_line(event) for event in events)
        with self._lock:
            # What an append that failed had written, and could not take back.
            os.ftruncate(self._descriptor, self._size_bytes)
            try:
                _write(self._descriptor, data)
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, self._size_bytes)
                raise
            self._size_bytes += len(data)
            for event in events:
                self.told.hear(event)
            self.next = _number(events[-1]) + 1
            if self._size_bytes > self._bytes_max:
                with suppress(OSError):  # the events stand; the next append tries again
                    self._begin()

    def read(self, after: int, count_max: int) -> list[Entry]:
        """The oldest events whose number is greater than `after`. Raises OSError."""
        with self._lock:
            data = _read(self._old), _read(self._path)
        found: list[Entry] = []
        for lines in data:
            for entry in self._entries(lines, after):
                if len(found) == count_max:
                    return found
                found.append(entry)
        return found

    def close(self) -> None:
        """Unless a disk that hangs has it, which must not hold up the end."""
        if self._lock.acquire(blocking=False):
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            self._lock.release()

    def _take_up(self, data: bytes) -> bool:
        """Know what a file says; False where its first line does not say whose it is."""
        match _parse(data.partition(b"\n")[0]):
            case {"journal": str(name), "next": int(number), "told": dict(told)}:
                self.id, self.next, self.told = name, number, Told.from_json(told)
            case _:
                return False
        for entry in self._entries(data, 0):
            self.told.hear(entry.event)
            self.next = entry.number + 1
        return True

    def _entries(self, data: bytes, after: int) -> Iterator[Entry]:
        """Whole lines of this journal."""
        for line in data.split(b"\n")[:-1]:
            match = _CURSOR.match(line)
            if match is None or match[1].decode() != self.id or int(match[2]) <= after:
                continue
            event = _parse(line)
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                yield Entry(int(match[2]), event)

    def _go_on(self, data: bytes) -> None:
        """Behind the last whole line of the newest file."""
        self._descriptor = os.open(self._path, _APPEND, _MODE)
        self._size_bytes = data.rfind(b"\n") + 1
        self._bytes_max = data.find(b"\n") + EVENTS_BYTES_MAX
        os.ftruncate(self._descriptor, self._size_bytes)

    def _begin(self) -> None:
        """The next file; the newest, where there is one, becomes the one before."""
        head = {"journal": self.id, "next": self.next, "told": self.told.to_json()}
        data = encode_line(head)
        fresh = self._path.with_name(self._path.name + ".tmp")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, _APPEND, _MODE)
        try:
            _write(descriptor, data)
            os.fsync(descriptor)
            if self._descriptor >= 0:
                with suppress(FileNotFoundError):
                    os.replace(self._path, self._old)
            os.replace(fresh, self._path)
            _sync_folder(self._path.parent)
        except OSError:
            os.close(descriptor)
            raise
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = descriptor
        self._size_bytes, self._bytes_max = len(data), len(data) + EVENTS_BYTES_MAX


def _number(event: dict[str, Json]) -> int:
    return int(str(event["cursor"]).partition("-")[2])


def _parse(line: bytes) -> Json:
    """None for what is no JSON: zeros after a power cut, or somebody's hand."""
    try:
        value: Json = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value


def _read(path: Path) -> bytes:
    """Empty where there is none."""
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        return b""
    with open(descriptor, "rb") as file:
        return file.read(HEAD_BYTES_MAX + 2 * EVENTS_BYTES_MAX)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
