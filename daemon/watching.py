"""Watch folders: whatever torrent or magnet file is put there is added, by inotify.

A file is taken when its writer closes it or moves it there; those that are there at the start when
nobody has written to them for some seconds. One that cannot be added is called invalid only then,
too: perhaps its writer is not done. Folders that are missing are looked for again, and all are
looked through now and then, since a network file system tells of nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from torrentd.config.entries import WatchFolder
from torrentd.daemon import watch_folder
from torrentd.daemon.logs import get_logger
from torrentd.daemon.status import AddRequest, AddResult, Refused
from torrentd.daemon.watch_folder import Found
from torrentd.wire.store.options import TorrentOptions

if TYPE_CHECKING:
    from torrentd.daemon.inotify import Inotify

LOOK_S = 30.0

T = TypeVar("T")

log = get_logger("watch")


class Threads(Protocol):
    """Who runs what blocks."""

    async def run(self, job: Callable[[], T]) -> T: ...


ThreadsOf = Callable[[Path], Threads]  # each folder's own, since one may hang


class Adding(Protocol):
    """The session."""

    async def add(self, request: AddRequest) -> AddResult: ...


class Watching:
    """All watch folders of the configuration."""

    def __init__(self, folders: Sequence[WatchFolder], session: Adding, threads: ThreadsOf) -> None:
        self.problems: dict[Path, str] = {}  # why a folder is not watched
        self._folders = {folder.path: folder for folder in folders}
        self._session = session
        self._threads = threads
        self._inotify: Inotify | None = None
        self._stuck: dict[Path, None] = {}  # dealt with, and not to be renamed
        self._watched: dict[int, Path] = {}
        self._put: dict[Path, None] = {}  # files to be looked at now
        self._look_again = True
        self._closed = False
        self._wake = asyncio.Event()

    def change(self, folders: Sequence[WatchFolder]) -> None:
        """Those of the configuration now."""
        self._folders = {folder.path: folder for folder in folders}
        for watch, path in list(self._watched.items()):
            if path not in self._folders and self._inotify is not None:
                del self._watched[watch]
                self._inotify.forget(watch)
        self._look_again = True
        self._wake.set()

    def warnings(self) -> list[str]:
        return [f"{path} is not watched: {why}" for path, why in self.problems.items()]

    async def run(self) -> None:
        while not self._folders:
            await self._wake.wait()
            self._wake.clear()
        any_folder = next(iter(self._folders))
        made = await self._threads(any_folder).run(_make_inotify)
        if isinstance(made, str):  # it is looked at now and then all the same
            log.warning("no inotify", cause=made)
        elif self._closed:
            made.close()
        else:
            self._inotify = made
            asyncio.get_running_loop().add_reader(made.fileno(), self._readable)
        while True:
            again_s = await self._look_through() if self._look_again else LOOK_S
            while self._put:
                path = next(iter(self._put))
                del self._put[path]
                if not await self._take(path):
                    again_s = watch_folder.AT_REST_S
            await self._wait(again_s)

    def close(self) -> None:
        self._closed = True
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fileno())
            self._inotify.close()
            self._inotify = None

    async def _wait(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._wake.wait()
        except TimeoutError:
            self._look_again = True
        self._wake.clear()

    def _readable(self) -> None:
        assert self._inotify is not None
        for told in self._inotify.read():
            path = self._watched.get(told.number)
            if told.lost:
                self._look_again = True
            elif path is not None and told.gone:
                del self._watched[told.number]
                self._look_again = True
            elif path is not None and watch_folder.is_addable(told.name):
                self._stuck.pop(path / told.name, None)
                self._put[path / told.name] = None
        self._wake.set()

    async def _look_through(self) -> float:
        """Every folder: watch it, then list it, so that nothing falls between the two; in how many
        seconds to look again."""
        self._look_again = False
        again_s = LOOK_S
        for path in list(self._folders):
            problem = await self._watch(path)
            found = await self._threads(path).run(partial(watch_folder.names, path))
            if isinstance(found, str):
                problem = found
            self._tell(path, problem)
            there = [path / name for name in found] if isinstance(found, list) else []
            for file in there:
                known = file in self._put or file in self._stuck
                if not known and not await self._take(file, resting=True):
                    again_s = watch_folder.AT_REST_S
        for gone in [path for path in self.problems if path not in self._folders]:
            del self.problems[gone]
        return again_s

    async def _watch(self, path: Path) -> str | None:
        """The reason when it cannot be watched."""
        if self._inotify is None or path in self._watched.values():
            return None
        number = await self._threads(path).run(partial(self._inotify.watch, path))
        if isinstance(number, str):
            return number
        self._watched[number] = path
        return None

    def _tell(self, path: Path, problem: str | None) -> None:
        if problem is None:
            self.problems.pop(path, None)
        elif self.problems.get(path) != problem:
            log.warning("folder is not watched", path=str(path), cause=problem)
            self.problems[path] = problem

    async def _take(self, path: Path, resting: bool = False) -> bool:
        """Add what is in the file. False: it is to be looked at again, as it may not be whole;
        `resting`: nobody said that it is."""
        folder = self._folders.get(path.parent)
        threads = self._threads(path.parent)
        found = await threads.run(partial(watch_folder.read, path))
        if folder is None or found is None:
            return True
        if resting and not found.at_rest:
            return False
        problem = found.problem or await self._add(folder, found)
        if problem is not None and not found.at_rest:
            return False
        if problem is not None:
            log.error("not added from a watch folder", path=str(path), cause=problem)
        failed = await threads.run(partial(watch_folder.settle, path, problem))
        if failed is not None:
            log.error("file in a watch folder not renamed", path=str(path), cause=failed)
            self._stuck[path] = None
        return True

    async def _add(self, folder: WatchFolder, found: Found) -> str | None:
        """All that is in it; the reasons why some of it cannot be added."""
        requests = [self._request(folder, magnet=magnet) for magnet in found.magnets]
        if found.metainfo is not None:
            requests.append(self._request(folder, metainfo=found.metainfo))
        problems = []
        for request in requests:
            try:
                await self._session.add(request)
            except Refused as refused:
                where = f"{request.magnet[:60]}: " if request.magnet and len(requests) > 1 else ""
                problems.append(f"{where}{refused}")
        return "\n".join(problems) or None

    def _request(
        self, folder: WatchFolder, magnet: str | None = None, metainfo: bytes | None = None
    ) -> AddRequest:
        return AddRequest(
            magnet=magnet,
            metainfo=metainfo,
            download_dir=str(folder.dir) if folder.dir is not None else None,
            paused=folder.paused,
            options=TorrentOptions(labels=folder.labels),
        )


def _make_inotify() -> "Inotify | str":
    """In a thread; the reason when there is none to be had."""
    from torrentd.daemon.inotify import Inotify

    try:
        return Inotify()
    except OSError as error:
        return error.strerror or "it cannot be had"
