"""Files of a watch folder: what is read, what is not, what becomes of it."""

import os
import time
from pathlib import Path

import pytest

from torrentd.daemon import watch_folder
from torrentd.daemon.control_lines import METAINFO_BYTES_MAX
from torrentd.daemon.watch_folder import AT_REST_S, MAGNETS_MAX, Found, names, read, settle

MAGNET = "magnet:?xt=urn:btih:" + "ab" * 20


def rested(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, (1, 1))
    return path


def test_what_is_to_be_added(tmp_path: Path) -> None:
    for name in ("b.torrent", "a.magnet", ".c.torrent", "d.torrent.added", "e.part", "f.TORRENT"):
        (tmp_path / name).touch()
    assert names(tmp_path) == ["a.magnet", "b.torrent"]
    assert names(tmp_path / "absent") == "No such file or directory"
    assert names(tmp_path / "b.torrent") == "Not a directory"


def test_torrent_files_and_magnets(tmp_path: Path) -> None:
    found = read(rested(tmp_path / "a.torrent", b"d4:infode"))
    assert found == Found(metainfo=b"d4:infode")
    text = f"# two of them\n\n  {MAGNET}\r\n{'cd' * 20}\n"
    found = read(rested(tmp_path / "a.magnet", text.encode()))
    assert found == Found(magnets=(MAGNET, "cd" * 20))
    assert read(tmp_path / "absent.torrent") is None


def test_what_somebody_writes_to_is_not_at_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.torrent"
    path.write_bytes(b"x")
    for mtime, at_rest in ((0, False), (-AT_REST_S - 1, True), (3600, True)):
        os.utime(path, (1, time.time() + mtime))
        found = read(path)
        assert found is not None and found.at_rest is at_rest, mtime


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.torrent", b"", "it is empty"),
        ("a.magnet", b"\n# nothing\n", "no magnet is in it"),
        ("a.magnet", b"x\n" * (MAGNETS_MAX + 1), "more than 1000 magnets"),
        ("a.magnet", b"x" * (watch_folder.MAGNETS_BYTES_MAX + 1), "larger than"),
    ],
)
def test_what_cannot_be(tmp_path: Path, name: str, data: bytes, problem: str) -> None:
    found = read(rested(tmp_path / name, data))
    assert found is not None and problem in str(found.problem)


def test_what_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.torrent"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    found = read(path)
    assert found is not None and str(METAINFO_BYTES_MAX) in str(found.problem)


def test_no_link_and_no_fifo_is_followed_or_waited_for(tmp_path: Path) -> None:
    secret = rested(tmp_path / "secret", b"d4:infode")
    (tmp_path / "a.torrent").symlink_to(secret)
    os.mkfifo(tmp_path / "b.torrent")
    (tmp_path / "c.torrent").mkdir()
    for name in ("a", "b", "c"):
        found = read(tmp_path / f"{name}.torrent")
        assert found is not None and found.metainfo is None and found.problem, name


def test_it_is_renamed_and_the_reason_lies_beside_it(tmp_path: Path) -> None:
    good, bad = rested(tmp_path / "a.torrent", b"1"), rested(tmp_path / "b.torrent", b"2")
    assert settle(good, None) is None and settle(bad, "it is no torrent") is None
    assert settle(tmp_path / "absent.torrent", None) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.torrent.added", "b.torrent.invalid", "b.torrent.invalid.txt",
    ]  # fmt: skip
    assert (tmp_path / "b.torrent.invalid.txt").read_text() == "it is no torrent\n"


def test_a_reason_is_not_written_through_somebodys_link(tmp_path: Path) -> None:
    victim = rested(tmp_path / "victim", b"precious")
    (tmp_path / "b.torrent.invalid.txt").symlink_to(victim)
    assert settle(rested(tmp_path / "b.torrent", b"2"), "no \ud800 torrent") is None
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "b.torrent.invalid.txt").is_symlink()


def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert settle(rested(tmp_path / "a.torrent", b"1"), None) == "Permission denied"
