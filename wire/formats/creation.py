"""A new torrent: how its pieces are cut, and its info dictionary (BEP 3; web seeds BEP 19).

Names no tracker, and is never private: that would forbid the DHT, which leaves nothing (BEP 27).
Files stand in the order of their paths, component by component, so that one folder gives one
infohash. What is made is read back by the decoder before anybody gets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.geometry import BLOCK_BYTES, Geometry
from torrentd.wire.formats.metainfo import (
    FILE_COUNT_MAX,
    METADATA_BYTES_MAX,
    TOTAL_BYTES_MAX,
    decode_info,
)

# Many small pieces make a large torrent file, few large ones a coarse torrent: a piece is verified,
# lost and passed on as a whole, and buffered by whoever downloads it.
PIECES_WANTED = 1500
PIECE_LENGTH_CHOSEN_MAX = 16 * 1024 * 1024
PIECE_LENGTH_ASKED_MAX = 64 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Outline:
    """What is to be a torrent: `files` are paths below `name` and lengths, in order; () and one
    length for a single file."""

    name: bytes
    files: tuple[tuple[tuple[bytes, ...], int], ...]

    @property
    def total_bytes(self) -> int:
        return sum(length for _, length in self.files)

    @property
    def is_single_file(self) -> bool:
        return len(self.files) == 1 and not self.files[0][0]


def check_outline(outline: Outline) -> None:
    """Raises MetainfoError with the reason when no torrent can be made of it."""
    if not outline.total_bytes:
        raise MetainfoError("there is not one byte in it")
    if outline.total_bytes > TOTAL_BYTES_MAX:
        raise MetainfoError(f"it is larger than {TOTAL_BYTES_MAX} bytes")
    if len(outline.files) > FILE_COUNT_MAX:
        raise MetainfoError(f"it has more than {FILE_COUNT_MAX} files")
    names = [outline.name, *(part for path, _ in outline.files for part in path)]
    for name in names:
        try:
            name.decode()
        except UnicodeDecodeError:
            shown = name.decode("utf-8", "backslashreplace")
            raise MetainfoError(f"the name {shown[:100]!r} is not UTF-8 (BEP 3)") from None


def choose_piece_length(total_bytes: int) -> int:
    """A power of two, 16 KiB to 16 MiB, that gives about `PIECES_WANTED`."""
    piece_length = BLOCK_BYTES
    while piece_length < PIECE_LENGTH_CHOSEN_MAX and piece_length * PIECES_WANTED < total_bytes:
        piece_length *= 2
    return piece_length


def check_piece_length(piece_length: int) -> None:
    """Raises MetainfoError for one that clients would not take."""
    if piece_length % BLOCK_BYTES or not 0 < piece_length <= PIECE_LENGTH_ASKED_MAX:
        raise MetainfoError("a piece is 16 KiB to 64 MiB long, in whole blocks of 16 KiB")


def encode_info(outline: Outline, piece_length: int, piece_hashes: bytes) -> bytes:
    """The info dictionary. Raises MetainfoError for one that would be refused."""
    check_outline(outline)
    check_piece_length(piece_length)
    assert len(piece_hashes) == 20 * Geometry(piece_length, outline.total_bytes).piece_count
    info: dict[bytes, Bencoded] = {
        b"name": outline.name,
        b"piece length": piece_length,
        b"pieces": piece_hashes,
    }
    if outline.is_single_file:
        info[b"length"] = outline.total_bytes
    else:
        info[b"files"] = [
            {b"length": length, b"path": list(path)} for path, length in outline.files
        ]
    metadata = encode(info)
    if len(metadata) > METADATA_BYTES_MAX:
        raise MetainfoError("its metadata would be too large; take longer pieces")
    decode_info(metadata)
    return metadata


def encode_new_torrent(
    metadata: bytes,
    *,
    created_by: str,
    created_at: int,
    comment: str | None = None,
    web_seeds: Sequence[str] = (),
) -> bytes:
    """A torrent file around an info dictionary, whose bytes stay as they are."""
    rest: dict[bytes, Bencoded] = {
        b"created by": created_by.encode(),
        b"creation date": created_at,
    }
    if comment is not None:
        rest[b"comment"] = comment.encode()
    if web_seeds:
        rest[b"url-list"] = [url.encode() for url in web_seeds]
    parts = {key: encode(value) for key, value in rest.items()} | {b"info": metadata}
    return b"d%be" % b"".join(encode(key) + parts[key] for key in sorted(parts))
