"""`torrentctl import`: shown first, then added with all that the other daemon knew."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession
from tests.daemon.test_foreign import MULTI, made_by
from torrentd.daemon.ctl.failure import REFUSED, USAGE
from torrentd.daemon.ctl.importing import _ranges
from torrentd.daemon.ctl.main import main
from torrentd.daemon.foreign import Foreign


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("COLUMNS", "80")
    with serve(FakeSession()) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_by("qbittorrent", tmp_path)


def test_a_dry_run_shows_them_and_asks_no_daemon(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["--socket", "/nowhere", "import", "qbittorrent", str(folder), "--dry-run"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ID       NAME       STATE   LABELS         FOLDER",
        "0da5e5a3 single.bin paused                 /tmp/mig/data",
        "abababab mag        runs                   /tmp/mig/data",
        "ef087dbb multi      runs    films,good,old /tmp/mig/data",
    ]
    assert main([*arguments, "--json"]) == 0
    torrents = json.loads(capsys.readouterr().out)["torrents"]
    assert [torrent["unwanted"] for torrent in torrents] == [[], [], [1]]


def test_all_that_it_knew_is_taken_over(
    served: Served, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--socket", str(served.path), "import", "qbittorrent", str(folder), "--yes"]
    assert main(command) == 0
    assert capsys.readouterr().out == "added 3 torrents; torrentctl status shows their checks\n"
    single, magnet, multi = served.session.added
    assert single.paused and single.metainfo is not None
    assert magnet.magnet is not None
    assert multi.download_dir == "/tmp/mig/data" and multi.select == ["0"]
    assert multi.options.labels == ("films", "good", "old")
    assert multi.options.download_bytes_per_s_max == 200_000
    assert multi.options.rules == ("when ratio >= 2.500: pause",)


def test_without_a_terminal_nothing_is_added_unasked(
    served: Served, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--socket", str(served.path), "import", "qbittorrent", str(folder)]) == USAGE
    assert "that would add 3 torrents; --yes says so" in capsys.readouterr().err
    assert served.session.added == []


def test_what_cannot_be_taken_is_told_and_the_rest_comes(
    served: Served, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "BT_backup" / f"{MULTI}.torrent").write_bytes(b"d4:infodee")
    command = ["--socket", str(served.path), "import", "qbittorrent", str(folder), "--yes"]
    assert main(command) == REFUSED
    out = capsys.readouterr().out
    assert out.startswith("added 2 torrents; ")
    assert f"not {MULTI[:8]} " in out
    assert len(served.session.added) == 2


def test_the_wrong_folder_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "deluge", str(tmp_path)]) == USAGE
    assert "it is the folder with `state` in it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("count", "unwanted", "ranges"),
    [(5, [1], "0,2-4"), (3, [0], "1-2"), (2, [0, 1], "0"), (6, [1, 2, 4], "0,3,5")],
)
def test_wanted_files_are_ranges(count: int, unwanted: list[int], ranges: str) -> None:
    assert _ranges(Foreign("ab", "x", file_count=count, unwanted=unwanted)) == ranges
