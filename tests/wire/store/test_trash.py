"""The trash of freedesktop.org: places, names and the order of steps as its specification has them;
and nothing is lost or copied, whatever stands in the way."""

import errno
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from torrentd.wire.store import trash as trash_module
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.trash import NoTrash, Trash, find_trash

AT = datetime(2031, 2, 3, 4, 5, 6)
NAMES = ["film/a", "film/deep/er/b", "film/deep/c"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A download folder at the top of a file system of its own."""
    return lay_out(tmp_path / "disk")


def lay_out(folder: Path) -> Path:
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / ".local" / "share" / "Trash"


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`disk` is another mount than all else, as the kernel would say it."""

    def mount(folder: Path) -> tuple[int, int]:
        assert folder.exists()
        return (1, 1) if folder.is_relative_to(tmp_path / "disk") else (1, 2)

    monkeypatch.setattr(trash_module, "_mount", mount)


def info(trash: Trash, entry: str) -> dict[str, str]:
    lines = (trash.folder / "info" / f"{entry}.trashinfo").read_text().splitlines()
    assert lines[0] == "[Trash Info]"
    return {key: value for key, _, value in (line.partition("=") for line in lines[1:])}


def files_below(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return sorted(str(path.relative_to(folder)) for path in found)


class TestPlaces:
    def test_the_home_trash_serves_what_is_on_its_mount(self, data: Path, home: Path) -> None:
        trash = find_trash(data, home)
        assert trash.folder == home
        assert trash.put(data, NAMES, AT) == [home / "files" / "film"]
        assert files_below(home) == [
            "files/film/a",
            "files/film/deep/c",
            "files/film/deep/er/b",
            "info/film.trashinfo",
        ]
        assert info(trash, "film") == {
            "Path": str(data.resolve() / "film"),
            "DeletionDate": "2031-02-03T04:05:06",
        }
        made = [home, home.parent, home.parent.parent, home / "files", home / "info"]
        assert {path.stat().st_mode & 0o777 for path in made} == {0o700}

    def test_another_mount_has_its_own_at_its_top_and_tells_paths_from_there(
        self, data: Path, home: Path, apart: None
    ) -> None:
        below = lay_out(data / "films" / "new")
        trash = find_trash(below, home)
        assert trash.folder == data / f".Trash-{os.geteuid()}"
        trash.put(below, NAMES, AT)
        assert info(trash, "film")["Path"] == "films/new/film"
        assert not home.exists()

    @pytest.mark.parametrize("mode", [0o1777, 0o777])
    def test_the_administrators_is_used_where_it_is_sticky(
        self, data: Path, home: Path, apart: None, mode: int
    ) -> None:
        (data / ".Trash").mkdir()
        (data / ".Trash").chmod(mode)
        user = os.geteuid()
        right = f".Trash/{user}" if mode & 0o1000 else f".Trash-{user}"
        assert find_trash(data, home).folder == data / right

    def test_a_link_in_its_place_is_not_followed(
        self, data: Path, home: Path, apart: None, tmp_path: Path
    ) -> None:
        (tmp_path / "trap").mkdir()
        (tmp_path / "trap").chmod(0o1777)
        (data / ".Trash").symlink_to(tmp_path / "trap")
        (data / f".Trash-{os.geteuid()}").symlink_to(tmp_path / "trap")
        with pytest.raises(NoTrash, match=r"it has no trash .*a link"):
            find_trash(data, home)
        assert list((tmp_path / "trap").iterdir()) == []

    def test_a_folder_of_somebody_else_is_refused(
        self, data: Path, home: Path, apart: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (data / f".Trash-{os.geteuid()}").mkdir()
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
        (data / f".Trash-{user + 1}").mkdir()
        with pytest.raises(NoTrash, match="it belongs to somebody else"):
            find_trash(data, home)

    def test_a_file_in_the_way_is_told(self, data: Path, home: Path, apart: None) -> None:
        (data / f".Trash-{os.geteuid()}").write_text("")
        with pytest.raises(NoTrash, match=r"it has no trash \(.*stands in the way\)"):
            find_trash(data, home)
        with pytest.raises(NoTrash, match="it has no trash"):
            find_trash(data / "gone", home)


class TestNames:
    def test_each_is_given_once(self, data: Path, home: Path) -> None:
        trash = find_trash(data, home)
        (home / "files" / "film.3").mkdir()  # left without a word by somebody
        entries = []
        for _ in range(3):
            entries += trash.put(lay_out(data), NAMES, AT)
        assert [path.name for path in entries] == ["film", "film.2", "film.4"]
        assert {*os.listdir(home / "info")} == {f"{path.name}.trashinfo" for path in entries}

    @pytest.mark.parametrize(
        "name", ["100% of it\u202e.mkv", "a=b\\c.iso", "ü" * 120, "x" * 255, "-rf", "a b.tar.gz"]
    )
    def test_whatever_it_is_called_it_is_found_again(
        self, tmp_path: Path, home: Path, name: str
    ) -> None:
        places = []
        trash = find_trash(tmp_path, home)
        for _ in range(2):
            (tmp_path / name).write_text(name)
            places += trash.put(tmp_path, [name], AT)
        assert len({*places}) == 2
        for place in places:
            assert place.read_text() == name
            told = info(trash, place.name)["Path"]
            assert unquote(told) == str(tmp_path.resolve() / name) and told.isascii()

    def test_one_of_a_thousand_namesakes_is_refused(
        self, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trash_module, "ENTRIES_MAX", 2)
        trash = find_trash(data, home)
        for _ in range(2):
            trash.put(lay_out(data), NAMES, AT)
        with pytest.raises(NoTrash, match="2 of that name"):
            trash.put(lay_out(data), NAMES, AT)
        assert files_below(data) == NAMES[:1] + sorted(NAMES[1:])


class TestSteps:
    def test_what_it_was_is_on_stable_storage_before_the_first_file_moves(
        self, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps: list[str] = []

        def noted(name: str) -> Callable[..., object]:
            call: Callable[..., object] = getattr(os, name)

            def step(*arguments: object, **named: object) -> object:
                if name != "open" or str(arguments[0]).endswith(".trashinfo"):
                    steps.append(name)
                return call(*arguments, **named)

            return step

        trash = find_trash(data, home)
        for name in ("open", "fsync", "rename"):
            monkeypatch.setattr(os, name, noted(name))
        trash.put(data, NAMES, AT)
        assert steps[:4] == ["open", "fsync", "fsync", "rename"]
        assert steps[4:6] == ["rename", "rename"] and set(steps[6:]) == {"fsync"}

    @pytest.mark.parametrize("fails", range(3))
    def test_when_one_file_cannot_move_all_are_where_they_were(
        self, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch, fails: int
    ) -> None:
        trash = find_trash(data, home)
        failing(monkeypatch, lambda count: count == fails)
        with pytest.raises(NoTrash, match="it cannot go to the trash: it is on another file"):
            trash.put(data, NAMES, AT)
        assert files_below(data) == sorted(NAMES)
        assert all((data / name).read_text() == name for name in NAMES)
        assert files_below(home) == [] and os.listdir(home / "files") == []

    def test_what_cannot_come_back_either_is_kept_and_told(
        self, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trash = find_trash(data, home)
        failing(monkeypatch, lambda count: count >= 2)
        with pytest.raises(NoTrash, match=f"some of it is at {home}/files/film"):
            trash.put(data, NAMES, AT)
        assert files_below(home) == ["files/film/a", "files/film/deep/er/b", "info/film.trashinfo"]
        assert files_below(data) == ["film/deep/c"]

    def test_a_full_disk_leaves_no_entry(
        self, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int, text: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        trash = find_trash(data, home)
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(NoTrash, match="the disk is full"):
            trash.put(data, NAMES, AT)
        assert files_below(home) == [] and files_below(data) == sorted(NAMES)

    def test_a_link_among_the_folders_of_the_data_leads_nowhere(
        self, data: Path, home: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "c").write_text("precious")
        (data / "film" / "deep").rename(data / "film" / "was deep")
        (data / "film" / "deep").symlink_to(tmp_path / "outside")
        with pytest.raises(StoreError):
            find_trash(data, home).put(data, ["film/a", "film/deep/c"], AT)
        assert (tmp_path / "outside" / "c").read_text() == "precious"
        assert (data / "film" / "a").exists()


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool]) -> None:
    """The n-th rename says that it would have to go across file systems."""
    rename, count = os.rename, 0

    def maybe(
        source: str, target: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        nonlocal count
        count += 1
        if fails(count - 1):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", maybe)
