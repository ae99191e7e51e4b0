"""A torrent as a magnet or a file: what lies there already is never touched."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.exporting import write
from torrentd.daemon.ctl.failure import REFUSED, Failure
from torrentd.daemon.ctl.main import main

CONTENT = bytes(range(256)) * 100


@pytest.fixture
def served() -> Iterator[Served]:
    magnet = make_torrent(2, "two")
    magnet.state = "metadata"
    with serve(FakeSession(make_torrent(1, "one"), magnet)) as running:
        yield running


def run(served: Served, *arguments: str) -> int:
    return main(["--socket", str(served.path), "export", *arguments])


def test_the_magnet_is_printed(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, "two") == 0
    assert capsys.readouterr().out == f"magnet:?xt=urn:btih:{'00000002' * 5}\n"


def test_a_file_is_written_once(
    served: Served, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "one.torrent"
    assert run(served, "one", str(path)) == 0
    assert path.read_bytes() == CONTENT
    assert capsys.readouterr().out == f"{path} is the torrent file of one\n"
    path.write_bytes(b"mine")
    assert run(served, "one", str(path)) == 2
    assert path.read_bytes() == b"mine"
    assert "is there already" in capsys.readouterr().err


def test_without_the_metadata_nothing_is_written(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "two.torrent"
    assert run(served, "two", str(path)) == 1
    assert not path.exists()


@pytest.mark.parametrize("name", ["no folder/x", "zero\0byte"])
def test_what_cannot_be_written_is_a_sentence(
    served: Served, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    assert run(served, "one", str(tmp_path / name)) == 2
    assert capsys.readouterr().err.startswith("torrentctl: cannot write ")


def test_standard_output_gets_the_bytes_and_nothing_else(served: Served) -> None:
    command = [sys.executable, "-m", "torrentd.daemon.ctl.main", "--socket", str(served.path)]
    done = subprocess.run(
        [*command, "export", "one", "-"], capture_output=True, timeout=20, check=True
    )
    assert (done.stdout, done.stderr) == (CONTENT, b"")


def test_a_terminal_gets_no_bytes(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(served, "one", "-") == 2
    assert "no text for a terminal" in capsys.readouterr().err


def test_the_document_has_no_bytes(
    served: Served, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(served, "one", str(tmp_path / "x"), "--json") == 0
    assert [*json.loads(capsys.readouterr().out)] == ["schema", "infohash", "name", "magnet"]


def test_an_answer_of_nonsense_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        write(Document({"metainfo": ["!"]}), str(tmp_path / "x"))
    assert caught.value.exit_code == REFUSED and list(tmp_path.iterdir()) == []
