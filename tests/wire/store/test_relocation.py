"""Files on their way: whatever interrupts it, each is whole somewhere, and the next run ends it."""

import errno
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from torrentd.wire.store.api import StoreError
from torrentd.wire.store.relocation import PART, Relocation, Stopped

NAMES = ["root/a", "root/deep/er/b", "", "root/deep/c", "root/absent"]
RNG = random.Random(1)
CONTENT = {"root/a": RNG.randbytes(70_000), "root/deep/er/b": b"", "root/deep/c": b"c" * 5000}


class Crash(Exception):
    """The process is gone."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    for name, content in CONTENT.items():
        path = tmp_path / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(10**18, 10**18 + 7))
    return tmp_path / "old"


def relocation(old: Path, new_names: list[str] | None = None) -> Relocation:
    return Relocation(old, NAMES, old.parent / "new", new_names or NAMES)


def is_there(folder: Path) -> bool:
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return files == CONTENT


@pytest.fixture(params=["one file system", "two"])
def apart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Two file systems are said to be, as rename(2) says it."""
    two: bool = request.param == "two"
    rename = os.rename

    def across(
        source: str, target: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        if two and src_dir_fd != dst_dir_fd:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", across)
    return two


def test_files_arrive_with_their_times_and_leave_nothing(old: Path, apart: bool) -> None:
    moving = relocation(old)
    moving.check()
    moving.run()
    assert moving.progress == 1.0
    new = old.parent / "new"
    assert is_there(new) and (new / "root" / "a").stat().st_mtime_ns == 10**18 + 7
    assert is_there(old) is apart, "copies are removed when the new place is on record"
    moving.clean()
    assert is_there(new) and list(old.iterdir()) == []


def test_a_hole_stays_a_hole(old: Path, apart: bool) -> None:
    with (old / "root" / "a").open("wb") as file:
        file.seek(50_000_000)
        file.write(b"end")
    before = (old / "root" / "a").stat()
    moving = relocation(old)
    moving.run()
    after = (old.parent / "new" / "root" / "a").stat()
    assert after.st_size == before.st_size and after.st_blocks <= before.st_blocks + 64


def test_nothing_is_written_over(old: Path, apart: bool) -> None:
    other = old.parent / "new" / "root" / "deep" / "c"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"precious")
    with pytest.raises(StoreError, match="a file is there already"):
        relocation(old).check()
    with pytest.raises(StoreError, match="another file is there already"):
        relocation(old).run()
    relocation(old).clean()
    assert other.read_bytes() == b"precious"


def test_other_names_in_the_same_folder(old: Path) -> None:
    names = [name.replace("root/deep", "root/flat") for name in NAMES]
    moving = Relocation(old, NAMES, old, names)
    assert moving.check() == 0
    moving.run()
    moving.clean()
    found = sorted(str(p.relative_to(old)) for p in old.rglob("*") if p.is_file())
    assert found == ["root/a", "root/flat/c", "root/flat/er/b"]
    assert not (old / "root" / "deep").exists()


def test_a_link_in_the_way_leads_nowhere(old: Path, apart: bool) -> None:
    outside = old.parent / "outside"
    outside.mkdir()
    new = old.parent / "new"
    (new / "root").mkdir(parents=True)
    (new / "root" / "deep").symlink_to(outside)
    with pytest.raises(StoreError):
        relocation(old).run()
    assert list(outside.iterdir()) == []


def test_a_stop_ends_it_and_the_next_run_goes_on(old: Path, apart: bool) -> None:
    moving = relocation(old)
    moving.stop()
    with pytest.raises(Stopped):
        moving.run()
    relocation(old).run()
    assert is_there(old.parent / "new")


def crashing(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[None]:
    """The `after`-th step of those that change something is the last, and is not done."""
    steps = 0

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            nonlocal steps
            steps += 1
            if steps > after:
                raise Crash
            return call(*arguments, **named)

        return step

    with monkeypatch.context() as patch:
        for name in ("rename", "pwrite", "ftruncate", "utime", "fsync", "unlink", "rmdir", "mkdir"):
            patch.setattr(os, name, counted(getattr(os, name)))
        yield


def test_a_crash_at_any_step_loses_nothing_and_is_made_good(
    old: Path, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = old.parent / "new"
    crashes = 0
    while True:
        try:
            for _ in crashing(monkeypatch, 1 + crashes % 9):
                moving = relocation(old)
                moving.run()
                moving.clean()
        except Crash:
            crashes += 1
            assert crashes < 200
            for name, content in CONTENT.items():
                places = [folder / name for folder in (old, new) if (folder / name).exists()]
                assert places and all(place.read_bytes() == content for place in places), name
            continue
        break
    assert crashes > 2
    assert is_there(new) and not list(old.rglob("*/*")), "nor is a part of a copy left"
    assert not [path for path in new.rglob("*") if path.name.endswith(PART)]
