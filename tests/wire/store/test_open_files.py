"""A bounded number of descriptors: never one closed in use, never one closed unsynced."""

import os
import random
import threading
from pathlib import Path

import pytest

from torrentd.wire.store.open_files import TMPFS, OpenFile, OpenFiles, Unsynced, file_system


class Opener:
    """Opens files of a folder and counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[str] = []

    def __call__(self, path: str) -> int:
        self.opened.append(path)
        return os.open(self.folder / path, os.O_RDWR | os.O_CREAT)


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    return Opener(tmp_path)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_a_file_is_opened_once_while_it_is_used(opener: Opener) -> None:
    files, unsynced = OpenFiles(2), Unsynced()
    for path in "abababab":
        with files.use(unsynced, path, True, opener):
            pass
    assert opener.opened == ["a", "b"]
    files.close(unsynced)


def test_the_least_recently_used_makes_room(opener: Opener) -> None:
    files, unsynced = OpenFiles(2), Unsynced()
    for path in "abacab":
        with files.use(unsynced, path, True, opener):
            pass
    assert opener.opened == ["a", "b", "c", "b"]
    assert len(files) == 2
    files.close(unsynced)
    assert len(files) == 0


def test_a_quarter_makes_room_and_is_written_back_together(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, unsynced = OpenFiles(8), Unsynced()
    steps: list[str] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: steps.append("begin"))
    monkeypatch.setattr(os, "fdatasync", lambda _: steps.append("wait"))
    for path in "abcdefghi":
        with files.use(unsynced, path, True, opener):
            unsynced.add_file(path)
    assert steps == ["begin", "begin", "wait", "wait"]
    assert len(files) == 7
    files.close(unsynced)


def test_one_in_use_is_never_closed(opener: Opener) -> None:
    files, unsynced = OpenFiles(1), Unsynced()
    with files.use(unsynced, "a", True, opener) as first:
        with files.use(unsynced, "b", True, opener) as second:
            assert is_open(first) and is_open(second)
        files.close(unsynced)
        assert is_open(first) and not is_open(second)
    assert not is_open(first)


def test_reading_and_writing_have_their_own_descriptors(opener: Opener) -> None:
    files, unsynced = OpenFiles(4), Unsynced()
    with (
        files.use(unsynced, "a", True, opener) as first,
        files.use(unsynced, "a", False, opener) as second,
    ):
        assert first != second
    files.close(unsynced)


def test_stores_do_not_share_and_close_only_their_own(opener: Opener) -> None:
    files, one, other = OpenFiles(4), Unsynced(), Unsynced()
    with files.use(one, "a", True, opener):
        pass
    with files.use(other, "a", True, opener) as descriptor:
        pass
    assert opener.opened == ["a", "a"]
    files.close(one)
    assert is_open(descriptor) and len(files) == 1
    files.close(other)


def test_one_path_can_be_closed_alone(opener: Opener) -> None:
    files, unsynced = OpenFiles(4), Unsynced()
    for path in "ab":
        with files.use(unsynced, path, True, opener):
            pass
    files.close(unsynced, "a")
    assert len(files) == 1
    files.close(unsynced)


def test_what_was_written_is_synced_before_it_makes_room(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, unsynced = OpenFiles(1), Unsynced()
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    with files.use(unsynced, "a", True, opener) as descriptor:
        unsynced.add_file("a")
    with files.use(unsynced, "b", True, opener):
        pass
    assert synced == [descriptor]
    assert unsynced.take() == ([], [])
    with files.use(unsynced, "c", True, opener):
        pass
    assert synced == [descriptor]  # b was never written
    files.close(unsynced)


def test_a_failure_while_making_room_is_kept_for_its_store(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, one, other = OpenFiles(1), Unsynced(), Unsynced()
    error = OSError(5, "Input/output error")

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fdatasync", fail)
    with files.use(one, "a", True, opener):
        one.add_file("a")
    with files.use(other, "b", True, opener):
        pass
    assert other.failures() == []
    assert one.failures() == [("a", error)]
    assert one.failures() == []
    files.close(other)


def test_failures_waits_for_a_sync_that_is_under_way(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a sync could return before the data of a file that just made room is stable."""
    files, unsynced = OpenFiles(1), Unsynced()
    begun, may_end = threading.Event(), threading.Event()
    ended: list[str] = []

    def slow(_: int) -> None:
        begun.set()
        may_end.wait(10)
        ended.append("making room")

    monkeypatch.setattr(os, "fdatasync", slow)
    with files.use(unsynced, "a", True, opener):
        unsynced.add_file("a")

    def make_room() -> None:
        with files.use(unsynced, "b", True, opener):
            pass

    def ask() -> None:
        unsynced.failures()
        ended.append("failures")

    threads = [threading.Thread(target=make_room), threading.Thread(target=ask)]
    threads[0].start()
    assert begun.wait(10)
    assert unsynced.take() == ([], [])  # it is no longer listed, so waiting is all that is left
    threads[1].start()
    may_end.set()
    for thread in threads:
        thread.join()
    assert ended == ["making room", "failures"]
    files.close(unsynced)


def test_threads_never_see_a_closed_or_foreign_descriptor(opener: Opener, tmp_path: Path) -> None:
    files, unsynced = OpenFiles(3), Unsynced()
    names = [f"file{i}" for i in range(12)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(400):
                name = rng.choice(names)
                with files.use(unsynced, name, rng.random() < 0.5, opener) as descriptor:
                    assert os.pread(descriptor, 99, 0) == name.encode()
                if rng.random() < 0.02:
                    files.close(unsynced)
        except BaseException as failure:
            failures.append(failure)

    before = len(os.listdir("/proc/self/fd"))
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(files) <= 3 + 4
    files.close(unsynced)
    assert len(os.listdir("/proc/self/fd")) == before


class TestResident:
    def test_only_a_file_that_is_open_for_reading_is_used(self, opener: Opener) -> None:
        files, unsynced = OpenFiles(2), Unsynced()
        (opener.folder / "a").write_bytes(b"12345678")
        with files.use_open(unsynced, "a") as file:
            assert file is None
        with files.use(unsynced, "a", True, opener), files.use_open(unsynced, "a") as file:
            assert file is None
        with files.use(unsynced, "a", False, opener) as descriptor:
            with files.use_open(unsynced, "a") as file:
                assert file is not None
                files.close(unsynced)
            assert is_open(descriptor), "in use"
        assert not is_open(descriptor)

    @pytest.mark.parametrize("in_memory", [True, False])
    def test_all_of_it_or_none_whatever_is_amiss(self, opener: Opener, in_memory: bool) -> None:
        path = Path("/dev/shm" if in_memory else opener.folder) / f"resident-{os.getpid()}"
        path.write_bytes(b"12345678")
        descriptor = os.open(path, os.O_RDONLY)
        try:
            file = OpenFile(descriptor, "a", Unsynced())
            assert (file_system(descriptor) == TMPFS) is in_memory
            assert file.read_resident(4, 2) == b"3456"
            assert file.read_resident(4, 6) is None, "it is shorter"
        finally:
            os.close(descriptor)
            path.unlink()
        assert file.read_resident(4, 2) is None, "the descriptor is gone"

    def test_what_would_wait_for_the_disk_is_none(
        self, opener: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def would_wait(_: int, buffers: list[bytearray], offset: int, flags: int) -> int:
            assert flags == os.RWF_NOWAIT
            raise BlockingIOError

        monkeypatch.setattr(os, "preadv", would_wait)
        descriptor = opener("a")
        assert OpenFile(descriptor, "a", Unsynced()).read_resident(4, 0) is None
        os.close(descriptor)
