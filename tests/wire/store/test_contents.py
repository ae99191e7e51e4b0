"""What lies at a path: its order, its hashes against a plain loop and against other creators."""

import hashlib
import os
import random
import threading
from pathlib import Path

import libtorrent as lt
import pytest

from torrentd.wire.formats.creation import choose_piece_length, encode_info
from torrentd.wire.formats.metainfo import infohash_of
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.contents import Contents

KIB = 1024
# Names that orders differ about: of bytes, of whole paths, without regard to case, natural.
NAMES = ("b", "a/z", "a.b", "a/c/d", "A", "a b", "é", "z/1", "z/10", "z/2", "Z", "a-b", "_x",
         "empty", "日本")  # fmt: skip
TORF_FOLDER = "9ae5d1b19a30a42086aeb0b80196727d1a03afda"  # torf 4.3.1, pieces of 16 KiB
TORF_FILE = "1b3e9b811164eaac34a46f93fa220537b195865e"  # pieces of 32 KiB


def lay_out(parent: Path, name: str = "golden") -> Path:
    root, rng = parent / name, random.Random(23)
    for path in NAMES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        data = b"" if path == "empty" else rng.randbytes(1 + len(path) * 3000)
        (root / path).write_bytes(data)
    return root


def metadata_of(path: Path, piece_length: int, threads: int = 3) -> bytes:
    contents = Contents(path)
    hashes = contents.hash_pieces(piece_length, threads, lambda at_bytes: None)
    return encode_info(contents.outline, piece_length, hashes)


class TestAsOthersMakeIt:
    def test_torf_gives_the_same_infohash(self, tmp_path: Path) -> None:
        assert infohash_of(metadata_of(lay_out(tmp_path), 16 * KIB)).hex() == TORF_FOLDER
        single = tmp_path / "one.bin"
        single.write_bytes(random.Random(29).randbytes(100_001))
        assert infohash_of(metadata_of(single, 32 * KIB)).hex() == TORF_FILE

    @pytest.mark.parametrize("piece_length", [16 * KIB, 64 * KIB])
    def test_libtorrent_gives_the_same_bytes_of_the_same_order(
        self, tmp_path: Path, piece_length: int
    ) -> None:
        """It takes files in the order of the folder, which is by chance, so it is told ours."""
        root = lay_out(tmp_path)
        files = [
            lt.create_file_entry(os.fsdecode(b"/".join((b"golden", *path))), length)
            for path, length in Contents(root).outline.files
        ]
        creator = lt.create_torrent(files, piece_length, lt.create_torrent.v1_only)
        lt.set_piece_hashes(creator, str(tmp_path))
        assert metadata_of(root, piece_length) == lt.bencode(creator.generate()[b"info"])

    def test_libtorrent_gives_the_same_bytes_for_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "one.bin"
        path.write_bytes(random.Random(3).randbytes(300_000))
        creator = lt.create_torrent(lt.list_files(str(path)), 16384, lt.create_torrent.v1_only)
        lt.set_piece_hashes(creator, str(tmp_path))
        assert metadata_of(path, 16384) == lt.bencode(creator.generate()[b"info"])


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_hashes_are_those_of_a_plain_loop(tmp_path: Path, threads: int) -> None:
    root = lay_out(tmp_path)
    contents = Contents(root)
    told: list[int] = []
    hashes = contents.hash_pieces(16 * KIB, threads, told.append)
    paths = [root.joinpath(*map(os.fsdecode, parts)) for parts, _ in contents.outline.files]
    data = b"".join(path.read_bytes() for path in paths)
    pieces = [data[at : at + 16 * KIB] for at in range(0, len(data), 16 * KIB)]
    assert hashes == b"".join(hashlib.sha1(piece).digest() for piece in pieces)
    assert len(told) == len(pieces) and told[-1] == len(data) == contents.outline.total_bytes
    assert told == sorted(told)


def test_a_piece_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    path.write_bytes(random.Random(3).randbytes(5_000_000))
    hashes = Contents(path).hash_pieces(4 * 2**20, 2, lambda at_bytes: None)
    assert hashes[:20] == hashlib.sha1(path.read_bytes()[: 4 * 2**20]).digest()
    assert len(hashes) == 40


def test_links_and_devices_are_left_out_and_named(tmp_path: Path) -> None:
    root = lay_out(tmp_path)
    (root / "link").symlink_to(root / "b")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "a" / "fifo")
    contents = Contents(root)
    assert contents.outline == Contents(lay_out(tmp_path / "other")).outline
    left_out = sorted(path.name for path in contents.left_out)
    assert left_out == ["fifo", "link", "loop"]


def test_who_names_a_link_means_what_it_leads_to(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "alias").symlink_to(tmp_path / "golden")
    contents = Contents(tmp_path / "alias")
    assert contents.outline.name == b"alias" and len(contents.outline.files) == len(NAMES)
    assert len(contents.hash_pieces(1 << 20, 1, lambda at_bytes: None)) == 20


@pytest.mark.parametrize("name", ["absent", "fifo"])
def test_what_is_neither_file_nor_folder(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(StoreError, match=name):
        Contents(tmp_path / name)


@pytest.mark.parametrize("change", ["shorter", "longer", "touched", "gone", "link"])
def test_a_file_that_changes_meanwhile_ends_it(tmp_path: Path, change: str) -> None:
    root = lay_out(tmp_path)
    contents, path = Contents(root), root / "z" / "10"
    match change:
        case "shorter":
            path.write_bytes(b"x")
        case "longer":
            path.write_bytes(path.read_bytes() + b"x")
        case "touched":
            os.utime(path, (1, 1))
        case "gone":
            path.unlink()
        case "link":
            path.rename(root / "elsewhere")
            path.symlink_to(root / "elsewhere")
    with pytest.raises(StoreError, match="z/10"):
        contents.hash_pieces(choose_piece_length(100_000), 2, lambda at_bytes: None)
    assert [t.name for t in threading.enumerate() if t.name.startswith("hash")] == []
