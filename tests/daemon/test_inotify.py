"""What the kernel tells of folders, with the kernel itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from torrentd.daemon.inotify import Inotify, Told


@pytest.fixture
def inotify() -> Iterator[Inotify]:
    made = Inotify()
    yield made
    made.close()


def test_a_file_is_told_of_when_it_is_whole(inotify: Inotify, tmp_path: Path) -> None:
    number = inotify.watch(tmp_path)
    assert isinstance(number, int) and inotify.read() == []
    with (tmp_path / "a").open("wb") as file:
        file.write(b"half")
        file.flush()
        assert inotify.read() == []
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "a").rename(tmp_path / "c")
    assert inotify.read() == [
        Told(number, "a", gone=False, lost=False),
        Told(number, "c", gone=False, lost=False),
    ]


def test_a_folder_that_goes_is_told_of(inotify: Inotify, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    number = inotify.watch(tmp_path / "in")
    (tmp_path / "in").rmdir()
    assert {(told.number, told.gone) for told in inotify.read()} == {(number, True)}
    assert isinstance(number, int)
    inotify.forget(number)


@pytest.mark.parametrize("name", ["absent", "file"])
def test_what_cannot_be_watched_is_a_sentence(inotify: Inotify, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert inotify.watch(tmp_path / name) in ("No such file or directory", "Not a directory")


def test_one_that_is_closed_watches_nothing(tmp_path: Path) -> None:
    inotify = Inotify()
    inotify.close()
    assert inotify.watch(tmp_path) == "the daemon ends"
