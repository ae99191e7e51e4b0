"""What a torrent holds: found, believed or hashed again, called off, removed, put on record."""

import asyncio
import os
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    TIMEOUT_S,
    is_complete,
    lay_out,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import File, Torrent, multi_file, single_file
from torrentd.daemon import holding as holding_module
from torrentd.daemon.holding import Holding, root_name
from torrentd.daemon.opening import Remembered, Unusable, run_check
from torrentd.daemon.services import Services
from torrentd.daemon.session import CHECKS_AT_ONCE
from torrentd.daemon.status import AddRequest
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store import resume
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.files import FileStamp, FileStore
from torrentd.wire.store.paths import safe_names
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.store.verify import Check

RNG = random.Random(11)
SINGLE = single_file(RNG.randbytes(10_000), 1000, b"data.bin")
FOLDER = multi_file(
    [File((b"one",), RNG.randbytes(500)), File((b"sub", b"two"), RNG.randbytes(700))], 100
)


class Owner:
    """A torrent that has nothing to say to its data."""

    def __init__(self, torrent: Torrent, root: Path) -> None:
        self.state = ResumeState(torrent.infohash, "of the test", str(root))

    def resume_state(self) -> ResumeState:
        return replace(self.state)

    def piece_stored(self, piece_index: int, buffer: memoryview) -> None: ...
    def piece_refused(self, piece_index: int, buffer: memoryview) -> None: ...
    def store_failed(self, piece_index: int, buffer: memoryview) -> None: ...
    def storage_changed(self) -> None: ...
    def storage_relieved(self) -> None: ...
    def sync_failed(self, error: StoreError) -> None: ...
    def record_window_changed(self) -> None: ...


class Room:
    """The services of a session without torrents, and a download folder."""

    def __init__(self, services: Services, root: Path) -> None:
        self.services = services
        self.root = root

    def hold(self, torrent: Torrent, remembered: Remembered | None = None) -> Holding:
        self.owner = owner = Owner(torrent, self.root)
        remembered = remembered or Remembered()
        return Holding(self.services, torrent.infohash, self.root, remembered, None, owner)

    async def take_all_checks(self) -> None:
        for _ in range(CHECKS_AT_ONCE):
            await self.services.checks.acquire()


@asynccontextmanager
async def room_in(tmp_path: Path) -> AsyncIterator[Room]:
    root = tmp_path / "downloads"
    root.mkdir()
    async with running(make_config(tmp_path, new_host())) as session:
        yield Room(session._services, root)


def change_unseen(path: Path, at: int) -> FileStamp:
    """One byte becomes another, and the file looks as it did before."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return FileStamp(before.st_size, before.st_mtime_ns)


def unusable(opened: Bitfield | Unusable | None) -> str:
    assert isinstance(opened, Unusable)
    return opened.reason


def is_opening(holding: Holding) -> bool:
    return holding.opening


def error_of(holding: Holding) -> str | None:
    return holding.record.error


class TestOpen:
    def test_a_new_torrent_has_nothing_and_room_for_all(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                holding = room.hold(FOLDER)
                assert await holding.open(FOLDER.info) == Bitfield(12)
                assert holding.names == ["root/one", "root/sub/two"]
                assert holding.storage is not None and not holding.opening
                holding.close()

        run(scenario())

    def test_what_is_there_is_hashed_piece_by_piece(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(SINGLE, room.root)
                change_unseen(room.root / "data.bin", 3500)
                holding = room.hold(SINGLE)
                have = await holding.open(SINGLE.info)
                assert have == Bitfield.full(10) - Bitfield.of(10, [3])
                holding.close()

        run(scenario())

    def test_somebody_elses_file_is_no_data_of_ours(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                (room.root / "data.bin").write_bytes(b"precious" * 1250)
                holding = room.hold(SINGLE)
                assert "nothing of this torrent" in unusable(await holding.open(SINGLE.info))
                assert holding.storage is None and not holding.opening
                await holding.remove_data(SINGLE.info)
                assert (room.root / "data.bin").read_bytes() == b"precious" * 1250

        run(scenario())

    def test_who_comes_second_to_the_same_files_is_told_who_has_them(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            other = single_file(bytes(50), name=b"data.bin")
            async with room_in(tmp_path) as room:
                room.hold(SINGLE, Remembered(["data.bin"]))  # on record: claimed before it opens
                holding = room.hold(other)
                assert SINGLE.infohash.hex() in unusable(await holding.open(other.info))
                assert not (room.root / "data.bin").exists()

        run(scenario())


class TestRemembered:
    def test_unchanged_files_are_believed_until_everything_is_to_be_verified(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(SINGLE, room.root)
                stamp = change_unseen(room.root / "data.bin", 0)
                remembered = Remembered(["data.bin"], Bitfield.full(10), [stamp])
                holding = room.hold(SINGLE, remembered)
                assert await holding.open(SINGLE.info) == Bitfield.full(10)
                holding.forget_pieces(10)
                assert holding.storage is None
                assert await holding.open(SINGLE.info) == Bitfield.of(10, range(1, 10))
                holding.close()

        run(scenario())

    def test_data_that_is_gone_is_missed_until_the_loss_is_accepted(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                remembered = Remembered(["data.bin"], Bitfield.full(10), [FileStamp(10_000, 1)])
                holding = room.hold(SINGLE, remembered)
                assert "is gone" in unusable(await holding.open(SINGLE.info))
                holding.forget_pieces(10)
                assert await holding.open(SINGLE.info) == Bitfield(10)
                holding.close()

        run(scenario())


class TestCallingOff:
    def test_a_check_that_waits_for_its_turn_can_be_called_off(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(SINGLE, room.root)
                await room.take_all_checks()
                holding = room.hold(SINGLE)
                opening = asyncio.ensure_future(holding.open(SINGLE.info))
                await asyncio.sleep(0)
                assert is_opening(holding)
                holding.close()
                assert not is_opening(holding)
                room.services.checks.release()
                assert await opening is None
                assert holding.storage is None

        run(scenario())

    def test_of_two_openings_only_the_later_one_counts(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(SINGLE, room.root)
                holding = room.hold(SINGLE)
                both = [asyncio.ensure_future(holding.open(SINGLE.info)) for _ in range(2)]
                assert await asyncio.gather(*both) == [None, Bitfield.full(10)]
                assert holding.storage is not None and not holding.opening
                holding.close()

        run(scenario())


class TestRemoveData:
    def test_only_the_torrents_own_files_go(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(FOLDER, room.root)
                (room.root / "root" / "of the user").write_bytes(b"stays")
                holding = room.hold(FOLDER)
                await holding.open(FOLDER.info)
                holding.close()
                await holding.remove_data(FOLDER.info)
                left = [path.relative_to(room.root) for path in room.root.rglob("*")]
                assert sorted(left) == [Path("root"), Path("root/of the user")]

        run(scenario())

    def test_data_that_was_never_opened_stays(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(FOLDER, room.root)
                await room.hold(FOLDER).remove_data(FOLDER.info)
                assert is_complete(FOLDER, room.root)

        run(scenario())


class TestRecord:
    def test_the_record_tells_how_the_files_looked(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(SINGLE, room.root)
                holding = room.hold(SINGLE)
                await holding.open(SINGLE.info)
                room.owner.state.names = tuple(holding.names)
                holding.record.changed()
                await holding.record.flush()
                loaded = resume.load(room.services.state.resume_path(SINGLE.infohash)).state
                looks = (room.root / "data.bin").stat()
                assert loaded is not None
                assert loaded.stamps == (FileStamp(looks.st_size, looks.st_mtime_ns),)
                holding.close()

        run(scenario())

    def test_a_record_that_cannot_be_saved_is_an_error_of_the_record(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                holding = room.hold(SINGLE)
                room.services.state.torrents.rmdir()
                holding.record.changed()
                await holding.record.idle()
                assert error_of(holding) is not None
                room.services.state.torrents.mkdir()
                await holding.record.flush()
                assert error_of(holding) is None
                holding.record.close()

        run(scenario())


class TestRecordWhileForgetting:
    def test_a_verify_in_the_middle_of_a_save_leaves_no_stamp(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The save runs in a thread; it must neither fail nor vouch for what is doubted."""

        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(SINGLE, room.root)
                holding = room.hold(SINGLE)
                assert isinstance(await holding.open(SINGLE.info), Bitfield)
                room.owner.state.names = tuple(holding.names)
                stamps = FileStore.stamps

                def interrupted(store: FileStore) -> list[FileStamp | None]:
                    holding.forget_pieces(SINGLE.info.geometry.piece_count)
                    return stamps(store)

                monkeypatch.setattr(FileStore, "stamps", interrupted)
                holding.record.changed()
                await holding.record.flush()
                saved = resume.load(room.services.state.resume_path(SINGLE.infohash)).state
                assert saved is not None and saved.stamps == ()

        run(scenario())


class TestRecordWhileOpening:
    def test_a_state_taken_before_the_names_were_known_carries_no_stamps(
        self, tmp_path: Path
    ) -> None:
        """The state disk may be slower than the data disk: a save comes in between."""

        async def scenario() -> None:
            async with room_in(tmp_path) as room:
                lay_out(SINGLE, room.root)
                holding = room.hold(SINGLE)
                await holding.open(SINGLE.info)
                assert room.owner.state.names == ()  # as while the metadata is still being saved
                holding.record.changed()
                await holding.record.flush()
                assert error_of(holding) is None
                path = room.services.state.resume_path(SINGLE.infohash)
                saved = resume.load(path).state
                assert saved is not None and saved.stamps == ()
                holding.close()

        run(scenario())


TORRENT = single_file(bytes(range(250)) * 100, 1000, b"data.bin")


class TestOpening:
    def test_a_torrent_paused_and_resumed_while_it_is_checked_is_opened_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = threading.Event()
        checks = []

        def slow_check(what: Check) -> str | None:
            checks.append(what)
            go_on.wait(5)
            return run_check(what)

        monkeypatch.setattr(holding_module, "run_check", slow_check)

        async def scenario() -> None:
            lay_out(TORRENT, tmp_path / "downloads")
            async with running(make_config(tmp_path, new_host())) as session:
                await session.add(AddRequest(metainfo=encode_metainfo(TORRENT.metadata)))
                infohash = TORRENT.infohash
                await until(lambda: len(checks) == holding_module.CHECK_THREADS)
                assert session.torrent(infohash).state == "checking"
                await session.pause(infohash)
                await session.resume(infohash)
                go_on.set()
                assert await session.wait(infohash, "done", TIMEOUT_S)
                assert len(set(checks)) == 1

        run(scenario())

    def test_a_stop_in_the_middle_of_a_check_is_quick_and_loses_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started = threading.Event()

        def endless_check(what: Check) -> str | None:
            started.set()
            while not what._stopped:
                pass
            return run_check(what)

        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                await seed(session, TORRENT, tmp_path / "source")
                monkeypatch.setattr(holding_module, "run_check", endless_check)
                await session.verify(TORRENT.infohash)
                await until(started.is_set)
            monkeypatch.setattr(holding_module, "run_check", run_check)
            async with running(config) as session:
                assert await session.wait(TORRENT.infohash, "done", TIMEOUT_S)

        run(scenario())

    def test_an_opening_that_was_called_off_has_no_say(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                await seed(session, TORRENT, tmp_path / "source")
                holding = session._torrents[TORRENT.infohash].holding
                first = holding.open(TORRENT.info)
                first.send(None)  # as far as the thread
                holding.forget_pieces(TORRENT.info.geometry.piece_count)
                found = await holding.open(TORRENT.info)
                assert isinstance(found, Bitfield) and found.all()
                first.close()

        run(scenario())


class TestPaths:
    def test_a_torrent_on_record_keeps_its_paths_whoever_is_loaded_first(
        self, tmp_path: Path
    ) -> None:
        other = single_file(TORRENT.content[::-1], 1000, b"data.bin")
        assert TORRENT.infohash > other.infohash, "which is loaded first"

        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "downloads")
                await session.add(AddRequest(metainfo=encode_metainfo(other.metadata)))
                await until(lambda: session.torrent(other.infohash).state == "error")
            async with running(config) as session:
                assert await session.wait(infohash, "done", TIMEOUT_S)
                await until(lambda: session.torrent(other.infohash).state == "error")

        run(scenario())

    @pytest.mark.parametrize("name", [b"data.bin", b"..", b"a/b", b"\xff", b"x" * 300])
    def test_the_root_is_where_every_path_begins(self, name: bytes) -> None:
        torrent = single_file(b"x", name=name)
        first = safe_names(torrent.info, torrent.infohash)[0].partition("/")[0]
        assert root_name(torrent.info, torrent.infohash) == first
