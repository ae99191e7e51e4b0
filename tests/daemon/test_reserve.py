"""A megabyte for the day the disk is full: taken whole, given back once (F4)."""

import errno
import os
from pathlib import Path

import pytest

from torrentd.daemon.reserve import RESERVE_BYTES, Reserve


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_it_is_real_disk_and_is_taken_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve")
    for _ in range(2):
        reserve.fill()
        assert (tmp_path / "reserve").stat().st_blocks * 512 >= RESERVE_BYTES
        assert not reserve.released


def test_it_is_given_back_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve")
    reserve.fill()
    assert reserve.release() and not reserve.release()
    assert reserve.released and not (tmp_path / "reserve").exists()
    reserve.fill()
    assert not reserve.released


def test_a_full_disk_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(tmp_path / "reserve")
    monkeypatch.setattr(os, "posix_fallocate", no_room)
    reserve.fill()
    assert reserve.released and not reserve.release()
    assert not (tmp_path / "reserve").exists(), "a part of it would only take room"
    Reserve(tmp_path / "absent" / "reserve").fill()
