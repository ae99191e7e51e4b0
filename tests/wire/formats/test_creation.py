"""New torrents: what is in them and what is not, read back, and what is refused."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.wire.formats.bencode import Limits, decode_dict
from torrentd.wire.formats.creation import (
    PIECE_LENGTH_CHOSEN_MAX,
    Outline,
    check_outline,
    check_piece_length,
    choose_piece_length,
    encode_info,
    encode_new_torrent,
)
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.metainfo import decode_metainfo

KIB, MIB, GIB = 1024, 1024**2, 1024**3
LIMITS = Limits(depth_max=10, tokens_max=1000, size_bytes_max=10**6)
FOLDER = Outline(b"name", (((b"a", b"x"), 5), ((b"b",), 16 * KIB)))


def hashes(count: int) -> bytes:
    return b"".join(hashlib.sha1(bytes([index])).digest() for index in range(count))


def test_a_folder_is_read_back_as_it_was() -> None:
    metadata = encode_info(FOLDER, 16 * KIB, hashes(2))
    info = decode_dict(metadata, LIMITS)
    assert list(info) == [b"files", b"name", b"piece length", b"pieces"], "and nothing else"
    found = decode_metainfo(encode_new_torrent(metadata, created_by="x", created_at=1))
    assert [(file.path, file.length) for file in found.info.files] == [
        ((b"a", b"x"), 5), ((b"b",), 16 * KIB),
    ]  # fmt: skip
    assert found.metadata == metadata and found.info.piece_hashes == hashes(2)


def test_a_single_file_has_a_length_and_a_folder_of_one_file_a_list() -> None:
    single = decode_dict(encode_info(Outline(b"n", (((), 9),)), 16 * KIB, hashes(1)), LIMITS)
    assert single[b"length"] == 9 and b"files" not in single
    folder = Outline(b"n", (((b"f",), 9),))
    listed = decode_dict(encode_info(folder, 16 * KIB, hashes(1)), LIMITS)
    assert listed[b"files"] == [{b"length": 9, b"path": [b"f"]}] and b"length" not in listed


def test_what_stands_around_it() -> None:
    metadata = encode_info(FOLDER, 16 * KIB, hashes(2))
    data = encode_new_torrent(
        metadata,
        created_by="torrentd 1",
        created_at=1_750_000_000,
        comment="für alle",
        web_seeds=["https://example.org/"],
    )
    top = decode_dict(data, LIMITS)
    assert list(top) == sorted(top)
    assert top[b"comment"] == "für alle".encode() and top[b"creation date"] == 1_750_000_000
    assert b"announce" not in top and b"nodes" not in top
    assert decode_metainfo(data).web_seeds == ("https://example.org/",)


@pytest.mark.parametrize(
    ("total_bytes", "piece_length"),
    [
        (1, 16 * KIB),
        (24 * MIB, 32 * KIB),
        (700 * MIB, 512 * KIB),
        (4700 * MIB, 4 * MIB),
        (100 * GIB, PIECE_LENGTH_CHOSEN_MAX),
    ],
)
def test_a_piece_length_chosen_well(total_bytes: int, piece_length: int) -> None:
    assert choose_piece_length(total_bytes) == piece_length


@given(st.integers(1, 20 * GIB))
def test_there_are_never_many_nor_few_pieces(total_bytes: int) -> None:
    piece_length = choose_piece_length(total_bytes)
    check_piece_length(piece_length)
    count = -(-total_bytes // piece_length)
    assert count <= 1500 and (count > 700 or piece_length == 16 * KIB)


@pytest.mark.parametrize("piece_length", [0, -16384, 16383, 1000, 65 * MIB, 16 * KIB + 1])
def test_a_piece_length_that_nobody_takes(piece_length: int) -> None:
    with pytest.raises(MetainfoError, match="16 KiB to 64 MiB"):
        check_piece_length(piece_length)


@pytest.mark.parametrize(
    ("outline", "reason"),
    [
        (Outline(b"n", ()), "not one byte"),
        (Outline(b"n", (((b"a",), 0),)), "not one byte"),
        (Outline(b"n", (((b"caf\xe9",), 1),)), r"'caf\\\\xe9' is not UTF-8"),
        (Outline(b"n\xff", (((), 1),)), "is not UTF-8"),
        (Outline(b"n", (((), 1 << 51),)), "larger than"),
        (Outline(b"n", (((b"a",), 1),) * 200_001), "more than 200000 files"),
    ],
)
def test_of_what_no_torrent_can_be_made(outline: Outline, reason: str) -> None:
    with pytest.raises(MetainfoError, match=reason):
        check_outline(outline)


def test_metadata_that_nobody_would_take() -> None:
    outline = Outline(b"n", (((), 1 << 45),))
    with pytest.raises(MetainfoError, match="longer pieces"):
        encode_info(outline, 16 * MIB, bytes(20 * (1 << 21)))
