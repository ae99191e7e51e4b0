"""The demonstration's files: a torrent that our own reader takes, and a comparison that notices."""

import random
import shutil
from pathlib import Path

import pytest

from torrentd.daemon.demo_payload import PIECE_LENGTH, Payload, first_difference, make_payload
from torrentd.wire.formats.metainfo import decode_metainfo

SIZE_BYTES = 3 * PIECE_LENGTH + 12345


@pytest.fixture
def payload(tmp_path: Path) -> Payload:
    return make_payload(tmp_path / "made", "demo", SIZE_BYTES, random.Random(1))


@pytest.fixture
def arrived(payload: Payload, tmp_path: Path) -> Path:
    shutil.copytree(payload.root / "demo", tmp_path / "arrived" / "demo")
    return tmp_path / "arrived"


def test_the_torrent_describes_the_files(payload: Payload) -> None:
    metainfo = decode_metainfo(payload.torrent_file.read_bytes())
    assert metainfo.infohash == payload.infohash
    assert metainfo.info.total_bytes == payload.size_bytes == SIZE_BYTES
    lengths = [(payload.root / "demo" / path).stat().st_size for path in payload.files]
    assert [entry.length for entry in metainfo.info.files] == lengths
    assert 0 in lengths, "an empty file"
    paths = [Path(*(part.decode() for part in entry.path)) for entry in metainfo.info.files]
    assert paths == list(payload.files)


def test_each_piece_has_its_hash(payload: Payload) -> None:
    import hashlib

    info = decode_metainfo(payload.torrent_file.read_bytes()).info
    data = b"".join((payload.root / "demo" / path).read_bytes() for path in payload.files)
    pieces = [data[begin : begin + PIECE_LENGTH] for begin in range(0, len(data), PIECE_LENGTH)]
    assert [info.piece_hash(index) for index in range(len(pieces))] == [
        hashlib.sha1(piece).digest() for piece in pieces
    ]


def test_a_copy_does_not_differ(payload: Payload, arrived: Path) -> None:
    assert first_difference(payload, arrived) is None


def test_one_flipped_bit_is_found(payload: Payload, arrived: Path) -> None:
    path = arrived / "demo" / payload.files[0]
    data = bytearray(path.read_bytes())
    data[100_000] ^= 1
    path.write_bytes(data)
    assert first_difference(payload, arrived) == f"{payload.files[0]} differs from byte 100000 on"


def test_a_missing_a_shorter_and_an_extra_file_are_found(payload: Payload, arrived: Path) -> None:
    path = arrived / "demo" / payload.files[-1]
    path.write_bytes(path.read_bytes()[:-1])
    assert "differs from byte" in str(first_difference(payload, arrived))
    path.unlink()
    assert "only once" in str(first_difference(payload, arrived))
    shutil.copy(payload.root / "demo" / payload.files[-1], path)
    (arrived / "demo" / "extra").touch()
    assert "extra is there only once" in str(first_difference(payload, arrived))
