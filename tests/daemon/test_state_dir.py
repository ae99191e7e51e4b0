"""The state folder: one daemon, whole files, and nothing believed that is not proven."""

import errno
import os
from pathlib import Path

import pytest

from tests.wire.torrents import single_file
from torrentd.daemon.state_dir import SNAPSHOT_BYTES_MAX, StateDir, StateLocked
from torrentd.wire.store import resume
from torrentd.wire.store.api import DiskFull, StoreError
from torrentd.wire.store.resume import ResumeState

TORRENT = single_file(bytes(100))
OTHER = single_file(bytes(101))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path / "deep" / "state")
    made.open()
    return made


def record(state: StateDir, *, times: int = 1) -> None:
    kept = ResumeState(TORRENT.infohash, "name", "/downloads")
    for _ in range(times):
        resume.save(state.resume_path(TORRENT.infohash), kept)


class TestLock:
    def test_one_daemon_a_folder(self, state: StateDir) -> None:
        second = StateDir(state.path)
        with pytest.raises(StateLocked):
            second.open()
        state.close()
        second.open()
        second.close()
        second.close()

    def test_nobody_else_may_look_inside(self, state: StateDir) -> None:
        assert (state.torrents.stat().st_mode & 0o777) == 0o700


class TestFullDisk:
    """F4: what was on record stays valid, and a reserve lets the next record be written."""

    def test_the_reserve_is_given_up_for_a_record(
        self, state: StateDir, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(state)
        write = os.write
        room = [False]
        released = state.reserve.release

        def no_room(descriptor: int, data: memoryview) -> int:
            if not room[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(descriptor, data)

        def release() -> bool:
            room[0] = released()
            return room[0]

        monkeypatch.setattr(os, "write", no_room)
        monkeypatch.setattr(state.reserve, "release", release)
        newer = ResumeState(TORRENT.infohash, "newer", "/downloads", generation=1)
        state.save_resume(newer)
        assert state.reserve.released
        loaded = resume.load(state.resume_path(TORRENT.infohash)).state
        assert loaded is not None and loaded.name == "newer"
        room[0] = False
        with pytest.raises(DiskFull):
            state.save_resume(ResumeState(TORRENT.infohash, "newest", "/", generation=2))
        loaded = resume.load(state.resume_path(TORRENT.infohash)).state
        assert loaded is not None and loaded.name == "newer"
        assert not list(state.torrents.glob("*.tmp")), "half a file would only take room"

    def test_another_error_leaves_the_reserve_alone(
        self, state: StateDir, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "fsync", _io_error)
        with pytest.raises(StoreError):
            state.save_resume(ResumeState(TORRENT.infohash, "name", "/"))
        assert not state.reserve.released


def _io_error(descriptor: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class TestTorrents:
    def test_every_generation_counts_as_the_torrent(self, state: StateDir) -> None:
        assert state.infohashes() == []
        record(state, times=2)
        assert state.infohashes() == [TORRENT.infohash]
        state.resume_path(TORRENT.infohash).unlink()
        assert state.infohashes() == [TORRENT.infohash], "the previous generation"

    def test_what_is_no_record_is_passed_over(self, state: StateDir) -> None:
        names = ["notes", "zz.resume", f"{TORRENT.infohash.hex()}.metadata", "abcd.resume"]
        names += [f"{TORRENT.infohash.hex()}.resume.tmp", f"{OTHER.infohash.hex()}.resume.bad-1"]
        for name in names:
            (state.torrents / name).write_bytes(b"?")
        assert state.infohashes() == []

    def test_remove_leaves_nothing_of_it(self, state: StateDir) -> None:
        record(state, times=2)
        state.save_metadata(TORRENT.infohash, TORRENT.metadata)
        state.save_metadata(OTHER.infohash, OTHER.metadata)
        state.remove(TORRENT.infohash)
        assert os.listdir(state.torrents) == [f"{OTHER.infohash.hex()}.metadata"]


class TestMetadata:
    def test_it_comes_back(self, state: StateDir) -> None:
        assert state.load_metadata(TORRENT.infohash) is None
        assert state.save_metadata(TORRENT.infohash, TORRENT.metadata) is None
        assert state.load_metadata(TORRENT.infohash) == TORRENT.metadata

    @pytest.mark.parametrize("damage", [b"", b"x", OTHER.metadata, TORRENT.metadata[:-1]])
    def test_only_what_the_infohash_proves_is_believed(
        self, state: StateDir, damage: bytes
    ) -> None:
        (state.torrents / f"{TORRENT.infohash.hex()}.metadata").write_bytes(damage)
        assert state.load_metadata(TORRENT.infohash) is None

    def test_a_damaged_one_gives_way_to_a_good_one(self, state: StateDir) -> None:
        (state.torrents / f"{TORRENT.infohash.hex()}.metadata").write_bytes(b"torn")
        assert state.save_metadata(TORRENT.infohash, TORRENT.metadata) is None
        assert state.load_metadata(TORRENT.infohash) == TORRENT.metadata

    def test_a_folder_that_cannot_be_written_is_told(self, state: StateDir) -> None:
        state.torrents.rmdir()
        assert "missing" in (state.save_metadata(TORRENT.infohash, TORRENT.metadata) or "")


class TestDht:
    def test_the_nodes_come_back(self, state: StateDir) -> None:
        assert state.load_dht() is None
        assert state.save_dht(b"nodes") is None
        assert state.load_dht() == b"nodes"

    def test_what_is_too_large_or_unreadable_is_as_good_as_nothing(self, state: StateDir) -> None:
        (state.path / "dht.nodes").write_bytes(bytes(SNAPSHOT_BYTES_MAX + 1))
        assert not state.load_dht()
        (state.path / "dht.nodes").unlink()
        (state.path / "dht.nodes").mkdir()
        assert state.load_dht() is None
        assert state.save_dht(b"nodes") is not None
