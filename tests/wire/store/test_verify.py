"""Existing data is checked, used, and never overwritten by a torrent that it does not match (F7 to
F9)."""

import os
import threading
import time
from pathlib import Path

import pytest

from tests.wire.store.piece_store_suite import fill
from tests.wire.torrents import File, Torrent, assorted, multi_file, single_file
from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.metainfo import decode_info
from torrentd.wire.store.api import UnsafePath
from torrentd.wire.store.files import FileStamp, FileStore
from torrentd.wire.store.paths import safe_names
from torrentd.wire.store.verify import (
    CHUNK_BYTES,
    Check,
    data_missing,
    trusted_pieces,
)


def file_store(torrent: Torrent, root: Path) -> FileStore:
    return FileStore(torrent.info, root, safe_names(torrent.info, torrent.infohash))


def filled(torrent: Torrent, root: Path) -> FileStore:
    """A store with every piece written."""
    store = file_store(torrent, root)
    store.prepare()
    fill(store, torrent)
    store.sync()
    return store


def check(store: FileStore, trusted: Bitfield | None = None) -> Check:
    made = Check(store, trusted)
    made.run()
    assert made.finished
    return made


class TestCheck:
    def test_all_is_had_when_all_is_there(self, tmp_path: Path) -> None:
        made = check(filled(assorted(), tmp_path))
        assert made.have.all()
        assert made.foreign_files() == []

    def test_nothing_is_had_when_nothing_is_there(self, tmp_path: Path) -> None:
        torrent = single_file(b"x" * 100)
        made = check(file_store(torrent, tmp_path / "nowhere"))
        assert not made.have.any() and made.pieces_checked == 4

    def test_a_piece_of_nothing_but_padding_is_had_from_the_start(self, tmp_path: Path) -> None:
        torrent = multi_file([File((b"a",), b"x" * 32), File((b"p",), bytes(64), b"p")])
        assert list(check(file_store(torrent, tmp_path)).have) == [1, 2]

    @pytest.mark.parametrize("damaged", range(13))
    def test_each_damaged_byte_costs_its_piece_alone(self, tmp_path: Path, damaged: int) -> None:
        torrent = single_file(bytes(range(256)) * 2, piece_length=40)
        store = filled(torrent, tmp_path)
        with open(tmp_path / "file.bin", "r+b") as file:
            file.seek(damaged * 40 + 3)
            file.write(b"\xee")
        made = check(store)
        missing = set(range(made.piece_count)) - set(made.have)
        assert missing == {damaged}

    @pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 63, 64, 99, 100, 101])
    def test_a_short_file_has_its_first_pieces(self, tmp_path: Path, size: int) -> None:
        torrent = single_file(bytes(range(1, 101)), piece_length=32)
        (tmp_path / "file.bin").write_bytes((torrent.content + b"more")[:size])
        have = check(file_store(torrent, tmp_path)).have
        assert list(have) == [i for i in range(4) if min((i + 1) * 32, 100) <= size]

    def test_pieces_beside_an_absent_file_are_had(self, tmp_path: Path) -> None:
        torrent = assorted()
        store = filled(torrent, tmp_path)
        (tmp_path / "root" / "a" / "b" / "aligned").unlink()
        store.close()
        have = check(file_store(torrent, tmp_path)).have
        gone = torrent.info.files[3]
        absent = range(gone.offset_bytes // 32, (gone.offset_bytes + gone.length - 1) // 32 + 1)
        assert set(range(len(have))) - set(have) == set(absent)

    def test_pieces_longer_than_a_chunk_are_hashed_whole(self, tmp_path: Path) -> None:
        content = os.urandom(3 * CHUNK_BYTES + 17)
        store = filled(single_file(content, 2 * CHUNK_BYTES + 5), tmp_path)
        assert check(store).have.all()
        with open(tmp_path / "file.bin", "r+b") as file:
            file.seek(2 * CHUNK_BYTES + 4)
            file.write(bytes([content[2 * CHUNK_BYTES + 4] ^ 1]))
        assert list(check(store).have) == [1]

    def test_zeros_in_a_hole_are_had_and_holes_elsewhere_are_not(self, tmp_path: Path) -> None:
        content = bytes(1 << 20) + b"x" * (1 << 20) + bytes(1 << 20) + b"end"
        store = file_store(single_file(content, 1 << 18), tmp_path)
        store.write(12, memoryview(b"end"))
        have = check(store).have
        assert list(have) == [0, 1, 2, 3, 8, 9, 10, 11, 12]

    def test_trusted_pieces_are_not_read(self, tmp_path: Path) -> None:
        torrent = single_file(b"x" * 100)
        store = filled(torrent, tmp_path)
        (tmp_path / "file.bin").write_bytes(b"y" * 100)
        seen: list[tuple[int, bool]] = []
        made = Check(store, Bitfield.of(4, [0, 2]))
        made.run(lambda piece_index, good: seen.append((piece_index, good)))
        assert seen == [(1, False), (3, False)]
        assert list(made.have) == [0, 2]

    def test_threads_share_the_work(self, tmp_path: Path) -> None:
        torrent = single_file(os.urandom(40_000), 64)
        store = filled(torrent, tmp_path)
        made = Check(store)
        seen: list[int] = []
        threads = [
            threading.Thread(target=made.run, args=(lambda i, good: seen.append(i),))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made.finished and made.have.all()
        assert sorted(seen) == list(range(made.piece_count))

    def test_a_stopped_check_keeps_what_it_found(self, tmp_path: Path) -> None:
        torrent = single_file(b"x" * 320)
        made = Check(filled(torrent, tmp_path))
        made.run(lambda piece_index, good: made.stop() if piece_index == 3 else None)
        assert not made.finished
        assert list(made.have) == [0, 1, 2, 3]

    def test_a_stop_in_the_middle_of_a_piece_decides_nothing(self, tmp_path: Path) -> None:
        made = Check(filled(single_file(b"x" * 32), tmp_path))
        made.stop()
        made.run()
        assert made.pieces_checked == 0 and not made.finished

    def test_a_file_that_shrinks_meanwhile_is_not_had(self, tmp_path: Path) -> None:
        store = filled(single_file(bytes(4 * CHUNK_BYTES), CHUNK_BYTES), tmp_path)
        made = Check(store)
        made.run(lambda *_: os.truncate(tmp_path / "file.bin", CHUNK_BYTES + 40))
        assert made.finished and list(made.have) == [0]

    def test_of_pieces_read_at_once_those_that_are_still_there_are_had(
        self, tmp_path: Path
    ) -> None:
        size = CHUNK_BYTES // 4
        content = os.urandom(2 * CHUNK_BYTES)
        store = filled(single_file(content, size), tmp_path)
        made = Check(store)
        made.run(lambda *_: os.truncate(tmp_path / "file.bin", CHUNK_BYTES + size + 40))
        assert made.finished and list(made.have) == [0, 1, 2, 3, 4]

    def test_a_link_is_refused_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "precious").write_bytes(b"x" * 100)
        (tmp_path / "file.bin").symlink_to(tmp_path / "precious")
        with pytest.raises(UnsafePath):
            Check(file_store(single_file(b"x" * 100), tmp_path)).run()


class TestSize:
    """A terabyte in a million pieces: what is not there costs nothing."""

    @pytest.fixture
    def huge(self) -> Torrent:
        info: dict[bytes, Bencoded] = {
            b"length": 1 << 40,
            b"name": b"huge",
            b"piece length": 1 << 20,
            b"pieces": b"no piece hashes to t" * (1 << 20),
        }
        return Torrent(encode(info), b"")

    def test_an_absent_terabyte_is_checked_at_once(self, tmp_path: Path, huge: Torrent) -> None:
        store = file_store(huge, tmp_path)
        started = time.perf_counter()
        assert not check(store).have.any()
        assert time.perf_counter() - started < 0.5

    def test_a_hole_of_a_gigabyte_is_not_read(self, tmp_path: Path, huge: Torrent) -> None:
        with open(tmp_path / "huge", "wb") as file:
            file.truncate(1 << 30)
        store = file_store(huge, tmp_path)
        started = time.perf_counter()
        made = check(store)
        assert not made.have.any() and made.foreign_files() == []
        assert time.perf_counter() - started < 0.5  # it takes a second to hash


class TestForeignFiles:
    """F9: "a file with not one matching piece and not ours: refuse"."""

    def test_a_file_without_one_matching_piece_is_somebody_elses(self, tmp_path: Path) -> None:
        torrent = single_file(b"x" * 100)
        (tmp_path / "file.bin").write_bytes(b"diary" * 20)
        assert check(file_store(torrent, tmp_path)).foreign_files() == ["file.bin"]

    def test_a_short_file_of_somebody_else_is_too(self, tmp_path: Path) -> None:
        (tmp_path / "file.bin").write_bytes(b"diary")
        torrent = single_file(b"x" * 100)
        assert check(file_store(torrent, tmp_path)).foreign_files() == ["file.bin"]

    def test_a_partial_download_is_not(self, tmp_path: Path) -> None:
        torrent = single_file(b"x" * 100)
        (tmp_path / "file.bin").write_bytes(b"?" * 64 + b"x" * 36)
        assert check(file_store(torrent, tmp_path)).foreign_files() == []

    def test_an_empty_file_has_nothing_to_lose(self, tmp_path: Path) -> None:
        (tmp_path / "file.bin").touch()
        assert check(file_store(single_file(b"x" * 100), tmp_path)).foreign_files() == []

    def test_one_of_several_is_named(self, tmp_path: Path) -> None:
        torrent = assorted()
        store = filled(torrent, tmp_path)
        (tmp_path / "root" / "long").write_bytes(b"diary")
        store.close()
        assert check(file_store(torrent, tmp_path)).foreign_files() == ["root/long"]

    def test_a_file_where_an_empty_one_belongs_is_left_alone(self, tmp_path: Path) -> None:
        torrent = assorted()
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "empty first").write_bytes(b"diary")
        store = file_store(torrent, tmp_path)
        assert check(store).foreign_files() == []
        store.prepare()
        assert (tmp_path / "root" / "empty first").read_bytes() == b"diary"


class TestTrust:
    """Stamps of the last run: what has not changed since it was synced needs no hash."""

    def test_pieces_of_files_that_look_the_same_are_trusted(self) -> None:
        torrent = assorted()
        store = FileStore(torrent.info, Path("/"), safe_names(torrent.info, torrent.infohash))
        stamps: list[FileStamp | None] = [FileStamp(i, i) for i in range(11)]
        have = Bitfield.full(torrent.info.geometry.piece_count)
        assert trusted_pieces(have, store.layout, stamps, list(stamps)) == have
        for changed in (None, FileStamp(3, 4), FileStamp(4, 3)):
            found = [*stamps[:3], changed, *stamps[4:]]
            trusted = trusted_pieces(have, store.layout, stamps, found)
            assert set(have) - set(trusted) == set(store.layout.pieces_of_file(3))
            assert have.all()

    def test_nothing_is_trusted_without_stamps(self) -> None:
        torrent = assorted()
        store = FileStore(torrent.info, Path("/"), safe_names(torrent.info, torrent.infohash))
        have = Bitfield.full(torrent.info.geometry.piece_count)
        assert not trusted_pieces(have, store.layout, [], [None] * 11).any()

    def test_nothing_is_trusted_of_a_record_with_another_number_of_pieces(self) -> None:
        torrent = single_file(b"x" * 100)
        store = FileStore(torrent.info, Path("/"), ["file.bin"])
        stamps = [FileStamp(1, 1)]
        trusted = trusted_pieces(Bitfield.full(9), store.layout, stamps, stamps)
        assert trusted == Bitfield(4)

    def test_only_what_was_had_is_trusted(self) -> None:
        torrent = single_file(b"x" * 100)
        store = FileStore(torrent.info, Path("/"), ["file.bin"])
        have = Bitfield.of(4, [2])
        stamps = [FileStamp(1, 1)]
        assert list(trusted_pieces(have, store.layout, stamps, stamps)) == [2]

    def test_a_write_after_the_last_sync_takes_the_trust_away(self, tmp_path: Path) -> None:
        torrent = single_file(b"x" * 100)
        store = file_store(torrent, tmp_path)
        store.stamps()
        store.write(0, memoryview(torrent.piece(0)))
        store.sync()
        saved = store.stamps()
        store.write(3, memoryview(torrent.piece(3)))  # and then kill -9
        again = file_store(torrent, tmp_path)
        trusted = trusted_pieces(Bitfield.of(4, [0]), again.layout, saved, again.stamps())
        assert not trusted.any()
        assert list(check(again, trusted).have) == [0, 3]  # what was not recorded is found, too

    def test_files_that_are_all_gone_are_an_unmounted_disk(self) -> None:
        stamp = FileStamp(1, 1)
        assert data_missing([stamp, None], [None, None])
        assert not data_missing([stamp, stamp], [None, stamp])
        assert not data_missing([None, None], [None, None])
        assert not data_missing([], [None, None])


def test_info_without_content_is_fine(tmp_path: Path) -> None:
    """`decode_info` of the metadata that a state folder keeps is all a check needs."""
    torrent = assorted()
    store = filled(torrent, tmp_path)
    info = decode_info(torrent.metadata)
    assert check(FileStore(info, tmp_path, store.names)).have.all()
