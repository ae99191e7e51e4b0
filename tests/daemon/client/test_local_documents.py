"""The documents that torrentctl makes by itself are what their types say."""

import json
from pathlib import Path

import pytest

from tests.daemon.client.documents_checked import mistakes
from tests.daemon.test_foreign import made_by
from torrentd.daemon.ctl.main import main

MAGNET = f"magnet:?xt=urn:btih:{'ab' * 20}&dn=one&x.pe=192.0.2.1:6881&so=0,2-4"


def printed(capsys: pytest.CaptureFixture[str], verb: str, *arguments: str) -> list[str]:
    assert main(["--socket", "/nowhere", verb, *arguments, "--json"]) == 0
    return mistakes(json.loads(capsys.readouterr().out), verb)


def test_no_daemon_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, made = tmp_path / "data", str(tmp_path / "data.torrent")
    data.write_bytes(bytes(100_000))
    assert printed(capsys, "create", str(data), "--output", made) == []
    assert printed(capsys, "show", made, MAGNET, "ab" * 20) == []


def test_what_another_daemon_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made_by("qbittorrent", tmp_path)
    assert printed(capsys, "import", "qbittorrent", str(folder), "--dry-run") == []
