"""A torrent whose files are moved to another folder, or get other names.

What is to come goes on record before the first file is touched, and where the files were stays on
record until nothing of them is left there: whenever the daemon is killed, the next start goes on.
A move within a file system takes a moment, in which the peers are sent away. To another one files
are copied, and a complete torrent is served from its old place meanwhile.
"""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from torrentd.daemon.ease import Ease
from torrentd.daemon.free_space import Room, look_at
from torrentd.daemon.holding import Holding, root_name
from torrentd.daemon.known import Known
from torrentd.daemon.logs import get_logger
from torrentd.daemon.opening import Remembered
from torrentd.daemon.resting import roots
from torrentd.daemon.services import Services
from torrentd.daemon.status import Refused
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store import files
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.paths import safe_names
from torrentd.wire.store.relocation import Relocation, Stopped
from torrentd.wire.store.resume import Place, ResumeState

log = get_logger("torrent")


class Moving(Ease, ABC):
    """Between its rest and its life (torrent)."""

    def __init__(self, services: Services, known: Known) -> None:
        super().__init__(services, known)
        self._relocation: Relocation | None = None
        self._moving: asyncio.Task[None] | None = None

    def place_in(self, folder: str) -> Place:
        """The same names there."""
        return Place(folder, tuple(self.holding.names))

    def place_renamed(self, path: str, name: str) -> Place:
        """A file or folder of it with another name. Raises Refused."""
        if not self.holding.names:
            raise Refused("its files are not known yet")
        names = self.holding.names
        below = f"{names[0].partition('/')[0]}/{path}"
        known = any(each == path or each.startswith(path + "/") for each in names)
        return Place(self._state.download_dir, renamed(names, path if known else below, name))

    @property
    def moved(self) -> float:
        """How much of the way is done, 0 to 1."""
        return self._relocation.progress if self._relocation is not None else 0.0

    async def move(self, place: Place) -> None:
        """Begin; `is_moving` tells how long it takes. Raises Refused; then nothing has changed.
        `names` of the place are () where the torrent has none yet."""
        self._refuse_while_moving()
        if self.info is None or not self.holding.names:
            if self.holding.opening:
                raise Refused("its data is being looked at; try again in a moment")
            self._state.download_dir = place.download_dir
            await self._hold_elsewhere(Remembered(), self.holding.record.recorded)
            if self.info is not None:
                self._begin_opening(self.info)
            return
        if not self.opened and self.error is None:
            raise Refused("its data is being checked; move it when that is done")
        if await self._was_moved_to(place):
            await self._look_there(place)
            return
        self._claim(place)
        try:
            await self._check(place)
        except Refused:
            self._claim(None)
            raise
        self._state.moving_to = place
        self.holding.record.changed()
        self._go_on_moving()

    def go_home(self) -> None:
        """It is done: to the folder where it belongs."""
        if self.heads_home and self.is_done and not self.is_moving:
            self._services.tasks.spawn(self._go_home(), f"move home {self.infohash.hex()}")

    async def settle(self, info: Info) -> None:
        """Before its data is looked at for the first time: where some of it is at home already, it
        belongs there from the start."""
        home = Path(self.options.final_dir)
        if not self.heads_home or self.holding.names:
            return
        first = home / root_name(info, self.infohash)
        if await self._services.disk.workers_for(home).run(partial(os.path.lexists, first)):
            self._state.download_dir = str(home)
            self._state.options = replace(self.options, final_dir="")
            await self._hold_elsewhere(Remembered(), self.holding.record.recorded)

    async def moving(self) -> None:
        """Until it is there, or cannot go on."""
        if self._moving is not None:
            await asyncio.wait([self._moving])

    # ---- inside

    async def _go_home(self) -> None:
        try:
            await self.move(self.place_in(self.options.final_dir))
        except Refused as refused:
            log.error("it stays where it is", torrent=self.infohash.hex(), cause=str(refused))
            self.set_options(replace(self.options, final_dir=""))
            self._services.witnesses.looked_at(self.infohash)
            self._tell_waiters()

    def _refuse_while_moving(self) -> None:
        if self.is_moving:
            to = self._state.moving_to
            where = to.download_dir if to is not None else ""
            raise Refused(f"its files are on their way to {where}")

    def _claim(self, place: Place | None) -> None:
        """Where it is, and where it goes to."""
        mine = roots(self._state.download_dir, self.holding.names)
        more = roots(place.download_dir, place.names) if place is not None else []
        owner = self._services.claims.claim(self.infohash, [*mine, *more])
        if owner is not None:
            raise Refused(f"torrent {owner.hex()} has files of that name there")

    def _from_here(self, place: Place) -> Relocation:
        here = self._here()
        return Relocation(
            Path(here.download_dir), here.names, Path(place.download_dir), place.names
        )

    def _here(self) -> Place:
        return Place(self._state.download_dir, tuple(self.holding.names))

    async def _check(self, place: Place) -> None:
        workers = self._services.disk.workers_for(Path(place.download_dir))
        found = await workers.run(partial(_measure, self._from_here(place)))
        if isinstance(found, StoreError):
            raise Refused(str(found))
        copied_bytes, room = found
        if copied_bytes and room is not None:
            folder = Path(place.download_dir)
            problem = self._services.free_space.refuse_copy(folder, room, copied_bytes)
            if problem is not None:
                raise Refused(problem)

    def _go_on_moving(self) -> None:
        """Begin, or go on after a start or an error."""
        if self._moving is None or self._moving.done():
            name = f"move {self.infohash.hex()}"
            self._moving = self._services.tasks.spawn(self._move(), name)

    async def _move(self) -> None:
        place = self._state.moving_to
        assert place is not None and self.info is not None
        self._relocation = relocation = self._from_here(place)
        if not (self.is_done and _is_elsewhere(self._here(), place)):
            self._quiet()
            self._state = self._what_is_true()
            self.holding.close()
            self.traffic.storage = None
            self.opened = False
        self.holding.record.touch()
        await self.holding.record.flush()
        recorded = self.holding.record.recorded
        if recorded is None or recorded.moving_to != place:
            self._stay()
            return
        workers = self._services.disk.workers_for(Path(place.download_dir))
        problem = await workers.run(partial(_tried, relocation.run))
        if self._closed:
            return  # the next start goes on
        if problem is not None:
            if not isinstance(problem, Stopped):
                self._fail(f"its files cannot be moved: {problem}")
            return
        await self._arrive(place)
        await workers.run(partial(_tried, relocation.clean))
        if not self._closed:
            self._state.moved_from = None
            self.holding.record.changed()

    async def _was_moved_to(self, place: Place) -> bool:
        """By the user: nothing of it is here any more, and something of it is there."""
        here, info = self._here(), self.info
        if info is None or here.names != place.names:
            return False
        if list(here.names) != safe_names(info, self.infohash):
            return False  # who looks there would look for other names
        workers = self._services.disk.workers_for(Path(place.download_dir))
        return await workers.run(partial(_is_there_alone, here, place))

    async def _look_there(self, place: Place) -> None:
        """As at what a new torrent finds in its folder: every byte is hashed."""
        assert self.info is not None
        self._claim(place)
        self._quiet()
        nothing = replace(self._what_is_true(), have=b"", piece_count=0, names=(), stamps=())
        self._state = replace(nothing, download_dir=place.download_dir)
        self.error = None
        self.opened = False
        self.traffic.storage = None
        await self._hold_elsewhere(Remembered(), self.holding.record.recorded)
        self._claim(None)
        if not self._closed:
            self._begin_opening(self.info)

    def _stay(self) -> None:
        """It cannot be put on record where the files go: nothing has been touched."""
        if not self._closed:
            self._state.moving_to = None
            self._claim(None)
            self._fail(f"its files stay where they are: {self.holding.record.error}")

    async def _arrive(self, place: Place) -> None:
        """The files are there, as they were when they went on record last."""
        self._quiet()
        await self.holding.record.flush()
        recorded = self.holding.record.recorded
        assert recorded is not None
        here = self._here()
        self._state = self._what_is_true()
        self.traffic.storage = None
        self.opened = False
        self._state.download_dir, self._state.names = place.download_dir, place.names
        self._state.have, self._state.piece_count = recorded.have, recorded.piece_count
        self._state.stamps = recorded.stamps
        self._state.moving_to, self._state.moved_from = None, here
        self._state.options = replace(self.options, final_dir="")
        have = Bitfield.from_bytes(recorded.have, recorded.piece_count)
        await self._hold_elsewhere(Remembered(place.names, have, recorded.stamps), recorded)
        self._claim(None)
        log.info("moved", torrent=self.infohash.hex(), to=place.download_dir)
        assert self.info is not None
        if not self._closed:
            self._begin_opening(self.info)

    async def _hold_elsewhere(self, remembered: Remembered, recorded: ResumeState | None) -> None:
        """What is at rest is somewhere else from now on, and that is on record."""
        record = self.holding.record
        record.close()
        await record.idle()
        if self._closed:
            return  # the record says what is to come, and the next start does it
        self.holding.close()
        self.holding = self._make_holding(remembered, recorded)
        self.holding.record.touch()
        await self.holding.record.flush()

    def _clean_up(self) -> None:
        """After a start: what an earlier run left where the files were."""
        place = self._state.moved_from
        if place is not None:
            here = self._here()
            left = Relocation(
                Path(place.download_dir), place.names, Path(here.download_dir), here.names
            )
            workers = self._services.disk.workers_for(Path(place.download_dir))
            workers.submit(partial(_tried, left.clean), self._cleaned)

    def _cleaned(self, problem: StoreError | None) -> None:
        if problem is None and not self._closed:
            self._state.moved_from = None
            self.holding.record.changed()

    def _stop_moving(self) -> None:
        if self._relocation is not None:
            self._relocation.stop()

    async def _end_of_moving(self) -> None:
        await self.moving()

    async def _remove_moved(self, info: Info) -> None:
        """With its data, what is on its way too."""
        for place in (self._state.moving_to, self._state.moved_from):
            if place is not None:
                await self.holding.remove_at(info, Path(place.download_dir), place.names)

    async def check_trash(self) -> None:
        """Refused where its data could not go to the trash."""
        try:
            await self.holding.find_trash()
        except StoreError as error:
            raise Refused(f"nothing was removed: {error}") from None
        self._refuse_while_moving()

    @abstractmethod
    def _make_holding(self, remembered: Remembered, recorded: ResumeState | None) -> Holding: ...

    @abstractmethod
    def _begin_opening(self, info: Info) -> None: ...

    @abstractmethod
    def _quiet(self) -> None: ...

    @abstractmethod
    def _tell_waiters(self) -> None: ...


def renamed(names: list[str], path: str, name: str) -> tuple[str, ...]:
    """The names with the file or folder at `path` called `name`. Raises Refused."""
    folder, slash, _ = path.rpartition("/")
    target = f"{folder}{slash}{name}"
    found = [
        target + each[len(path) :] if each == path or each.startswith(path + "/") else each
        for each in names
    ]
    if found == names or not path:
        raise Refused(f"it has no file or folder {path[:80]!r}; `torrentctl files` lists them")
    present = [each for each in found if each]
    folders = {each[:at] for each in present for at, sign in enumerate(each) if sign == "/"}
    if len(set(present)) != len(present) or folders & set(present):
        raise Refused(f"it has a {target[:80]!r} already")
    return tuple(found)


def _is_elsewhere(here: Place, there: Place) -> bool:
    """On another file system?"""
    try:
        devices = [os.stat(each.download_dir).st_dev for each in (here, there)]
    except OSError:
        return False
    return devices[0] != devices[1]


def _measure(relocation: Relocation) -> tuple[int, Room | None] | StoreError:
    """In a thread: what is to be copied, and the disk it goes to; or why it cannot begin."""
    try:
        return relocation.check(), look_at(relocation.new_root)
    except StoreError as error:
        return error


def _is_there_alone(here: Place, there: Place) -> bool:
    """In a thread. Empty files count for nothing: a check may have made them."""
    try:
        seen = [files.look_at(Path(each.download_dir), each.names) for each in (here, there)]
    except StoreError:
        return False
    old, new = (any(stamp and stamp.size_bytes for stamp in stamps) for stamps in seen)
    return new and not old


def _tried(step: Callable[[], None]) -> StoreError | None:
    """In a thread, where errors are values."""
    try:
        step()
    except StoreError as error:
        return error
    return None
