"""One whole generation stands at every instant (F1, F2, F4; T36, T37)."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.wire.store.crashes import Crash, CrashingOs, RecordingOs, power_cuts
from torrentd.wire.store import generations
from torrentd.wire.store.api import DiskFull, StoreError
from torrentd.wire.store.generations import old_path, read, replace, set_aside

GENERATIONS = [b"first" * 10, b"second" * 10, b"third" * 10]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


def whole(path: Path) -> list[bytes]:
    """What a reader who takes the first whole one may choose from."""
    found = [read(candidate, 1000) for candidate in (path, old_path(path))]
    return [data for data in found if data in GENERATIONS]


def test_the_previous_generation_stays(path: Path) -> None:
    for data in GENERATIONS:
        replace(path, data, keep_old=True)
    assert whole(path) == [GENERATIONS[2], GENERATIONS[1]]
    assert sorted(os.listdir(path.parent)) == ["state", "state.old"]


def test_without_keeping_there_is_one(path: Path) -> None:
    for data in GENERATIONS:
        replace(path, data, keep_old=False)
    assert os.listdir(path.parent) == ["state"] and read(path, 1000) == GENERATIONS[2]


def test_others_may_not_read_it(path: Path) -> None:
    replace(path, b"x", keep_old=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_absent_is_none_and_what_is_too_large_is_empty(path: Path) -> None:
    assert read(path, 10) is None
    path.write_bytes(b"x" * 11)
    assert read(path, 10) == b""
    path.write_bytes(b"x" * 10)
    assert read(path, 10) == b"x" * 10


def test_links_are_neither_read_nor_written(path: Path) -> None:
    target = path.with_name("target")
    target.write_bytes(b"precious")
    path.with_name("state.tmp").symlink_to(target)
    path.symlink_to(target)
    with pytest.raises(StoreError):
        read(path, 10)
    with pytest.raises(StoreError):
        replace(path, b"x", keep_old=True)
    assert target.read_bytes() == b"precious"


def test_what_is_no_good_is_renamed_not_deleted(path: Path) -> None:
    path.write_bytes(b"broken")
    aside = set_aside(path)
    assert aside.name.startswith("state.bad-") and aside.read_bytes() == b"broken"
    assert not path.exists()


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("saved", [0, 1, 2])
def test_a_crash_before_any_call_leaves_one_whole(
    tmp_path: Path, saved: int, torn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes = 0
    for survives in range(50):
        path = tmp_path / f"{survives}"
        for data in GENERATIONS[:saved]:
            replace(path, data, keep_old=True)
        monkeypatch.setattr(generations, "os", CrashingOs(survives, torn))
        try:
            replace(path, GENERATIONS[saved], keep_old=True)
        except Crash:
            crashes += 1
            monkeypatch.undo()
            candidates = whole(path)
            assert candidates or saved == 0
            assert candidates[:1] in ([], [GENERATIONS[saved]], [GENERATIONS[saved - 1]])
            replace(path, GENERATIONS[saved], keep_old=True)  # the next run goes on
        monkeypatch.undo()
        assert whole(path)[0] == GENERATIONS[saved]
    assert 5 < crashes < 50


@pytest.mark.parametrize("saved", [0, 1, 2])
def test_whatever_a_power_cut_leaves_behind_has_one_whole(
    tmp_path: Path, saved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = tmp_path / "live"
    live.mkdir()
    for data in GENERATIONS[:saved]:
        replace(live / "state", data, keep_old=True)
    before = {path.name: path.read_bytes() for path in live.iterdir()}
    recording = RecordingOs()
    monkeypatch.setattr(generations, "os", recording)
    replace(live / "state", GENERATIONS[saved], keep_old=True)
    monkeypatch.undo()
    cuts = 0
    for disk in power_cuts(before, recording.log):
        found = [disk[name] for name in ("state", "state.old") if name in disk]
        candidates = [data for data in found if data in GENERATIONS]
        assert candidates or saved == 0, disk
        assert candidates[:1] in ([], [GENERATIONS[saved]], [GENERATIONS[saved - 1]])
        cuts += 1
    assert cuts > 30


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_an_error_leaves_what_was_there(
    path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(path, GENERATIONS[0], keep_old=True)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(DiskFull):
        replace(path, GENERATIONS[1], keep_old=True)
    monkeypatch.undo()
    assert whole(path) == [GENERATIONS[0]]
