"""Torrents for tests, made in one call: the bytes of the files in, info dictionary out."""

import hashlib
import random
from dataclasses import dataclass

from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import Info, decode_info, infohash_of


@dataclass(frozen=True)
class File:
    """`path` below the root; `attr` as in BEP 47."""

    path: tuple[bytes, ...]
    content: bytes
    attr: bytes = b""


@dataclass(frozen=True)
class Torrent:
    """A torrent with all its bytes."""

    metadata: bytes
    content: bytes

    @property
    def info(self) -> Info:
        return decode_info(self.metadata)

    @property
    def infohash(self) -> InfoHash:
        return infohash_of(self.metadata)

    def piece(self, piece_index: int) -> bytes:
        length = self.info.piece_length
        return self.content[piece_index * length : (piece_index + 1) * length]


def piece_hashes(content: bytes, piece_length: int) -> bytes:
    """The `pieces` of an info dictionary."""
    starts = range(0, len(content), piece_length)
    return b"".join(hashlib.sha1(content[at : at + piece_length]).digest() for at in starts)


def multi_file(files: list[File], piece_length: int = 32, name: bytes = b"root") -> Torrent:
    """A torrent with a list of files."""
    content = b"".join(file.content for file in files)
    entries: list[Bencoded] = []
    for file in files:
        entry: dict[bytes, Bencoded] = {b"length": len(file.content), b"path": list(file.path)}
        if file.attr:
            entry[b"attr"] = file.attr
        entries.append(entry)
    info: dict[bytes, Bencoded] = {
        b"files": entries,
        b"name": name,
        b"piece length": piece_length,
        b"pieces": piece_hashes(content, piece_length),
    }
    return Torrent(encode(info), content)


def single_file(content: bytes, piece_length: int = 32, name: bytes = b"file.bin") -> Torrent:
    """A torrent of one file."""
    info: dict[bytes, Bencoded] = {
        b"length": len(content),
        b"name": name,
        b"piece length": piece_length,
        b"pieces": piece_hashes(content, piece_length),
    }
    return Torrent(encode(info), content)


def assorted() -> Torrent:
    """Every kind of file at once: empty ones first, last and between, one byte, padding inside and
    across pieces, a nested folder, a link, a last piece that is short."""
    rng = random.Random(47)
    return multi_file(
        [
            File((b"empty first",), b""),
            File((b"a", b"one byte"), rng.randbytes(1)),
            File((b".pad", b"31"), bytes(31), attr=b"p"),
            File((b"a", b"b", b"aligned"), rng.randbytes(64)),
            File((b"a", b"b", b"not aligned"), rng.randbytes(45)),
            File((b"empty between",), b""),
            File((b"short",), rng.randbytes(3)),
            File((b".pad", b"80"), bytes(80), attr=b"p"),
            File((b"link",), b"", attr=b"l"),
            File((b"long",), rng.randbytes(200)),
            File((b"z", b"empty last"), b""),
        ]
    )
