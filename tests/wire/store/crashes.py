"""An `os` that dies at its n-th call, or takes notes, in the place of a module's own (T36, T37).

`Crash` is a BaseException, as a killed process handles nothing.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

STEPS = ("open", "write", "fsync", "replace", "close")


class Crash(BaseException):
    """The process is no more."""


class CrashingOs:
    """Calls through to `os`, and dies before the call number `survives` (0 is the first). With
    `torn`, a write that is the last call still gets half of its bytes out."""

    def __init__(self, survives: int, torn: bool = False) -> None:
        self._left = survives
        self._torn = torn

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        return self._counted(name, real) if name in STEPS else real

    def _counted(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            if self._left == 0 and name != "close":  # the kernel closes what the dead had open
                if self._torn and name == "write" and isinstance(args[1], memoryview):
                    real(args[0], args[1][: len(args[1]) // 2])
                raise Crash
            self._left -= 1
            return real(*args)

        return call


class RecordingOs:
    """Calls through to `os` and notes what would change a disk."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str, str | bytes]] = []
        self._paths: dict[object, str] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = os.open(path, flags, mode)
        self._paths[descriptor] = path.name
        if flags & os.O_CREAT:
            self.log.append(("create", path.name, ""))
        elif flags & os.O_DIRECTORY:
            self._paths[descriptor] = ""
        return descriptor

    def write(self, descriptor: int, data: memoryview) -> int:
        count = os.write(descriptor, data)
        self.log.append(("write", self._paths[descriptor], bytes(data[:count])))
        return count

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)
        self.log.append(("fsync", self._paths[descriptor], ""))

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)
        self.log.append(("replace", source.name, target.name))


Disk = dict[str, bytes]


def power_cuts(before: Disk, log: list[tuple[str, str, str | bytes]]) -> Iterator[Disk]:
    """Every disk that a power cut at any point of `log` may leave behind: names that were not yet
    fsynced in any combination, data that was not yet fsynced absent, half, or whole."""
    for length in range(len(log) + 1):
        yield from _leftovers(before, log[:length])


def _leftovers(before: Disk, log: list[tuple[str, str, str | bytes]]) -> Iterator[Disk]:
    synced_names = max((i for i, step in enumerate(log) if step == ("fsync", "", "")), default=-1)
    names = [i for i, step in enumerate(log) if step[0] in ("create", "replace")]
    loose = [i for i in names if i > synced_names]
    for count in range(len(loose) + 1):
        for kept in itertools.combinations(loose, count):
            for share in (0.0, 0.5, 1.0):
                yield _replay(before, log, {*kept, *(i for i in names if i < synced_names)}, share)


def _replay(
    before: Disk, log: list[tuple[str, str, str | bytes]], kept: set[int], share: float
) -> Disk:
    disk = dict(before)
    contents: Disk = {}  # of files by the name under which they were written, named or not
    for i, (step, name, value) in enumerate(log):
        if step == "create":
            contents[name] = b""
            if i in kept:
                disk[name] = b""
        elif step == "write" and isinstance(value, bytes):
            synced = ("fsync", name, "") in log[i:]
            contents[name] += value if synced else value[: int(len(value) * share)]
            if name in disk:
                disk[name] = contents[name]
        elif step == "replace" and i in kept and isinstance(value, str):
            moved = disk.pop(name, contents.get(name) if name.endswith(".tmp") else None)
            if moved is not None:
                disk[value] = moved
    return disk
