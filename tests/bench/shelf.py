"""Thousands of small torrents with their files, made quickly: what lies on a seeder's shelf."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from torrentd.wire.formats.bencode import encode
from torrentd.wire.formats.metainfo import encode_metainfo

PIECE_BYTES = 16384


@dataclass(frozen=True)
class Shelf:
    """The data lies in `data`, one torrent file a torrent in `torrents`."""

    data: Path
    torrents: Path

    def torrent_files(self) -> list[Path]:
        return sorted(self.torrents.iterdir())


def stock(parent: Path, count: int, size_bytes: int, seed: int = 1) -> Shelf:
    """Single files of `size_bytes` random bytes."""
    shelf = Shelf(parent / "data", parent / "torrents")
    shelf.data.mkdir(parents=True)
    shelf.torrents.mkdir()
    rng = random.Random(seed)
    for number in range(count):
        name = f"torrent-{number:05}.bin"
        data = rng.randbytes(size_bytes)
        (shelf.data / name).write_bytes(data)
        pieces = [data[at : at + PIECE_BYTES] for at in range(0, size_bytes, PIECE_BYTES)]
        metadata = encode(
            {
                b"length": size_bytes,
                b"name": name.encode(),
                b"piece length": PIECE_BYTES,
                b"pieces": b"".join(hashlib.sha1(piece).digest() for piece in pieces),
            }
        )
        (shelf.torrents / f"{name}.torrent").write_bytes(encode_metainfo(metadata))
    return shelf
