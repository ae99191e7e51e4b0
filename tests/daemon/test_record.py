"""The record is always behind the data and never before it (F1, F2, F4, F5)."""

import threading

import pytest

from tests.daemon.session_room import run, supervised, until
from tests.wire.torrents import single_file
from torrentd.daemon import record as record_module
from torrentd.daemon.record import UNSYNCED_BYTES_MAX, Record, SaveFailed
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.resume import ResumeState

INFOHASH = single_file(bytes(10)).infohash


class Room:
    """A torrent of eight pieces whose disk can be held and can fail."""

    def __init__(self, tasks: Tasks) -> None:
        self.have = Bitfield(8)
        self.saved: list[tuple[list[int], bool, int]] = []  # pieces, synced, generation
        self.failures: list[StoreError | SaveFailed] = []
        self.sync_errors: list[StoreError] = []
        self.window: list[bool] = []
        self.open = threading.Event()
        self.open.set()
        self.record = Record("torrent", Workers("test", 2, tasks), self.save, self, None)

    def save(self, state: ResumeState, sync: bool) -> None:
        self.open.wait(5)
        if self.failures:
            raise self.failures.pop()
        pieces = list(Bitfield.from_bytes(state.have, state.piece_count))
        state.generation += 1
        self.saved.append((pieces, sync, state.generation))

    def resume_state(self) -> ResumeState:
        return ResumeState(INFOHASH, "name", "/downloads", piece_count=8, have=self.have.to_bytes())

    def sync_failed(self, error: StoreError) -> None:
        self.sync_errors.append(error)

    def record_window_changed(self) -> None:
        self.window.append(self.record.window_full)

    def write(self, piece_index: int, size_bytes: int = 1) -> None:
        self.have.set(piece_index)
        self.record.written(size_bytes)


class TestOrder:
    def test_only_pieces_written_before_the_sync_began_are_claimed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.open.clear()
                room.write(0)
                room.record.save_now()
                room.write(1)  # while the sync runs
                room.open.set()
                await room.record.flush()
                assert room.saved == [([0], True, 1), ([0, 1], True, 2)]
                assert room.record.recorded is not None
                assert room.record.recorded.generation == 2
                room.record.close()

        run(scenario())

    def test_a_change_without_data_syncs_nothing(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.record.changed()
                await room.record.flush()
                assert room.saved == [([], False, 1)]

        run(scenario())

    def test_what_is_not_new_is_not_written_again(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                await room.record.flush()
                assert room.saved == []
                room.record.touch()
                await room.record.flush()
                await room.record.flush()
                assert len(room.saved) == 1

        run(scenario())


class TestWhen:
    def test_a_piece_is_on_record_soon_after_it_was_written(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(record_module, "SYNC_INTERVAL_S", 0.01)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.write(5)
                room.write(6)
                assert room.saved == []
                await until(lambda: room.saved == [([5, 6], True, 1)])

        run(scenario())

    def test_much_data_is_synced_at_once_and_too_much_holds_up_the_writing(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.open.clear()
                room.write(0, UNSYNCED_BYTES_MAX)
                assert room.record._busy is not None
                room.write(1, UNSYNCED_BYTES_MAX)
                assert room.window == [True]
                room.open.set()
                await until(lambda: room.window[-1] is False)
                await room.record.flush()
                room.record.close()

        run(scenario())


class TestFailure:
    def test_a_failed_sync_is_told_and_nothing_is_claimed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                error = StoreError("/mnt", "input/output error")
                room.failures.append(error)
                room.write(0)
                room.record.save_now()
                await until(lambda: room.sync_errors == [error])
                assert room.record.recorded is None
                room.have.clear(0)  # what the torrent does when it hears of it
                await room.record.flush()
                assert room.saved == [([], False, 1)]
                room.record.close()

        run(scenario())

    def test_a_state_folder_that_is_full_is_tried_again_and_told_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(record_module, "SYNC_INTERVAL_S", 0.005)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.record._retry_s = 0.005
                room.failures += [SaveFailed("the disk is full")] * 2
                room.record.changed()
                await until(lambda: room.record.error == "the disk is full")
                await until(lambda: bool(room.saved))
                assert room.record.error is None
                assert room.sync_errors == []

        run(scenario())

    def test_after_the_close_nothing_is_written(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.write(0)
                room.record.close()
                room.record.save_now()
                await room.record.flush()
                assert room.saved == []
                assert room.record._timer is None

        run(scenario())
