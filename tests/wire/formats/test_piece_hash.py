"""The hash of a piece that arrives in parts is the hash of the piece (BEP 3)."""

import hashlib
import random

from torrentd.wire.formats.piece_hash import PieceHash


def test_it_is_the_same_however_the_piece_came() -> None:
    rng = random.Random(4)
    for _ in range(100):
        piece = memoryview(rng.randbytes(rng.randrange(1, 70_000)))
        piece_hash = PieceHash()
        for end in sorted(rng.randrange(len(piece) + 1) for _ in range(rng.randrange(5))):
            piece_hash.grow(piece, end)
            assert piece_hash.hashed_bytes == end
        assert piece_hash.finish(piece) == hashlib.sha1(piece).digest()


def test_what_comes_behind_the_hashed_part_may_still_change() -> None:
    piece = memoryview(bytearray(b"abc" + bytes(3)))
    piece_hash = PieceHash()
    piece_hash.grow(piece, 3)
    piece[3:] = b"def"
    assert piece_hash.finish(piece) == hashlib.sha1(b"abcdef").digest()


def test_it_may_be_asked_again() -> None:
    """A piece waits for a disk that is full, and is written later."""
    piece = memoryview(b"torrent")
    piece_hash = PieceHash()
    assert piece_hash.finish(piece) == piece_hash.finish(piece) == hashlib.sha1(piece).digest()
