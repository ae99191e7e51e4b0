"""Data under other names: found by size, proven by hash, and nothing else taken for it."""

import random
from pathlib import Path

import pytest

from tests.wire.torrents import File, Torrent, multi_file, single_file
from torrentd.wire.store.adoption import Adopted, Search
from torrentd.wire.store.paths import safe_names

KIB = 1024
RNG = random.Random(31)
A, B, C, TINY, OTHER = (RNG.randbytes(size) for size in (50_000, 40_000, 33_000, 99, 99))
FILES = [File((b"a",), A), File((b"deep", b"b"), B), File((b"t1",), TINY), File((b"t2",), OTHER),
         File((b"c",), C)]  # fmt: skip
TORRENT = multi_file(FILES, 16 * KIB, b"name")


def search(torrent: Torrent, *folders: Path) -> tuple[Search, list[Adopted]]:
    made = Search(torrent.info, safe_names(torrent.info, torrent.infohash))
    return made, made.find(folders)


def put(folder: Path, **files: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def test_all_of_it_under_other_names_and_in_several_folders(tmp_path: Path) -> None:
    put(tmp_path / "x" / "y", one=A, two=B)
    put(tmp_path / "z", three=TINY, four=OTHER, five=C, six=bytes(50_000))
    made, found = search(TORRENT, tmp_path / "x", tmp_path / "z")
    assert [(each.file_index, each.source.name, each.whole) for each in found] == [
        (0, "one", True), (1, "two", True), (2, "three", True), (3, "four", True),
        (4, "five", True),
    ]  # fmt: skip
    assert made.in_place(found) is None


def test_what_has_its_names_already_is_in_place(tmp_path: Path) -> None:
    root = tmp_path / "old"
    put(root / "name", a=A, t1=TINY, t2=OTHER, c=C)
    put(root / "name" / "deep", b=B)
    put(tmp_path / "copies", a=A, b=B)  # comes first, and has only some right names
    made, found = search(TORRENT, tmp_path / "copies", root)
    assert len(found) == 5 and made.in_place(found) == root


def test_of_the_right_size_is_not_enough(tmp_path: Path) -> None:
    put(tmp_path, a=bytes(50_000), b=B[:-1] + bytes([B[-1] ^ 1]), t1=OTHER, t2=TINY, c=C)
    _, found = search(TORRENT, tmp_path)
    taken = [(each.file_index, each.source.name, each.whole) for each in found]
    assert taken == [(1, "b", False), (4, "c", False)], "nobody vouches for t1 and t2 then"


def test_a_file_without_a_piece_of_its_own_is_proven_by_its_neighbours(tmp_path: Path) -> None:
    put(tmp_path, x1=TINY, x2=OTHER, x3=bytes(99), x4=b"x" * 99)
    assert search(TORRENT, tmp_path)[1] == [], "nobody vouches for them"
    put(tmp_path, c=C, b=B)
    names = {each.file_index: each.source.name for each in search(TORRENT, tmp_path)[1]}
    assert names == {1: "b", 2: "x1", 3: "x2", 4: "c"}


def test_one_whose_neighbour_is_missing_is_not_whole(tmp_path: Path) -> None:
    put(tmp_path, a=A)
    assert [(each.file_index, each.whole) for each in search(TORRENT, tmp_path)[1]] == [(0, False)]


def test_padding_is_zeros_and_nothing_on_disk(tmp_path: Path) -> None:
    files = [
        File((b"a",), A),
        File((b"p",), bytes(-50_000 % (16 * KIB)), b"p"),
        File((b"t",), TINY),
    ]
    put(tmp_path, x=A, y=TINY, z=OTHER)
    _, found = search(multi_file(files, 16 * KIB, b"name"), tmp_path)
    assert [(each.file_index, each.source.name, each.whole) for each in found] == [
        (0, "x", True), (2, "y", True),
    ]  # fmt: skip


def test_a_single_file(tmp_path: Path) -> None:
    torrent = single_file(A, 16 * KIB, b"film.mkv")
    put(tmp_path / "in", other=A, zero=bytes(50_000))
    made, found = search(torrent, tmp_path)
    assert [(each.source.name, each.whole) for each in found] == [("other", True)]
    put(tmp_path / "out", **{"film.mkv": A})
    made, found = search(torrent, tmp_path)
    assert made.in_place(found) == tmp_path / "out"


def test_links_loops_and_what_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "real", a=A)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "a").symlink_to(tmp_path / "real" / "a")
    (linked / "loop").symlink_to(linked)
    assert search(TORRENT, linked, tmp_path / "absent")[1] == []


@pytest.mark.parametrize("count", [50])
def test_many_of_one_size_do_not_multiply(tmp_path: Path, count: int) -> None:
    """Ten files of one size in one piece, and fifty of that size that are none of them."""
    files = [File((f"f{n}".encode(),), RNG.randbytes(100)) for n in range(10)]
    put(tmp_path, **{f"z{n}": RNG.randbytes(100) for n in range(count)})
    assert search(multi_file(files, 16 * KIB, b"name"), tmp_path)[1] == []
