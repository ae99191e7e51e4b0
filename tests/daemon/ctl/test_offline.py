"""What a torrent file and a magnet say, without a daemon."""

import json
import random
from pathlib import Path

import pytest

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.wire.torrents import File, assorted, multi_file, single_file
from torrentd.daemon.ctl.main import main
from torrentd.wire.formats.metainfo import encode_metainfo

INFOHASH = "ab" * 20


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORRENTCTL_SOCKET", str(tmp_path / "no daemon"))
    monkeypatch.setenv("COLUMNS", "80")


def test_a_torrent_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = [File((b"a", b"one.bin"), bytes(100_000)), File((b"two.txt",), bytes(70))]
    torrent = multi_file(files, 16384)
    path = tmp_path / "x.torrent"
    path.write_bytes(encode_metainfo(torrent.metadata))
    assert main(["show", str(path)]) == 0
    name = torrent.info.name.decode()
    assert capsys.readouterr().out.splitlines() == [
        f"name      {name}",
        f"infohash  {torrent.infohash.hex()}",
        "size      97.7 KiB in 2 files",
        "pieces    7 of 16.0 KiB",
        f"magnet    magnet:?xt=urn:btih:{torrent.infohash.hex()}&dn={name}",
        "",
        f"{'  #'} {'FILE':<{len(name) + 10}}  SIZE",
        f"  0 {name}/a/one.bin 97.7K",
        f"  1 {name}/two.txt      70",
    ]


def test_the_document_has_every_file_but_padding(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    torrent = assorted()
    path = tmp_path / "x.torrent"
    path.write_bytes(encode_metainfo(torrent.metadata))
    assert main(["show", "--json", str(path)]) == 0
    [document] = json.loads(capsys.readouterr().out)["torrents"]
    expected = [i for i, file in enumerate(torrent.info.files) if not (file.pad or file.symlink)]
    assert [file["index"] for file in document["files"]] == expected
    assert document["piece_count"] == torrent.info.geometry.piece_count


def test_a_magnet_says_little(capsys: pytest.CaptureFixture[str]) -> None:
    link = f"magnet:?xt=urn:btih:{INFOHASH}&dn=a+name&x.pe=192.0.2.1:80&so=0,2-3&tr=http://t/"
    assert main(["show", link]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name      a name",
        f"infohash  {INFOHASH}",
        "files     3 files of it selected (BEP 53)",
        "peers     192.0.2.1:80",
        f"magnet    magnet:?xt=urn:btih:{INFOHASH}&dn=a%20name&x.pe=192.0.2.1:80&so=0,2-3",
    ]
    assert main(["show", "--json", INFOHASH]) == 0
    [document] = json.loads(capsys.readouterr().out)["torrents"]
    assert document["infohash"] == INFOHASH and document["files"] is None


@pytest.mark.parametrize("link", ["magnet:?dn=x", f"magnet:?xt=urn:btih:{INFOHASH[:-1]}"])
def test_what_add_would_refuse_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, link: str
) -> None:
    path = tmp_path / "x.torrent"
    path.write_bytes(b"d4:spam4:eggse")
    assert main(["show", link]) == 1 and main(["show", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "has no infohash" in captured.err
    assert "it has no info dictionary" in captured.err


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_reaches_the_terminal_raw(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    raw = name.encode("utf-8", "surrogatepass")
    path = tmp_path / "x.torrent"
    single = single_file(random.Random(1).randbytes(100), 16384, raw)
    path.write_bytes(encode_metainfo(single.metadata))
    assert main(["show", str(path)]) == 0
    assert main(["show", f"magnet:?xt=urn:btih:{INFOHASH}&dn={name}"]) == 0
    assert is_safe(capsys.readouterr().out)
