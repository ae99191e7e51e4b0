"""Names from a stranger become names on disk (P1 to P5, P7; T05): vectors, then every nasty list
of components really made in a folder with a canary beside it."""

import os
import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors.paths import COLLISIONS, COMPONENTS, ROOTS
from tests.wire.torrents import File, Torrent, multi_file, single_file
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.store.api import UnsafePath
from torrentd.wire.store.files import FileStore
from torrentd.wire.store.paths import check_names, check_root, safe_component, safe_names

NASTY = [
    *(b"..", b".", b"", b"...", b"/", b"\\", b"//", b"/etc/passwd", b"..\\..", b"../../x"),
    *(b"a", b"A", b"a.txt", b"A.TXT", b"a.1", b"a.1.txt", b"a.txt.1", b"\0", b"a\0b", b"a\nb"),
    *(b"\x1b[2J", b"\x7f", b"\xc2\x80", b"CON", b"nul.txt", b"x:y", b" ", b". ", b".bashrc"),
    *("\u202egpj.exe".encode(), "\u200b".encode(), "\ufeffa".encode(), "a\u2066".encode()),
    *(b"\xff", b"\xc0\xae\xc0\xae", b"\xed\xa0\x80", b"\xe2\x80", b"\xf0\x9f\x92\x88"),
    *("\u00e9".encode(), "e\u0301".encode(), "\u00df".encode(), b"ss", "\u1e9e".encode()),
    *(b"x" * 300, b"x" * 239 + b".txt", "\u00e9".encode() * 150 + b".tar.gz", b"y" * 240),
    b"z" * 236 + b".ext" + b"w" * 30,
]


def torrent_of(paths: list[list[bytes]], name: bytes = b"root") -> Torrent:
    return multi_file([File(tuple(path), b"%d" % i) for i, path in enumerate(paths)], name=name)


def names_of(paths: list[list[bytes]], name: bytes = b"root") -> list[str]:
    torrent = torrent_of(paths, name)
    return safe_names(torrent.info, torrent.infohash)


@pytest.mark.parametrize(("components", "path"), COMPONENTS)
def test_components(components: list[bytes], path: str) -> None:
    assert "/".join(safe_component(component) for component in components) == path


@pytest.mark.parametrize(("name", "root"), ROOTS)
def test_the_root_is_the_torrents_name_or_its_infohash(name: bytes, root: str) -> None:
    torrent = torrent_of([[b"f"]], name)
    expected = root or torrent.infohash.hex()
    assert safe_names(torrent.info, torrent.infohash) == [f"{expected}/f"]


@pytest.mark.parametrize(("paths", "unique"), COLLISIONS)
def test_collisions(paths: list[str], unique: list[str]) -> None:
    raw = [[part.encode() for part in path.split("/")[1:]] for path in paths]
    assert names_of(raw, b"test") == unique


class TestSafeNames:
    def test_a_single_file_has_the_torrents_name(self) -> None:
        torrent = single_file(b"x", name=b"a/../b.txt")
        assert safe_names(torrent.info, torrent.infohash) == ["a..b.txt"]

    def test_padding_and_links_have_no_name_and_take_none(self) -> None:
        torrent = multi_file(
            [File((b"a",), b"x", b"p"), File((b"a",), b"", b"l"), File((b"a",), b"x")]
        )
        assert safe_names(torrent.info, torrent.infohash) == ["", "", "root/a"]

    def test_a_renamed_file_gives_way_again(self) -> None:
        assert names_of([[b"a"], [b"a"], [b"a.1"]]) == ["root/a", "root/a.1", "root/a.1.1"]

    def test_a_long_name_keeps_its_extension_and_its_neighbours(self) -> None:
        one, other = names_of([[b"x" * 300 + b"1.mkv"], [b"x" * 300 + b"2.mkv"]])
        assert one != other
        for name in (one, other):
            assert name.endswith(".mkv") and len(name.removeprefix("root/").encode()) <= 240

    def test_characters_are_not_cut_in_two(self) -> None:
        for shift in range(4):
            name = safe_component(b"x" * shift + "💈".encode() * 80)
            assert set(name.lstrip("x").partition("~")[0]) == {"💈"}

    def test_emoji_and_scripts_that_need_joiners_keep_them(self) -> None:
        for text in ("👩\u200d🚀", "\u0645\u06cc\u200c\u062e\u0648"):
            assert safe_component(text.encode()) == text

    def test_hundreds_of_the_same_path_are_refused(self) -> None:
        assert len(set(names_of([[b"a"]] * 30))) == 30
        with pytest.raises(MetainfoError, match="same path"):
            names_of([[b"a"]] * 40)

    def test_a_path_longer_than_the_system_takes_is_refused(self) -> None:
        with pytest.raises(MetainfoError, match="longer"):
            names_of([[b"x" * 200] * 20])

    def test_deep_and_many_folders_cost_no_copies_of_their_parents(self) -> None:
        paths = [[b"%d" % i, *[b"d"] * 62, b"f"] for i in range(300)]
        assert len(set(names_of(paths))) == 300


class TestRoots:
    """P7."""

    def test_a_folder_for_downloads_will_do(self, tmp_path: Path) -> None:
        check_root(tmp_path / "downloads", tmp_path / "state")

    def test_the_root_and_a_home_will_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "home").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "home")
        for root in (Path("/"), tmp_path / "home", tmp_path / "link", tmp_path / "home" / "."):
            with pytest.raises(UnsafePath):
                check_root(root, tmp_path / "state")
        check_root(tmp_path / "home" / "downloads", tmp_path / "state")

    def test_our_state_is_no_place_for_downloads(self, tmp_path: Path) -> None:
        for root in ("state", "state/torrents", "."):
            with pytest.raises(UnsafePath):
                check_root(tmp_path / root, tmp_path / "state")


class TestNamesOfAStateFile:
    @pytest.mark.parametrize("name", ["a", "a/b", "..a", "a..b", "a/ b", "é", ""])
    def test_safe(self, name: str) -> None:
        check_names([name, "", "other"])

    @pytest.mark.parametrize("name", ["..", "/a", "a/", "a//b", "a/../b", ".", "a\0", "\x1b", "/"])
    def test_unsafe(self, name: str) -> None:
        with pytest.raises(UnsafePath):
            check_names([name])

    def test_a_name_twice(self) -> None:
        with pytest.raises(UnsafePath):
            check_names(["a", "a"])


def check_properties(paths: list[list[bytes]]) -> list[str] | None:
    """None when the torrent is refused."""
    torrent = torrent_of(paths, paths[0][0])
    try:
        names = safe_names(torrent.info, torrent.infohash)
    except MetainfoError:
        return None
    assert names == safe_names(torrent.info, torrent.infohash)
    names = [name for name in names if name]  # padding may be drawn too
    folded = {unicodedata.normalize("NFC", name).casefold() for name in names}
    assert len(folded) == len(names)
    for name in names:
        name.encode()
        for component in name.split("/"):
            assert component not in ("", ".", "..")
            assert len(component.encode()) <= 255
            assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in component)
    check_names(names)
    return names


component_lists = st.lists(
    st.lists(st.sampled_from(NASTY) | st.binary(max_size=20), min_size=1, max_size=4),
    min_size=1,
    max_size=8,
)


@settings(max_examples=300)
@given(component_lists)
def test_names_are_safe_unique_and_always_the_same(paths: list[list[bytes]]) -> None:
    check_properties(paths)


def test_nasty_names_really_made_stay_below_the_root(tmp_path: Path) -> None:
    root, canary = tmp_path / "root", tmp_path / "canary"
    canary.mkdir()
    (canary / "file").write_bytes(b"precious")
    rng = random.Random(5)
    made = 0
    for _ in range(int(os.environ.get("TORRENTD_PATH_TREES", "120"))):
        paths = [[rng.choice(NASTY) for _ in range(rng.randint(1, 4))] for _ in range(5)]
        names = check_properties(paths)
        if names is None:
            continue
        torrent = torrent_of(paths, paths[0][0])
        store = FileStore(torrent.info, root, names)
        store.prepare()
        for piece_index in range(torrent.info.geometry.piece_count):
            store.write(piece_index, memoryview(torrent.piece(piece_index)))
        assert sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()) == sorted(
            names
        )
        store.remove_files()
        assert list(root.iterdir()) == []
        made += 1
    assert made > 80
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == [
        *("canary", "canary/file", "root"),
    ]
    assert (canary / "file").read_bytes() == b"precious"
