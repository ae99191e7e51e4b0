"""Pieces on their way to the disk: hashed first, written once, and waiting while the disk fails."""

import asyncio
import threading
from pathlib import Path

import pytest

from tests.daemon.session_room import run, supervised, until
from tests.wire.torrents import single_file
from torrentd.daemon import storage as storage_module
from torrentd.daemon.read_cache import Blocks, ReadCache
from torrentd.daemon.storage import Storage
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.piece_hash import PieceHash
from torrentd.wire.store.api import DiskFull, StoreError
from torrentd.wire.store.files import FileStore
from torrentd.wire.store.memory import MemoryStore

PIECE_BYTES = 32 * 1024
TORRENT = single_file(bytes(range(256)) * 1024, PIECE_BYTES)
PIECES = TORRENT.info.geometry.piece_count


class Disk(MemoryStore):
    """A store that fails when it is told to, and can be held in the middle of a write."""

    def __init__(self) -> None:
        super().__init__(TORRENT.info)
        self.failure: StoreError | None = None
        self.open = threading.Event()
        self.open.set()
        self.writes: list[int] = []
        self.closed = False

    def write(self, piece_index: int, buffer: memoryview) -> None:
        self.open.wait(5)
        if self.failure is not None:
            raise self.failure
        self.writes.append(piece_index)
        super().write(piece_index, buffer)

    def read(self, piece_index: int, begin: int, length: int) -> bytes:
        if self.failure is not None:
            raise self.failure
        return super().read(piece_index, begin, length)

    def close(self) -> None:
        self.closed = True


class Room:
    """A storage, its disk, and what the owner heard."""

    def __init__(self, tasks: Tasks) -> None:
        self.disk = Disk()
        self.told: list[tuple[str, int]] = []
        self.errors: list[StoreError | None] = []
        self.relieved = 0
        self.workers = Workers("test", 4, tasks)
        self.storage = Storage(
            TORRENT.infohash, TORRENT.info, self.disk, self.workers, ReadCache(1 << 20), self
        )

    def store(self, *piece_indices: int) -> None:
        for piece_index in piece_indices:
            piece = memoryview(bytearray(TORRENT.piece(piece_index)))
            self.storage.store_piece(piece_index, piece, PieceHash())

    def congested(self) -> bool:
        return self.storage.congested

    def piece_stored(self, piece_index: int, buffer: memoryview) -> None:
        self.told.append(("stored", piece_index))

    def piece_refused(self, piece_index: int, buffer: memoryview) -> None:
        self.told.append(("refused", piece_index))

    def store_failed(self, piece_index: int, buffer: memoryview) -> None:
        self.told.append(("failed", piece_index))

    def storage_changed(self) -> None:
        self.errors.append(self.storage.error)

    def storage_relieved(self) -> None:
        self.relieved += 1


class TestStoring:
    def test_a_good_piece_is_written_and_told(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.store(*range(PIECES))
                await until(lambda: len(room.told) == PIECES)
                assert room.told == [("stored", i) for i in range(PIECES)]
                for i in range(PIECES):
                    assert room.disk.read(i, 0, PIECE_BYTES) == TORRENT.piece(i)

        run(scenario())

    def test_a_bad_piece_never_reaches_the_disk(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                bad = bytearray(TORRENT.piece(3))
                bad[100] ^= 1
                room.storage.store_piece(3, memoryview(bad), PieceHash())
                room.store(4)
                await until(lambda: len(room.told) == 2)
                assert room.told == [("refused", 3), ("stored", 4)]
                assert room.disk.writes == [4]

        run(scenario())

    def test_small_pieces_that_wait_share_a_job(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.disk.open.clear()
                room.store(*range(PIECES))
                assert room.workers.unfinished == 1
                room.disk.open.set()
                await until(lambda: len(room.told) == PIECES)

        run(scenario())

    def test_nothing_is_written_while_too_much_waits_to_be_synced(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.storage.hold(True)
                room.store(0)
                assert room.workers.unfinished == 0
                room.storage.hold(False)
                await until(lambda: room.told == [("stored", 0)])

        run(scenario())


class TestCongestion:
    def test_peers_had_better_wait_while_the_disk_is_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storage_module, "CONGESTED_BYTES", 3 * PIECE_BYTES)
        monkeypatch.setattr(storage_module, "RELIEVED_BYTES", PIECE_BYTES)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.disk.open.clear()
                room.store(0, 1, 2)
                assert not room.congested()
                room.store(3)
                assert room.congested()
                room.disk.open.set()
                await until(lambda: room.relieved == 1)
                assert not room.congested()
                assert len(room.told) == 4

        run(scenario())

    def test_a_disk_that_fails_does_not_hold_up_what_peers_say(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storage_module, "CONGESTED_BYTES", 0)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.disk.failure = DiskFull("/mnt", "the disk is full")
                room.store(0)
                assert room.congested()
                await until(lambda: room.relieved == 1)
                room.store(1)
                assert not room.congested()
                room.storage.close()

        run(scenario())


class TestFailure:
    """F3, F6: the torrent waits, and heals by itself."""

    def test_pieces_wait_for_a_full_disk_and_are_written_when_there_is_room(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storage_module, "RETRY_FIRST_S", 0.005)
        monkeypatch.setattr(storage_module, "RETRY_MAX_S", 0.02)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                failure = DiskFull("/mnt", "the disk is full")
                room.disk.failure = failure
                room.storage._retry_s = 0.005
                room.store(0, 1)
                await until(lambda: len(room.errors) >= 3)
                assert set(room.errors) == {failure}
                assert room.told == []
                room.disk.failure = None
                await until(lambda: len(room.told) == 2)
                assert sorted(room.told) == [("stored", 0), ("stored", 1)]
                assert room.errors[-1] is None and room.storage.error is None

        run(scenario())

    def test_what_waits_for_a_disk_that_fails_is_bounded(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The memory is that of all torrents, and their disks work (F3)."""
        monkeypatch.setattr(storage_module, "CONGESTED_BYTES", 2 * PIECE_BYTES)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.disk.failure = DiskFull("/mnt", "the disk is full")
                room.store(0, 1, 2, 3)
                await until(lambda: len(room.told) == 2)
                room.store(4)
                assert [what for what, _ in room.told] == ["failed"] * 3
                room.storage.close()
                assert len(room.told) == 5

        run(scenario())

    def test_a_retry_comes_later_each_time(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                waits = []
                for _ in range(6):
                    waits.append(room.storage._retry_s)
                    room.storage.fail(StoreError("/mnt", "input/output error"))
                    assert room.storage._timer is not None
                    room.storage._timer.cancel()
                    room.storage._timer = None
                assert waits == [30, 60, 120, 240, 300, 300]

        run(scenario())

    def test_a_failed_sync_alone_heals_when_its_time_has_passed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.storage._retry_s = 0.005
                room.storage.fail(StoreError("/mnt", "input/output error"))
                await until(lambda: room.storage.error is None)
                assert room.errors[-1] is None

        run(scenario())

    def test_what_waits_is_let_go_when_the_torrent_pauses(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.disk.failure = DiskFull("/mnt", "the disk is full")
                room.store(0, 1)
                await until(lambda: bool(room.errors))
                room.storage.give_up()
                assert sorted(room.told) == [("failed", 0), ("failed", 1)]
                assert room.storage.error is None
                room.disk.failure = None
                room.store(0)
                await until(lambda: ("stored", 0) in room.told)

        run(scenario())

    def test_a_job_that_fails_after_the_close_is_told_and_not_retried(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.disk.open.clear()
                room.store(0)
                room.storage.close()
                room.disk.failure = StoreError("/mnt", "gone")
                room.disk.open.set()
                await until(lambda: room.told == [("failed", 0)] and room.disk.closed)
                assert room.storage._timer is None

        run(scenario())


class TestReading:
    def test_blocks_are_read_in_a_thread_once_and_then_from_memory(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.store(2)
                await until(lambda: bool(room.told))
                found: list[Blocks | StoreError] = []
                assert room.storage.read_blocks(2, [(0, 100), (5, 7)], found.append) is None
                await until(lambda: bool(found))
                again = room.storage.read_blocks(2, [(5, 7)], found.append)
                assert again is not None
                assert bytes(again[0][1]) == TORRENT.piece(2)[5:12]

        run(scenario())

    def test_an_error_is_an_answer(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.disk.failure = StoreError("/mnt", "input/output error")
                found: list[Blocks | StoreError] = []
                room.storage.read_blocks(2, [(0, 100)], found.append)
                await until(lambda: bool(found))
                assert found == [room.disk.failure]

        run(scenario())

    def test_what_was_lost_is_forgotten(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.store(2)
                await until(lambda: bool(room.told))
                found: list[Blocks | StoreError] = []
                room.storage.read_blocks(2, [(0, 1)], found.append)
                await until(lambda: bool(found))
                room.storage.forget(2)
                assert room.storage.read_blocks(2, [(0, 1)], found.append) is None
                await asyncio.sleep(0)
                await until(lambda: len(found) == 2)

        run(scenario())


def test_a_torrent_lies_whole_on_disk_after_it(tmp_path: Path) -> None:
    """The same with the real store, threads and all."""

    async def scenario() -> None:
        async with supervised() as tasks:
            room = Room(tasks)
            room.storage.store = FileStore(TORRENT.info, tmp_path, ["file.bin"])
            room.store(*reversed(range(PIECES)))
            await until(lambda: len(room.told) == PIECES)
            room.storage.close()

    run(scenario())
    assert (tmp_path / "file.bin").read_bytes() == TORRENT.content
