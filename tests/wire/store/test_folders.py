"""The walk below the download folder follows nothing and leaks nothing (P6)."""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from torrentd.wire.store.api import StoreError, UnsafePath
from torrentd.wire.store.folders import Absent, Folders


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Folders]:
    before = descriptors()
    yield Folders(tmp_path)
    assert descriptors() == before


def write(folders: Folders, path: str, data: bytes = b"x") -> list[str]:
    """Returns the folders in which something new was made."""
    created: list[str] = []
    descriptor = folders.open_write(path, created.append)
    os.write(descriptor, data)
    os.close(descriptor)
    return created


def test_each_new_name_is_told_with_its_folder(folders: Folders) -> None:
    assert write(folders, "a/b/file") == ["", "a", "a/b"]
    assert write(folders, "a/b/file") == []
    assert write(folders, "a/c/file") == ["a", "a/c"]
    assert write(folders, "file") == [""]


def test_nothing_is_made_unless_asked(folders: Folders, tmp_path: Path) -> None:
    for action in (folders.open_read, folders.open_write):
        with pytest.raises(Absent):
            action("a/file")
    assert folders.stat("a/file") is None
    assert not folders.exists("a")
    folders.unlink("a/file")
    folders.rmdir("a")
    assert list(tmp_path.iterdir()) == []


def test_modes_are_modest(folders: Folders, tmp_path: Path) -> None:
    write(folders, "a/file")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) & ~0o755 == 0
    assert stat.S_IMODE((tmp_path / "a" / "file").stat().st_mode) & ~0o644 == 0


def test_a_missing_root_is_missing_not_made(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "x" / "y")
    with pytest.raises(StoreError, match="download folder is missing"):
        write(folders, "file")
    assert folders.stat("file") is None
    folders.make_root()
    folders.make_root()
    assert write(folders, "file") == [""]


def test_a_root_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(StoreError, match="not a directory"):
        Folders(tmp_path / "x" / "y").make_root()
    with pytest.raises(StoreError, match="not a directory"):
        write(Folders(tmp_path / "x"), "file")


@pytest.mark.parametrize("obstacle", ["link", "dangling link", "file", "fifo"])
def test_no_obstacle_is_a_folder(folders: Folders, tmp_path: Path, obstacle: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    match obstacle:
        case "link":
            (tmp_path / "a").symlink_to(outside)
        case "dangling link":
            (tmp_path / "a").symlink_to(tmp_path / "nowhere")
        case "file":
            (tmp_path / "a").write_bytes(b"")
        case _:
            os.mkfifo(tmp_path / "a")
    for action in (folders.open_read, folders.stat, folders.exists):
        with pytest.raises(UnsafePath):
            action("a/file")
    with pytest.raises(UnsafePath):
        write(folders, "a/file")
    folders.unlink("a/file")
    folders.rmdir("a")
    assert list(outside.iterdir()) == [] and os.path.lexists(tmp_path / "a")


def test_a_device_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnsafePath):
        Folders(Path("/dev")).open_read("null")
    with pytest.raises(UnsafePath):
        Folders(Path("/dev")).stat("null")


def test_what_is_not_a_file_is_not_unlinked(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    folders.unlink("folder")
    folders.unlink("link")
    assert (tmp_path / "folder").is_dir() and (tmp_path / "link").is_symlink()


def test_a_folder_with_something_in_it_stays(folders: Folders, tmp_path: Path) -> None:
    write(folders, "a/file")
    folders.rmdir("a")
    assert (tmp_path / "a" / "file").exists()
    folders.unlink("a/file")
    folders.rmdir("a")
    assert not (tmp_path / "a").exists()


def test_a_folder_swapped_for_a_link_during_the_walk_leads_nowhere(tmp_path: Path) -> None:
    """T13, in small: a thread swaps a folder and a link to a canary while files are made."""
    root, canary, real = tmp_path / "root", tmp_path / "canary", tmp_path / "root" / "a"
    root.mkdir()
    canary.mkdir()
    (canary / "file").write_bytes(b"precious")
    stopped = threading.Event()

    def swap() -> None:
        steps: list[Callable[[], object]] = [
            lambda: real.rename(tmp_path / "aside"),
            lambda: real.symlink_to(canary),
            real.unlink,
            lambda: (tmp_path / "aside").rename(real),
        ]
        while not stopped.is_set():
            for step in steps:
                try:
                    step()
                except OSError:  # the other thread was there first
                    continue

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes = {"written": 0, "refused": 0}
    folders = Folders(root)
    try:
        for number in range(200_000):  # on a busy machine the other thread comes late
            if number >= 1500 and all(outcomes.values()):
                break
            try:
                write(folders, "a/file", b"torrent")
                outcomes["written"] += 1
            except StoreError:
                outcomes["refused"] += 1
            folders.unlink("a/file")
    finally:
        stopped.set()
        thread.join()
    assert (canary / "file").read_bytes() == b"precious"
    assert [path.name for path in canary.iterdir()] == ["file"]
    assert outcomes["written"] and outcomes["refused"]
