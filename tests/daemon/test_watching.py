"""Watch folders, with a real inotify: taken when whole, by whatever way it came there."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemon.session_room import make_config, new_host, run, running, supervised, until
from tests.wire.torrents import single_file
from torrentd.config.entries import WatchFolder
from torrentd.daemon import watch_folder, watching
from torrentd.daemon.status import AddRequest, AddResult, Refused
from torrentd.daemon.watching import Watching
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.metainfo import encode_metainfo

TORRENT = encode_metainfo(single_file(b"x" * 50_000, 16384, b"small.bin").metadata)
MAGNET = "magnet:?xt=urn:btih:" + "ab" * 20


class Session:
    """Takes what is one of the two above."""

    def __init__(self) -> None:
        self.added: list[AddRequest] = []

    async def add(self, request: AddRequest) -> AddResult:
        if request.metainfo not in (None, TORRENT) or request.magnet not in (None, MAGNET):
            raise Refused("it is no torrent")
        self.added.append(request)
        return AddResult("ab" * 20, "name", added=True)


class Room:
    def __init__(self, folder: Path, session: Session, watching: Watching) -> None:
        self.folder = folder
        self.session = session
        self.watching = watching

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    async def settled(self, *names: str) -> None:
        await until(lambda: self.names() == sorted(names))


@asynccontextmanager
async def watched(folder: Path, *more: WatchFolder) -> AsyncIterator[Room]:
    async with supervised() as tasks:
        workers = Workers("test", 2, tasks)
        session = Session()
        watching = Watching([WatchFolder(path=folder), *more], session, lambda path: workers)
        tasks.spawn(watching.run(), "watch folders")
        yield Room(folder, session, watching)
        watching.close()


async def until_watched(room: Room) -> None:
    await until(lambda: bool(room.watching._watched))


def rested(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    os.utime(path, (1, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "watch"
    path.mkdir()
    return path


@pytest.fixture
def never_by_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 1000.0)
    monkeypatch.setattr(watch_folder, "AT_REST_S", 900.0)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.05)
    monkeypatch.setattr(watch_folder, "AT_REST_S", 0.1)


def test_what_is_there_at_the_start_is_added(folder: Path) -> None:
    async def scenario() -> None:
        rested(folder / "a.torrent", TORRENT)
        rested(folder / "b.magnet", f"{MAGNET}\n{MAGNET}\n".encode())
        rested(folder / "c.torrent", b"no torrent")
        async with watched(folder) as room:
            await room.settled(
                "a.torrent.added", "b.magnet.added", "c.torrent.invalid", "c.torrent.invalid.txt"
            )
            kinds = [(request.metainfo, request.magnet) for request in room.session.added]
            assert kinds == [(TORRENT, None), (None, MAGNET), (None, MAGNET)]

    run(scenario())


@pytest.mark.usefixtures("never_by_looking")
def test_what_is_put_there_is_taken_when_its_writer_closes_it(folder: Path) -> None:
    async def scenario() -> None:
        async with watched(folder) as room:
            await until_watched(room)
            with (folder / "a.torrent").open("wb") as file:
                file.write(TORRENT[:20])
                file.flush()
                (folder / "first.magnet").write_text(MAGNET)
                await room.settled("a.torrent", "first.magnet.added")
                assert len(room.session.added) == 1, "half of it is no torrent yet"
                file.write(TORRENT[20:])
            await room.settled("a.torrent.added", "first.magnet.added")
            (folder / ".b.torrent").write_bytes(TORRENT)
            (folder / ".b.torrent").rename(folder / "b.torrent")
            await room.settled("a.torrent.added", "b.torrent.added", "first.magnet.added")

    run(scenario())


@pytest.mark.usefixtures("soon")
def test_a_writer_who_closes_it_twice_is_waited_for(folder: Path) -> None:
    async def scenario() -> None:
        async with watched(folder) as room:
            await until_watched(room)
            (folder / "a.torrent").write_bytes(TORRENT[:20])
            (folder / "b.torrent").write_bytes(b"never a torrent")
            with (folder / "a.torrent").open("ab") as file:
                file.write(TORRENT[20:])
            await room.settled("a.torrent.added", "b.torrent.invalid", "b.torrent.invalid.txt")

    run(scenario())


@pytest.mark.usefixtures("soon")
def test_without_a_word_of_inotify_it_is_found_by_looking(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_make_inotify", lambda: "Too many open files")

    async def scenario() -> None:
        async with watched(folder) as room:
            (folder / "a.torrent").write_bytes(TORRENT)
            await room.settled("a.torrent.added")

    run(scenario())


@pytest.mark.usefixtures("soon")
def test_a_folder_that_is_missing_is_told_and_taken_up_when_it_comes(tmp_path: Path) -> None:
    async def scenario() -> None:
        folder = tmp_path / "watch"
        async with watched(folder) as room:
            await until(lambda: bool(room.watching.warnings()))
            assert room.watching.warnings() == [
                f"{folder} is not watched: No such file or directory"
            ]
            folder.mkdir()
            await until(lambda: not room.watching.warnings())
            (folder / "a.torrent").write_bytes(TORRENT)
            await room.settled("a.torrent.added")
            folder.rename(tmp_path / "elsewhere")
            await until(lambda: bool(room.watching.warnings()))

    run(scenario())


@pytest.mark.usefixtures("soon")
def test_options_are_those_of_the_folder_and_change_with_a_reload(
    folder: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        other = tmp_path / "other"
        other.mkdir()
        async with watched(folder) as room:
            await until_watched(room)
            entry = WatchFolder(path=other, dir=tmp_path / "films", labels=("film",), paused=True)
            room.watching.change([entry])
            (other / "a.torrent").write_bytes(TORRENT)
            (folder / "b.torrent").write_bytes(TORRENT)
            await until((other / "a.torrent.added").exists)
            (request,) = room.session.added
            assert request.download_dir == str(tmp_path / "films") and request.paused
            assert request.options.labels == ("film",)
            assert room.names() == ["b.torrent"]

    run(scenario())


def test_of_several_magnets_the_good_are_added_and_the_bad_named(folder: Path) -> None:
    async def scenario() -> None:
        rested(folder / "a.magnet", f"{MAGNET}\nnonsense\n".encode())
        async with watched(folder) as room:
            await room.settled("a.magnet.invalid", "a.magnet.invalid.txt")
            assert len(room.session.added) == 1
        sentence = (folder / "a.magnet.invalid.txt").read_text()
        assert sentence == "nonsense: it is no torrent\n"

    run(scenario())


def test_a_session_adds_what_is_there_over_restarts(folder: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        config = config.model_copy(update={"watch": (WatchFolder(path=folder, paused=True),)})
        rested(folder / "a.torrent", TORRENT)
        for _ in range(2):
            async with running(config) as session:
                await until((folder / "a.torrent.added").exists)
                (torrent,) = session.torrents()
                assert (torrent.name, torrent.state) == ("small.bin", "paused")
            (folder / "a.torrent.added").rename(folder / "a.torrent")

    run(scenario())


@pytest.mark.usefixtures("soon")
def test_one_that_cannot_be_renamed_is_added_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_folder, "settle", lambda path, problem: "Permission denied")
    looked: list[Path] = []
    names = watch_folder.names

    def look(path: Path) -> list[str] | str:
        looked.append(path)
        return names(path)

    monkeypatch.setattr(watch_folder, "names", look)
    rested(folder / "a.torrent", TORRENT)

    async def scenario() -> None:
        async with watched(folder) as room:
            await until(lambda: bool(room.session.added))
            (folder / "b.torrent").write_bytes(TORRENT)
            await until(lambda: len(room.session.added) == 2)
            looks = len(looked)
            await until(lambda: len(looked) > looks + 3)
            assert len(room.session.added) == 2

    run(scenario())


def test_without_a_folder_nothing_is_loaded() -> None:
    """It would cost every daemon the memory of ctypes."""
    program = "import sys, torrentd.daemon.session; print('inotify_simple' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60
    )
    assert done.stdout == b"False\n"
