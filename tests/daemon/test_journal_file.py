"""The journal's file: what is left of it after a kill at any byte, and how large it gets."""

import errno
import os
from pathlib import Path

import pytest

from torrentd.daemon import journal_file
from torrentd.daemon.control_lines import Json
from torrentd.daemon.journal_file import JournalFile
from torrentd.daemon.told import Told

ONE = "ab" * 20


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "EVENTS_BYTES_MAX", 4000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def opened(path: Path) -> JournalFile:
    file = JournalFile(path)
    file.open()
    return file


def event(file: JournalFile, number: int, kind: str = "added") -> dict[str, Json]:
    return {"cursor": f"{file.id}-{number}", "at": 1.5, "event": kind, "infohash": ONE}


def numbers(file: JournalFile, after: int = 0, count_max: int = 10**6) -> list[int]:
    return [entry.number for entry in file.read(after, count_max)]


def test_what_was_appended_is_there_at_the_next_start(path: Path) -> None:
    file = opened(path)
    assert file.is_new and file.next == 1
    file.append([event(file, 1), event(file, 2)])
    file.append([event(file, 3)])
    file.close()
    again = opened(path)
    assert (again.id, again.next, again.is_new) == (file.id, 4, False)
    assert numbers(again) == [1, 2, 3] and numbers(again, 1, 1) == [2]
    assert again.read(2, 9)[0].event == event(file, 3)
    assert list(again.told.torrents) == [ONE]


def test_a_last_line_cut_at_any_byte_is_healed_and_nothing_else_is_lost(path: Path) -> None:
    file = opened(path)
    file.append([event(file, 1), event(file, 2)])
    whole = path.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for size in range(start, len(whole)):
        path.write_bytes(whole[:size])
        again = opened(path)
        assert again.next == 2, size
        again.append([event(again, 2), event(again, 3)])
        assert numbers(again) == [1, 2, 3]
        again.close()


@pytest.mark.parametrize("damage", [b"\0" * 40, b"garbage", b'{"cursor":"', b"[" * 5000])
def test_a_line_that_is_no_event_is_passed_over(path: Path, damage: bytes) -> None:
    file = opened(path)
    file.append([event(file, 1)])
    with path.open("ab") as raw:
        raw.write(damage + b"\n")
    again = opened(path)
    again.append([event(again, 2)])
    assert numbers(again) == [1, 2]


def test_where_the_first_line_is_gone_no_cursor_is_given_twice(path: Path) -> None:
    file = opened(path)
    file.append([event(file, 1)])
    path.write_bytes(b"\0" * 4096)
    again = opened(path)
    assert again.id != file.id and again.is_new and numbers(again) == []


def test_two_files_of_bounded_size(path: Path) -> None:
    file = opened(path)
    for number in range(1, 400):
        file.append([event(file, number)])
        assert path.stat().st_size <= 4300
    there = numbers(file)
    assert 30 < len(there) < 120 and there == list(range(there[0], 400))
    again = opened(path)
    assert again.next == 400 and numbers(again) == there
    assert list(again.told.torrents) == [ONE], "told long ago, in a file that is gone"


def test_a_kill_between_two_files_loses_nothing(path: Path) -> None:
    """The newest is renamed away before its successor has its name."""
    file = opened(path)
    file.append([event(file, 1), event(file, 2)])
    path.rename(path.with_name("journal.old"))
    path.with_name("journal.tmp").write_bytes(b'{"journal":"')
    again = opened(path)
    assert (again.id, again.next) == (file.id, 3)
    assert numbers(again) == [1, 2] and list(again.told.torrents) == [ONE]
    again.append([event(again, 3)])
    assert numbers(opened(path)) == [1, 2, 3]


def test_an_append_that_fails_half_way_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(path)
    file.append([event(file, 1)])
    before = path.read_bytes()
    write = os.write
    calls: list[int] = []

    def full(descriptor: int, data: bytes) -> int:
        calls.append(descriptor)
        if len(calls) == 1:
            return write(descriptor, data[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        file.append([event(file, 2)])
    monkeypatch.undo()
    assert path.read_bytes() == before and file.next == 2
    file.append([event(file, 2)])
    assert numbers(file) == [1, 2]


def test_a_next_file_that_cannot_be_begun_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(path)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refuse)
        for number in range(1, 60):
            file.append([event(file, number)])
    assert numbers(file) == list(range(1, 60))
    file.append([event(file, 60)])
    file.append([event(file, 61)])
    assert numbers(file)[-2:] == [60, 61] and path.stat().st_size < 500


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    path.symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"):
        opened(path)
    assert other.read_bytes() == b"precious"


def test_what_is_told_where_there_was_no_journal(path: Path) -> None:
    told = Told()
    told.hear({"event": "added", "infohash": ONE})
    assert opened(path).believe(told) is None
    assert list(opened(path).told.torrents) == [ONE]
