"""The store on a file system: bytes where they belong, and nothing touched that is not ours."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.store.piece_store_suite import Make, PieceStoreSuite, fill
from tests.wire.torrents import File, Torrent, assorted, multi_file, single_file
from torrentd.wire.store.api import DiskFull, StoreError, UnsafePath
from torrentd.wire.store.files import FileStore
from torrentd.wire.store.open_files import OpenFiles
from torrentd.wire.store.paths import safe_names

SINGLE = single_file(bytes(range(1, 101)), 32)


def file_store(torrent: Torrent, root: Path, open_files: OpenFiles | None = None) -> FileStore:
    names = safe_names(torrent.info, torrent.infohash)
    return FileStore(torrent.info, root, names, open_files)


@pytest.fixture(params=[1, 2, 256], ids="{} open files".format)
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    stores = []

    def make_store(torrent: Torrent) -> FileStore:
        (tmp_path / "downloads").mkdir()
        store = file_store(torrent, tmp_path / "downloads", OpenFiles(request.param))
        stores.append(store)
        return store

    yield make_store
    for store in stores:
        store.close()


class TestConformance(PieceStoreSuite):
    pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    """A store of SINGLE."""
    made = file_store(SINGLE, tmp_path)
    yield made
    made.close()


def tree(root: Path) -> dict[str, bytes | None]:
    """Every path below `root`; None for folders."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


class TestFilesOnDisk:
    def test_each_file_has_its_bytes_and_padding_is_not_there(self, tmp_path: Path) -> None:
        torrent = assorted()
        store = file_store(torrent, tmp_path)
        store.prepare()
        fill(store, torrent)
        store.close()
        expected = {}
        for file in torrent.info.files:
            if not file.pad and not file.symlink:
                path = "/".join(["root", *(part.decode() for part in file.path)])
                start = file.offset_bytes
                expected[path] = torrent.content[start : start + file.length]
        found = {path: data for path, data in tree(tmp_path).items() if data is not None}
        assert found == expected

    def test_nothing_is_made_before_the_first_byte_but_empty_files(self, tmp_path: Path) -> None:
        root = tmp_path / "new" / "downloads"
        store = file_store(assorted(), root)
        assert not root.exists()
        store.prepare()
        files = [path for path, data in tree(root).items() if data is not None]
        assert files == ["root/empty between", "root/empty first", "root/z/empty last"]
        store.close()

    def test_files_are_sparse(self, tmp_path: Path) -> None:
        torrent = single_file(bytes(8 << 20) + b"end", 1 << 20)
        store = file_store(torrent, tmp_path)
        store.write(8, memoryview(b"end"))
        found = (tmp_path / "file.bin").stat()
        assert found.st_size == (8 << 20) + 3
        assert found.st_blocks * 512 < 1 << 20
        store.close()

    def test_bytes_behind_the_end_of_a_file_stay(self, tmp_path: Path, store: FileStore) -> None:
        (tmp_path / "file.bin").write_bytes(b"o" * 120)
        fill(store, SINGLE)
        assert (tmp_path / "file.bin").read_bytes() == SINGLE.content + b"o" * 20

    def test_no_file_is_executable(self, tmp_path: Path, store: FileStore) -> None:
        fill(store, SINGLE)
        assert (tmp_path / "file.bin").stat().st_mode & 0o777 & ~0o644 == 0

    def test_a_short_file_is_an_error_not_zeros(self, tmp_path: Path, store: FileStore) -> None:
        (tmp_path / "file.bin").write_bytes(SINGLE.content[:40])
        assert store.read(1, 0, 8) == SINGLE.content[32:40]
        with pytest.raises(StoreError, match="shorter"):
            store.read(1, 0, 9)
        with pytest.raises(StoreError, match="shorter"):
            store.read_into(1, 0, memoryview(bytearray(9)))
        assert store.read_resident(1, 0, 9) is None

    def test_what_was_just_read_is_in_memory_and_nothing_is_waited_for(
        self, store: FileStore
    ) -> None:
        fill(store, SINGLE)
        assert store.read_resident(1, 3, 5) is None, "nobody opened it to read"
        store.read(1, 0, 8)
        assert store.read_resident(1, 3, 5) == SINGLE.piece(1)[3:8]
        store.close()
        assert store.read_resident(1, 3, 5) is None

    def test_a_download_folder_that_is_gone_is_not_made_again(self, tmp_path: Path) -> None:
        """An unmounted disk must not be filled from the mount point's side (F7)."""
        store = file_store(SINGLE, tmp_path / "mount")
        with pytest.raises(StoreError, match="download folder is missing"):
            store.write(0, memoryview(SINGLE.piece(0)))
        assert tree(tmp_path) == {}

    def test_a_closed_store_opens_nothing(self, store: FileStore) -> None:
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.write(0, memoryview(SINGLE.piece(0)))

    def test_a_sync_after_closing_covers_what_was_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The last record of a torrent is saved when its files are closed already."""
        open_files = OpenFiles()
        store = file_store(SINGLE, tmp_path, open_files)
        fill(store, SINGLE)
        store.close()
        synced: list[int] = []
        monkeypatch.setattr(os, "fdatasync", synced.append)
        store.sync()
        assert len(synced) == 1 and len(open_files) == 0

    def test_names_of_another_torrent_are_refused(self, tmp_path: Path) -> None:
        for names in ([], ["a", "b"]):
            with pytest.raises(StoreError, match="names on record"):
                FileStore(SINGLE.info, tmp_path, names)

    def test_names_that_lead_outside_are_refused(self, tmp_path: Path) -> None:
        for name in ("../x", "/etc/x", "a//b", "a/./b", "a\0b", "."):
            with pytest.raises(UnsafePath):
                FileStore(SINGLE.info, tmp_path, [name])


class TestWhatIsNotOurs:
    """P6."""

    @pytest.fixture
    def canary(self, tmp_path: Path) -> Iterator[Path]:
        """A folder outside; nothing in it may change."""
        folder = tmp_path / "canary"
        folder.mkdir()
        (folder / "file.bin").write_bytes(b"precious" * 20)
        (folder / "a").mkdir()
        before = tree(folder)
        yield folder
        assert tree(folder) == before

    def test_a_link_at_a_files_name_is_not_followed(self, tmp_path: Path, canary: Path) -> None:
        root = tmp_path / "downloads"
        root.mkdir()
        (root / "file.bin").symlink_to(canary / "file.bin")
        store = file_store(SINGLE, root)
        for action in (lambda: fill(store, SINGLE), lambda: store.read(0, 0, 8), store.stat_files):
            with pytest.raises(UnsafePath):
                action()
        store.remove_files()
        assert (root / "file.bin").is_symlink()

    def test_a_link_to_nothing_makes_no_file(self, tmp_path: Path, canary: Path) -> None:
        root = tmp_path / "downloads"
        root.mkdir()
        (root / "file.bin").symlink_to(canary / "new")
        with pytest.raises(UnsafePath):
            fill(file_store(SINGLE, root), SINGLE)

    def test_a_link_at_a_folders_name_is_not_followed(self, tmp_path: Path, canary: Path) -> None:
        torrent = assorted()
        root = tmp_path / "downloads"
        (root / "root").mkdir(parents=True)
        (root / "root" / "a").symlink_to(canary / "a", target_is_directory=True)
        store = file_store(torrent, root)
        with pytest.raises(UnsafePath):
            fill(store, torrent)
        with pytest.raises(UnsafePath):
            store.stat_files()
        store.remove_files()
        assert (root / "root" / "a").is_symlink()

    def test_a_hard_link_is_read_but_not_written(self, tmp_path: Path, canary: Path) -> None:
        root = tmp_path / "downloads"
        root.mkdir()
        os.link(canary / "file.bin", root / "file.bin")
        store = file_store(SINGLE, root)
        assert store.read(0, 0, 8) == b"precious"
        with pytest.raises(UnsafePath, match="hard link"):
            fill(store, SINGLE)
        store.close()

    def test_a_folder_and_a_fifo_are_no_files(self, tmp_path: Path) -> None:
        for name, action in (("folder", os.mkdir), ("fifo", os.mkfifo)):
            root = tmp_path / name
            root.mkdir()
            action(root / "file.bin")
            store = file_store(SINGLE, root)
            with pytest.raises(UnsafePath):
                fill(store, SINGLE)
            with pytest.raises(UnsafePath):
                store.read(0, 0, 1)

    def test_a_file_in_the_place_of_a_folder_stays(self, tmp_path: Path) -> None:
        (tmp_path / "root").write_bytes(b"precious")
        torrent = assorted()
        with pytest.raises(UnsafePath):
            fill(file_store(torrent, tmp_path), torrent)
        assert tree(tmp_path) == {"root": b"precious"}

    def test_the_download_folder_itself_may_be_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        store = file_store(SINGLE, tmp_path / "link")
        store.prepare()
        fill(store, SINGLE)
        store.close()
        assert (tmp_path / "real" / "file.bin").read_bytes() == SINGLE.content

    def test_only_our_files_and_empty_folders_are_removed(self, tmp_path: Path) -> None:
        torrent = assorted()
        store = file_store(torrent, tmp_path)
        store.prepare()
        fill(store, torrent)
        (tmp_path / "beside").write_bytes(b"1")
        (tmp_path / "root" / "a" / "somebody's").write_bytes(b"2")
        store.remove_files()
        left = {"beside": b"1", "root": None, "root/a": None, "root/a/somebody's": b"2"}
        assert tree(tmp_path) == left

    def test_bytes_in_a_file_that_should_be_empty_are_not_ours(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "empty first").write_bytes(b"diary")
        store = file_store(assorted(), tmp_path)
        store.prepare()
        store.remove_files()
        assert tree(tmp_path) == {"root": None, "root/empty first": b"diary"}

    def test_all_is_gone_when_nobody_added_anything(self, tmp_path: Path) -> None:
        torrent = assorted()
        store = file_store(torrent, tmp_path)
        store.prepare()
        fill(store, torrent)
        store.remove_files()
        store.remove_files()
        assert tree(tmp_path) == {}


class TestWhenTheDiskFails:
    """F3, F5, finding 11."""

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_a_full_disk_is_told_apart(
        self, store: FileStore, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "pwrite", fail)
        with pytest.raises(DiskFull):
            store.write(0, memoryview(SINGLE.piece(0)))
        monkeypatch.undo()
        store.write(0, memoryview(SINGLE.piece(0)))
        assert store.read(0, 0, 32) == SINGLE.piece(0)

    def test_short_writes_and_reads_are_continued(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pwrite, preadv = os.pwrite, os.preadv
        monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:5], at))
        monkeypatch.setattr(os, "preadv", lambda fd, into, at: preadv(fd, [into[0][:3]], at))
        fill(store, SINGLE)
        buffer = bytearray(32)
        store.read_into(2, 0, memoryview(buffer))
        assert buffer == SINGLE.piece(2)

    def test_a_failed_sync_is_reported_once(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        store.write(0, memoryview(SINGLE.piece(0)))
        monkeypatch.setattr(os, "fdatasync", fail)
        with pytest.raises(StoreError):
            store.sync()
        monkeypatch.undo()
        store.sync()

    def test_a_failed_sync_of_one_file_spares_the_others_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torrent = multi_file([File((b"%d" % i,), b"x" * 32) for i in range(5)])
        store = file_store(torrent, tmp_path)
        fill(store, torrent)
        fdatasync, synced = os.fdatasync, []

        def fail_first(descriptor: int) -> None:
            synced.append(descriptor)
            if len(synced) == 1:
                raise OSError(errno.EIO, "Input/output error")
            fdatasync(descriptor)

        monkeypatch.setattr(os, "fdatasync", fail_first)
        with pytest.raises(StoreError):
            store.sync()
        assert len(synced) == 5
        store.close()

    def test_a_failure_while_making_room_is_told_by_the_next_sync(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torrent = multi_file([File((b"%d" % i,), b"x" * 32) for i in range(3)])
        store = file_store(torrent, tmp_path, OpenFiles(1))
        store.write(0, memoryview(torrent.piece(0)))
        fdatasync = os.fdatasync

        def fail(_: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", fail)
        store.write(1, memoryview(torrent.piece(1)))  # closes file 0, whose sync fails
        monkeypatch.setattr(os, "fdatasync", fdatasync)
        with pytest.raises(StoreError, match="/0"):
            store.sync()
        store.sync()
        store.close()

    def test_sync_covers_each_file_written_and_each_folder_with_a_new_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torrent = multi_file([File((b"a", b"b", b"1"), b"x" * 32), File((b"2",), b"y" * 32)])
        store = file_store(torrent, tmp_path)
        synced: list[str] = []

        def note(descriptor: int) -> None:
            synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))

        monkeypatch.setattr(os, "fdatasync", note)
        monkeypatch.setattr(os, "fsync", note)
        fill(store, torrent)
        store.sync()
        assert sorted(synced) == [".", "root", "root/2", "root/a", "root/a/b", "root/a/b/1"]
        synced.clear()
        store.write(1, memoryview(torrent.piece(1)))
        store.sync()
        assert synced == ["root/2"]
        store.close()

    def test_a_file_removed_while_it_was_written_fails_the_sync(
        self, tmp_path: Path, store: FileStore
    ) -> None:
        """F8: the bytes are in a file that has no name any more."""
        store.write(0, memoryview(SINGLE.piece(0)))
        (tmp_path / "file.bin").unlink()
        with pytest.raises(StoreError, match="removed"):
            store.sync()
        store.write(0, memoryview(SINGLE.piece(0)))
        store.sync()
        assert (tmp_path / "file.bin").read_bytes() == SINGLE.piece(0)


class TestStamps:
    """What tells that a file is as we left it."""

    def test_a_sync_brings_the_stamps_up_to_date(self, tmp_path: Path, store: FileStore) -> None:
        assert store.stamps() == [None]
        fill(store, SINGLE)
        assert store.stamps() == [None]
        store.sync()
        found = (tmp_path / "file.bin").stat()
        assert store.stamps() == [(found.st_size, found.st_mtime_ns)]

    def test_another_run_sees_the_same(self, tmp_path: Path, store: FileStore) -> None:
        store.stamps()
        fill(store, SINGLE)
        store.sync()
        again = file_store(SINGLE, tmp_path)
        assert again.stamps() == store.stamps()

    def test_padding_has_no_stamp(self, tmp_path: Path) -> None:
        torrent = assorted()
        store = file_store(torrent, tmp_path)
        store.prepare()
        fill(store, torrent)
        absent = [i for i, stamp in enumerate(store.stamps()) if stamp is None]
        assert absent == [2, 7, 8]
        store.close()


class TestSyncFound:
    """What an earlier run wrote may still be on its way to the disk (F2)."""

    def test_every_file_with_data_is_synced_though_we_wrote_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torrent = multi_file(
            [File((b"a",), b"1" * 40), File((b"b",), b""), File((b"c",), b"2" * 9)]
        )
        earlier = file_store(torrent, tmp_path)
        fill(earlier, torrent)
        earlier.close()
        synced: list[str] = []
        monkeypatch.setattr(
            os, "fdatasync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        )
        found = file_store(torrent, tmp_path)
        found.sync_found()
        found.close()
        assert [Path(name).name for name in synced] == ["a", "c"]

    def test_a_hard_linked_file_is_synced_without_being_opened_for_writing(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        name = tmp_path / store.names[0]
        name.write_bytes(SINGLE.content)
        os.link(name, tmp_path / "another name")
        store.sync_found()

    def test_a_failure_is_told(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / store.names[0]).write_bytes(SINGLE.content)

        def fail(descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", fail)
        with pytest.raises(StoreError):
            store.sync_found()
