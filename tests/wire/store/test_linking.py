"""A second name for a file: which way, never over another, and nothing left where it fails."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from torrentd.wire.store.api import StoreError, UnsafePath
from torrentd.wire.store.folders import Folders
from torrentd.wire.store.linking import link


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"data" * 50_000)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "root")


def fails(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def without_reflinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", fails(errno.EOPNOTSUPP))


@pytest.mark.usefixtures("without_reflinks")
def test_what_is_never_written_to_is_a_hard_link(source: Path, folders: Folders) -> None:
    assert link(source, folders, "name/deep/file", whole=True) == "hard link"
    assert os.path.samefile(source, folders.root / "name/deep/file")
    with pytest.raises(UnsafePath, match="another name"):
        folders.open_write("name/deep/file")  # so nothing can ever be written through it


@pytest.mark.usefixtures("without_reflinks")
@pytest.mark.parametrize("refusal", [None, errno.EPERM, errno.EMLINK])
def test_what_may_be_written_to_or_not_linked_is_a_copy(
    source: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch, refusal: int | None
) -> None:
    if refusal is not None:
        monkeypatch.setattr(os, "link", fails(refusal))
    assert link(source, folders, "file", whole=refusal is not None) == "copy"
    target = folders.root / "file"
    assert target.read_bytes() == source.read_bytes() and target.stat().st_nlink == 1
    assert not os.path.samefile(source, target)


def test_shared_blocks_where_there_are_such(source: Path, folders: Folders) -> None:
    how = link(source, folders, "file", whole=True)
    assert how in ("reflink", "hard link")
    assert (folders.root / "file").read_bytes() == source.read_bytes()


def test_what_stands_there_stays(source: Path, folders: Folders) -> None:
    folders.make_root()
    (folders.root / "file").write_bytes(b"precious")
    assert link(source, folders, "file", whole=True) == "there"
    assert (folders.root / "file").read_bytes() == b"precious"


def test_no_link_leads_out_of_the_folder(source: Path, folders: Folders, tmp_path: Path) -> None:
    folders.make_root()
    (tmp_path / "elsewhere").mkdir()
    (folders.root / "name").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafePath):
        link(source, folders, "name/file", whole=True)
    alias = tmp_path / "alias"
    alias.symlink_to(source)
    with pytest.raises(StoreError):
        link(alias, folders, "file", whole=True)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (folders.root / "file").exists()


@pytest.mark.usefixtures("without_reflinks")
def test_another_file_system_is_a_sentence(
    source: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    fstat, seen = os.fstat, []

    def elsewhere(descriptor: int) -> object:
        status = list(fstat(descriptor))
        seen.append(descriptor)
        status[2] = len(seen)
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", elsewhere)
    with pytest.raises(StoreError, match="on another file system"):
        link(source, folders, "file", whole=True)
    assert not (folders.root / "file").exists()


@pytest.mark.usefixtures("without_reflinks")
def test_a_copy_that_fails_half_way_leaves_nothing(
    source: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "copy_file_range", fails(errno.ENOSPC))
    with pytest.raises(StoreError, match="the disk is full"):
        link(source, folders, "file", whole=False)
    assert not (folders.root / "file").exists()
