"""`torrentctl create`: a file whole or none, a sentence for what cannot be, and a seed at once."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.fake_session import FakeSession
from torrentd.daemon.ctl import creating
from torrentd.daemon.ctl.main import main
from torrentd.wire.formats.metainfo import decode_metainfo


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    (path / "one").write_bytes(random.Random(1).randbytes(200_000))
    (path / "two").write_bytes(b"2")
    return path


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(FakeSession()) as running:
        yield running


def test_a_torrent_file_in_this_folder(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create", str(data)]) == 0
    found = decode_metainfo(Path("data.torrent").read_bytes())
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{os.getcwd()}/data.torrent is data: 195 KiB in 2 files, 13 pieces of 16.0 KiB",
        f"magnet:?xt=urn:btih:{found.infohash.hex()}&dn=data",
    ]
    assert os.listdir() == ["data.torrent"], "nothing half done is left"
    assert Path("data.torrent").stat().st_mode & 0o777 == 0o666 & ~creating._umask()


def test_everything_as_it_was_asked_for(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["create", str(data), "--output", "x.torrent", "--piece-size", "64K", "--comment", "hi"]
    seeds = ["--web-seed", "https://example.org/a/", "--web-seed", "http://example.net/"]
    assert main([*line, *seeds, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    metainfo = Path("x.torrent").read_bytes()
    found = decode_metainfo(metainfo)
    assert found.info.piece_length == document["piece_length_bytes"] == 65536
    assert found.web_seeds == ("https://example.org/a/", "http://example.net/")
    assert b"7:comment2:hi" in metainfo
    assert document["infohash"] == found.infohash.hex() and document["piece_count"] == 4
    assert document["file"] == f"{os.getcwd()}/x.torrent" and document["left_out"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--private"], "torrentd makes no private torrents: they forbid the DHT"),
        (["--piece-size", "100"], "is no size of pieces"),
        (["--piece-size", "128M"], "a piece is 16 KiB to 64 MiB long"),
        (["--piece-size", "17K"], "a piece is 16 KiB to 64 MiB long"),
        (["--web-seed", "ftp://x/"], "ftp://x/ is no web seed"),
        (["--output", "absent/x.torrent"], "cannot write"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    data: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["create", str(data), *arguments]) in (1, 2)
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert os.listdir() == []


def test_nothing_is_written_over(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("data.torrent").symlink_to("nowhere")
    assert main(["create", str(data)]) == 2
    assert "is there already, and stays as it is" in capsys.readouterr().err
    assert os.listdir() == ["data.torrent"]


def test_of_nothing_no_torrent_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nothing").mkdir()
    assert main(["create", str(tmp_path / "nothing")]) == 1
    assert main(["create", str(tmp_path / "absent")]) == 1
    assert main(["create", "/"]) == 2
    errors = capsys.readouterr().err
    assert "there is not one byte in it" in errors and "the file is missing" in errors
    assert "/ has no name; name" in errors and os.listdir() == []


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\0" not in name])
def test_no_name_moves_a_cursor(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = (
        tmp_path / "hostile" / os.fsdecode(name[:60].encode("utf-8", "replace")).replace("/", "_")
    )
    path.parent.mkdir()
    path.write_bytes(b"x" * 100)
    main(["create", str(path), "--output", "x.torrent"])
    captured = capsys.readouterr()
    assert is_safe(captured.out) and is_safe(captured.err)


def test_a_daemon_seeds_it_where_it_lies(
    data: Path, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--socket", str(served.path), "create", str(data), "--seed", "--json"]) == 0
    (request,) = served.session.added
    assert request.metainfo == Path("data.torrent").read_bytes()
    assert request.download_dir == str(data.parent)
    assert json.loads(capsys.readouterr().out)["added"] is True


def test_without_a_daemon_the_file_is_there_all_the_same(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--socket", str(tmp_path / "none"), "create", str(data), "--seed"]) == 3
    assert os.listdir() == ["data.torrent"]


def test_progress_is_told_now_and_then(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(creating, "LINE_EVERY_S", 0.0)
    assert main(["create", str(data)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 13 and lines[-1].startswith("data: 100%, ")


def test_a_file_system_without_links_gets_its_file_too(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert main(["create", str(data)]) == 0 and os.listdir() == ["data.torrent"]
    assert main(["create", str(data)]) == 2, "and none is written over"
