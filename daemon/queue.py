"""Whose turn it is: some torrents run, the others wait in their order.

Downloads and seeds are counted apart. Who moves no data for a while is stalled: it goes on, and
somebody else runs beside it. When it wakes up, the last in the order waits again. Forced torrents
run whatever the queue says, and are not counted. Decides alone; `now` is monotonic seconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from torrentd.config.schema import Queue as Settings
from torrentd.daemon.witness import Happening
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions

STALLED_S: Final = 300.0
LOOK_S: Final = 10.0

Move = Literal["top", "up", "down", "bottom", "now", "later"]


class Member(Protocol):
    """What is asked of a torrent."""

    @property
    def infohash(self) -> InfoHash: ...
    @property
    def added_at(self) -> int: ...
    @property
    def options(self) -> TorrentOptions: ...
    @property
    def queued(self) -> bool: ...
    @property
    def wants_turn(self) -> bool:
        """Neither paused, in error, nor being checked."""

    @property
    def is_done(self) -> bool: ...
    @property
    def moved_bytes(self) -> int:
        """Data received as a download, sent as a seed."""

    def set_queued(self, queued: bool) -> None: ...
    def set_options(self, options: TorrentOptions) -> None: ...


@dataclass(slots=True)
class _Seen:
    """When data moved last, or its turn began."""

    moved_bytes: int
    is_done: bool
    at: float


class Queue:
    """`torrents` are those that are awake: who is at rest moves no data, and takes nobody's place.
    `positions` are those of all. `soon` lets somebody call `look` soon, once for all that happens
    until then."""

    def __init__(
        self,
        settings: Settings,
        torrents: Callable[[], Iterable[Member]],
        positions: Callable[[], Iterable[int]],
        soon: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._torrents = torrents
        self._positions = positions
        self._soon = soon
        self._seen: dict[InfoHash, _Seen] = {}
        self._last: int | None = None  # the highest position
        self.held = False  # somebody may have been told to wait

    def reconfigure(self, settings: Settings) -> None:
        self._settings = settings
        self._soon()

    @property
    def holds(self) -> bool:
        """Does anybody have to wait at all?"""
        return bool(self._settings.active_downloads_max or self._settings.active_seeds_max)

    def happened(self, happening: Happening) -> None:
        """As a witness."""
        self._soon()

    def looked_at(self, infohash: InfoHash) -> None:
        self._soon()

    def order(self) -> list[Member]:
        """First come those who are first served."""
        return sorted(self._torrents(), key=_place)

    def next_position(self) -> int:
        """Behind everybody, those at rest too."""
        if self._last is None:
            self._last = max(self._positions(), default=0)
        self._last += 1
        return self._last

    def look(self, now: float) -> None:
        """Let each run or wait."""
        self.held = self.holds
        if not self.holds:
            self._seen.clear()
            for member in self._torrents():
                member.set_queued(False)
            return
        settings = self._settings
        free = {False: settings.active_downloads_max, True: settings.active_seeds_max}
        limited = {done: limit > 0 for done, limit in free.items()}
        seen: dict[InfoHash, _Seen] = {}
        for member in self.order():
            if not member.wants_turn:
                continue
            done = member.is_done
            runs = member.options.forced or not limited[done] or free[done] > 0
            if runs:
                seen[member.infohash] = self._observe(member, now)
                stalled = now - seen[member.infohash].at >= STALLED_S
                free[done] -= not (stalled or member.options.forced)
            member.set_queued(not runs)
        self._seen = seen

    def move(self, infohashes: list[InfoHash], to: Move) -> None:
        """Change the order; those that are moved stay in their order among each other."""
        order = self.order()
        moved = [each for each in order if each.infohash in infohashes]
        match to:
            case "now" | "later":
                for member in moved:
                    _change(member, replace(member.options, forced=to == "now"))
            case "top":
                _place_from(moved, order[0].options.position - len(moved))
            case "bottom":
                _place_from(moved, order[-1].options.position + 1)
                self._last = None
            case "up":
                _place_anew(_up(order, moved))
                self._last = None
            case "down":
                _place_anew(_up(order[::-1], moved[::-1])[::-1])
                self._last = None
        self._soon()

    def _observe(self, member: Member, now: float) -> _Seen:
        seen = self._seen.get(member.infohash)
        moved_bytes, is_done = member.moved_bytes, member.is_done
        if seen is None or (seen.moved_bytes, seen.is_done) != (moved_bytes, is_done):
            return _Seen(moved_bytes, is_done, now)
        return seen


def _place(member: Member) -> tuple[int, int, InfoHash]:
    return member.options.position, member.added_at, member.infohash


def _change(member: Member, options: TorrentOptions) -> None:
    if options != member.options:
        member.set_options(options)


def _place_from(members: list[Member], position: int) -> None:
    for at, member in enumerate(members, position):
        _change(member, replace(member.options, position=at))


def _place_anew(order: list[Member]) -> None:
    """With the positions that they have, so that few change; anew where several share one."""
    positions = sorted({each.options.position for each in order})
    if len(positions) < len(order):
        positions = list(range(1, len(order) + 1))
    for position, member in zip(positions, order, strict=True):
        _change(member, replace(member.options, position=position))


def _up(order: list[Member], moved: list[Member]) -> list[Member]:
    """Each changes places with the next of its kind before it: a download never waits for seeds."""
    order = list(order)
    settled: list[Member] = []
    for member in moved:
        at = order.index(member)
        before = [i for i in range(at) if order[i].is_done == member.is_done]
        if before and order[before[-1]] not in settled:
            order[at], order[before[-1]] = order[before[-1]], member
        settled.append(member)
    return order
