"""Room on the disks (P11): looked at before a download begins, and every ten seconds from then on.

A torrent begins only when all that it lacks fits beside what those before it still lack, and beside
the reserve; so what has begun can be finished. When somebody else takes the reserve, all downloads
on that file system wait, with their peers, and go on when there is some more room than was missed.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from torrentd.config.schema import Limits
from torrentd.daemon.ctl.quantities import size
from torrentd.daemon.disk import Disk
from torrentd.wire.formats.ids import InfoHash

LOOK_INTERVAL_S = 10.0
HYSTERESIS = 10  # a tenth of the reserve more than it takes, for one that waits to go on


@dataclass(frozen=True, slots=True)
class Room:
    """What statvfs says of one file system. `inodes` 0: it does not count them."""

    device: int
    size_bytes: int
    free_bytes: int  # for those who are not root
    inodes: int = 0
    free_inodes: int = 0


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a torrent's files do not take on disk yet, and how many are not there."""

    unallocated_bytes: int
    missing_files: int


class Place(Protocol):
    """Where a torrent is written to."""

    root: Path

    def footprint(self) -> Footprint:
        """Blocking."""


class Writer(Protocol):
    """A torrent."""

    infohash: InfoHash
    no_room: str | None  # the last answer

    @property
    def holding(self) -> Place: ...
    @property
    def lacking_bytes(self) -> int:
        """What is still to be written; 0 while nothing is to be."""

    def room_found(self, no_room: str | None) -> None:
        """It may write; or a sentence why not."""


def look_at(folder: Path) -> Room | None:
    """The file system of a folder, or of the nearest one above it that is there. Blocking; None
    when it does not say."""
    try:
        while not folder.exists():
            folder = folder.parent
        found = os.statvfs(folder)
        device = folder.stat().st_dev
    except OSError:
        return None
    unit = found.f_frsize
    return Room(device, found.f_blocks * unit, found.f_bavail * unit, found.f_files, found.f_favail)


class FreeSpace:
    """`limits` may be replaced at any time."""

    def __init__(
        self, limits: Limits, disk: Disk, torrents: Callable[[], Iterable[Writer]]
    ) -> None:
        self.limits = limits
        self._disk = disk
        self._torrents = torrents
        self._devices: dict[Path, int] = {}
        self._looking: set[Path] = set()
        self._again: set[Path] = set()
        self._needs: dict[InfoHash, Footprint] = {}  # of those that wait
        self._promised: dict[InfoHash, int] = {}  # bytes, of those that may write

    def look_at_all(self) -> None:
        """Every folder that is being downloaded to; to be called now and then."""
        writing = [torrent for torrent in self._torrents() if torrent.lacking_bytes]
        alive = {torrent.infohash for torrent in writing}
        self._promised = {key: n for key, n in self._promised.items() if key in alive}
        self._needs = {key: need for key, need in self._needs.items() if key in alive}
        for root in dict.fromkeys(torrent.holding.root for torrent in writing):
            self.look(root)

    def look(self, root: Path) -> None:
        """The torrents that download to `root` hear `room_found` as soon as its disk has answered;
        one that hangs is waited for by nobody else."""
        if root in self._looking:
            self._again.add(root)
            return
        self._looking.add(root)
        waiting = [
            torrent
            for torrent in self._torrents()
            if torrent.holding.root == root
            and torrent.lacking_bytes
            and torrent.infohash not in self._promised
        ]
        job = partial(_measure, root, [(each.infohash, each.holding.footprint) for each in waiting])
        self._disk.workers_for(root).submit(job, partial(self._looked, root))

    def _looked(self, root: Path, found: tuple[Room | None, dict[InfoHash, Footprint]]) -> None:
        self._looking.discard(root)
        room, needs = found
        self._needs.update(needs)
        if room is None:
            self._devices.pop(root, None)
            for torrent in self._torrents():
                if torrent.holding.root == root:
                    torrent.room_found(None)  # the disk itself will say what is wrong
        else:
            self._devices[root] = room.device
            self._judge(room)
        if root in self._again:
            self._again.discard(root)
            self.look(root)

    def _judge(self, room: Room) -> None:
        """Those that write already come first, then those that were added first."""
        devices = self._devices
        here = [each for each in self._torrents() if devices.get(each.holding.root) == room.device]
        reserve, inodes_reserve = self._reserve(room)
        spare = room.free_bytes - reserve
        others = 0
        waiting = []
        for torrent in here:
            lacking = torrent.lacking_bytes
            if not lacking:
                self._promised.pop(torrent.infohash, None)
                torrent.room_found(None)
            elif torrent.infohash not in self._promised:
                if torrent.infohash in self._needs:  # else it has just come: a look follows
                    waiting.append(torrent)
            elif spare < 0 or (room.inodes and room.free_inodes < inodes_reserve):
                del self._promised[torrent.infohash]
                torrent.room_found(_floor(torrent.holding.root, room, reserve, inodes_reserve))
            else:
                others += min(lacking, self._promised[torrent.infohash])
                torrent.room_found(None)  # one removed and added again has not heard of it
        for torrent in waiting:
            no_room = self._verdict(torrent, room, others)
            if no_room is None:
                self._promised[torrent.infohash] = self._needed(torrent)
                others += self._needed(torrent)
            torrent.room_found(no_room)

    def _verdict(self, torrent: Writer, room: Room, others: int) -> str | None:
        need = self._needs[torrent.infohash]
        reserve, inodes_reserve = self._reserve(room)
        more = reserve // HYSTERESIS if torrent.no_room is not None else 0
        root = torrent.holding.root
        if room.free_bytes < reserve + more:
            return _floor(root, room, reserve, inodes_reserve)
        needed = self._needed(torrent)
        if needed + others + more > room.free_bytes - reserve:
            return (
                f"{root} has {size(room.free_bytes)} free, of which {size(reserve)} stay free; "
                f"the torrent needs {size(needed)}{_beside(others)}"
            )
        if room.inodes and need.missing_files > room.free_inodes - inodes_reserve:
            return (
                f"{root} has room for {room.free_inodes} files, of which {inodes_reserve} stay "
                f"free; the torrent has {need.missing_files} to make"
            )
        return None

    def refuse_copy(self, folder: Path, room: Room, copied_bytes: int) -> str | None:
        """Why so much cannot be copied there, beside what downloads on its disk still need."""
        here = [t for t in self._torrents() if self._devices.get(t.holding.root) == room.device]
        others = sum(min(t.lacking_bytes, self._promised.get(t.infohash, 0)) for t in here)
        reserve, _ = self._reserve(room)
        if copied_bytes + others <= room.free_bytes - reserve:
            return None
        return (
            f"{folder} has {size(room.free_bytes)} free, of which {size(reserve)} stay free; "
            f"{size(copied_bytes)} are to be copied there{_beside(others)}"
        )

    def _needed(self, torrent: Writer) -> int:
        """Blocks that a file has already cost nothing more."""
        return min(torrent.lacking_bytes, self._needs[torrent.infohash].unallocated_bytes)

    def _reserve(self, room: Room) -> tuple[int, int]:
        percent = self.limits.free_percent_min
        reserve = max(self.limits.free_bytes_min, room.size_bytes * percent // 100)
        return reserve, room.inodes * percent // 100


def _measure(
    root: Path, waiting: list[tuple[InfoHash, Callable[[], Footprint]]]
) -> tuple[Room | None, dict[InfoHash, Footprint]]:
    """In a thread."""
    return look_at(root), {infohash: footprint() for infohash, footprint in waiting}


def _beside(others_bytes: int) -> str:
    return f" beside the {size(others_bytes)} that others still need" if others_bytes else ""


def _floor(root: Path, room: Room, reserve: int, inodes_reserve: int) -> str:
    if room.free_bytes < reserve or not room.inodes or room.free_inodes >= inodes_reserve:
        return f"{root} has {size(room.free_bytes)} free, and {size(reserve)} stay free"
    return f"{root} has room for {room.free_inodes} files, and {inodes_reserve} stay free"
