"""A torrent's data as it is found: believed, hashed, refused, or left alone (F7, F8, F9)."""

import os
from pathlib import Path

from tests.daemon.session_room import lay_out
from tests.wire.torrents import File, Torrent, multi_file, single_file
from torrentd.daemon.opening import (
    Opened,
    Remembered,
    Unusable,
    finish_check,
    open_store,
    run_check,
)
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.store.files import FileStamp
from torrentd.wire.store.open_files import OpenFiles

SINGLE = single_file(bytes(range(200)), 32)
MANY = multi_file([File((b"a",), b"a" * 64), File((b"b",), b"b" * 64)], 32)
NEW = Remembered()


def open_torrent(torrent: Torrent, root: Path, remembered: Remembered = NEW) -> Opened | Unusable:
    """Everything, the hashing included."""
    found = open_store(torrent.info, torrent.infohash, root, remembered, OpenFiles())
    if isinstance(found, Opened) and found.check is not None:
        assert run_check(found.check) is None
        found = finish_check(found, remembered)
    return found


def had(found: Opened | Unusable) -> list[int]:
    assert isinstance(found, Opened), found
    return list(found.have)


def remember(torrent: Torrent, root: Path) -> Remembered:
    """What the record says after a good run."""
    found = open_torrent(torrent, root)
    assert isinstance(found, Opened)
    fresh = Opened(found.store, found.have, None).store
    stamps = [_stamp(root / name) for name in fresh.names]
    return Remembered(list(fresh.names), found.have, stamps)


def _stamp(path: Path) -> FileStamp | None:
    if not path.exists():
        return None
    found = os.stat(path)
    return FileStamp(found.st_size, found.st_mtime_ns)


class TestNewTorrent:
    def test_an_empty_folder_needs_no_check(self, tmp_path: Path) -> None:
        found = open_store(SINGLE.info, SINGLE.infohash, tmp_path / "new", NEW, OpenFiles())
        assert isinstance(found, Opened) and found.check is None
        assert had(found) == []
        assert (tmp_path / "new").is_dir()

    def test_data_that_is_there_is_used(self, tmp_path: Path) -> None:
        lay_out(SINGLE, tmp_path)
        assert had(open_torrent(SINGLE, tmp_path)) == list(range(7))

    def test_part_of_the_data_is_used(self, tmp_path: Path) -> None:
        (tmp_path / "file.bin").write_bytes(SINGLE.content[:100])
        assert had(open_torrent(SINGLE, tmp_path)) == [0, 1, 2]

    def test_somebody_elses_file_is_left_alone(self, tmp_path: Path) -> None:
        lay_out(MANY, tmp_path)
        (tmp_path / "root" / "b").write_bytes(b"precious" * 8)
        found = open_torrent(MANY, tmp_path)
        assert isinstance(found, Unusable)
        assert str(tmp_path / "root" / "b") in found.reason

    def test_a_link_in_the_way_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").write_bytes(SINGLE.content)
        (tmp_path / "file.bin").symlink_to(tmp_path / "elsewhere")
        assert isinstance(open_torrent(SINGLE, tmp_path), Unusable)


class TestKnownTorrent:
    def test_files_that_look_as_they_did_are_believed(self, tmp_path: Path) -> None:
        lay_out(SINGLE, tmp_path)
        remembered = remember(SINGLE, tmp_path)
        found = open_store(SINGLE.info, SINGLE.infohash, tmp_path, remembered, OpenFiles())
        assert isinstance(found, Opened) and found.check is None
        assert had(found) == list(range(7))

    def test_a_file_written_since_is_hashed(self, tmp_path: Path) -> None:
        lay_out(SINGLE, tmp_path)
        remembered = remember(SINGLE, tmp_path)
        with (tmp_path / "file.bin").open("r+b") as file:
            file.seek(70)
            file.write(b"!")
        assert had(open_torrent(SINGLE, tmp_path, remembered)) == [0, 1, 3, 4, 5, 6]

    def test_pieces_that_came_after_the_record_are_found(self, tmp_path: Path) -> None:
        """kill -9: written, and not yet on record."""
        (tmp_path / "file.bin").write_bytes(SINGLE.content[:32])
        remembered = remember(SINGLE, tmp_path)
        (tmp_path / "file.bin").write_bytes(SINGLE.content[:96])
        assert had(open_torrent(SINGLE, tmp_path, remembered)) == [0, 1, 2]

    def test_other_files_than_the_changed_one_are_still_believed(self, tmp_path: Path) -> None:
        lay_out(MANY, tmp_path)
        remembered = remember(MANY, tmp_path)
        (tmp_path / "root" / "b").write_bytes(b"x" * 64)
        found = open_store(MANY.info, MANY.infohash, tmp_path, remembered, OpenFiles())
        assert isinstance(found, Opened) and found.check is not None
        assert had(found) == [0, 1]
        assert had(open_torrent(MANY, tmp_path, remembered)) == [0, 1], "ours, though all wrong"

    def test_a_folder_that_lost_everything_is_not_filled_anew(self, tmp_path: Path) -> None:
        lay_out(MANY, tmp_path)
        remembered = remember(MANY, tmp_path)
        for name in ("a", "b"):
            (tmp_path / "root" / name).unlink()
        found = open_torrent(MANY, tmp_path, remembered)
        assert isinstance(found, Unusable) and "is gone" in found.reason
        accepted = Remembered(remembered.names, Bitfield(4))
        assert had(open_torrent(MANY, tmp_path, accepted)) == []


class TestCheck:
    def test_a_stopped_check_claims_nothing_it_did_not_see(self, tmp_path: Path) -> None:
        lay_out(SINGLE, tmp_path)
        found = open_store(SINGLE.info, SINGLE.infohash, tmp_path, NEW, OpenFiles())
        assert isinstance(found, Opened) and found.check is not None
        found.check.stop()
        assert run_check(found.check) is None
        assert not found.check.finished

    def test_a_folder_where_a_file_should_be_is_a_reason(self, tmp_path: Path) -> None:
        lay_out(SINGLE, tmp_path)
        found = open_store(SINGLE.info, SINGLE.infohash, tmp_path, NEW, OpenFiles())
        assert isinstance(found, Opened) and found.check is not None
        (tmp_path / "file.bin").unlink()
        (tmp_path / "file.bin").mkdir()
        assert "file.bin" in (run_check(found.check) or "")
