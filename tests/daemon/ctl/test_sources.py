"""What `add` may be given, and what is refused before anything is sent."""

import io
import sys
from pathlib import Path

import pytest

from torrentd.daemon.control_lines import METAINFO_BYTES_MAX
from torrentd.daemon.ctl.failure import USAGE, Failure
from torrentd.daemon.ctl.sources import Source, read_sources

INFOHASH = "c9e15763f722f23e98a29decdfae341b98d53056"
MAGNET = f"magnet:?xt=urn:btih:{INFOHASH}"


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def refusal(*arguments: str) -> str:
    with pytest.raises(Failure) as caught:
        read_sources([*arguments])
    assert caught.value.exit_code == USAGE
    return caught.value.sentence


@pytest.mark.parametrize("text", [MAGNET, MAGNET.upper(), INFOHASH, INFOHASH.upper(), "A" * 32])
def test_magnets_and_infohashes_are_sent_as_text(text: str) -> None:
    (source,) = read_sources([text])
    assert source.params == {"uri": text} and source.payload == b""


def test_a_file_is_read_here_and_sent_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.torrent"
    path.write_bytes(b"d4:infodee")
    assert read_sources([str(path)]) == [Source(str(path), {"metainfo_bytes": 10}, b"d4:infodee")]


def test_a_file_named_like_an_infohash_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(INFOHASH).write_bytes(b"de")
    assert read_sources([INFOHASH])[0].payload == b"de"


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(METAINFO_BYTES_MAX + 1)
    assert "No such file" in refusal(str(tmp_path / "none"))
    assert "Is a directory" in refusal(str(tmp_path))
    assert "is empty" in refusal(str(tmp_path / "empty"))
    assert "larger than 32 MiB" in refusal(str(tmp_path / "huge"))
    assert "no such name" in refusal("a\0b")
    assert len(refusal("x" * 100_000)) < 200


@pytest.mark.parametrize(
    "url", ["http://example.org/a.torrent", "https://x", "FTP://x", "file:///x"]
)
def test_nothing_is_fetched_from_anywhere(url: str) -> None:
    assert "fetches no URLs" in refusal(url)


def test_standard_input_is_a_torrent_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"d4:infod4:name1:\xffee"))
    (source,) = read_sources(["-"])
    assert source.payload == b"d4:infod4:name1:\xffee"


def test_standard_input_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(f"\n{MAGNET}\r\n  {INFOHASH}\n\n".encode()))
    uris = [source.params["uri"] for source in read_sources(["-"])]
    assert uris == [MAGNET, INFOHASH]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xff\xfe"])
def test_standard_input_of_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(data))
    assert "standard input" in refusal("-")
