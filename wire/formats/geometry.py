"""Pieces, blocks and files: the only place that divides by a piece length (BEP 3, 47).

A torrent is one run of bytes; its files stand behind each other in it, padding files included.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain, repeat
from typing import NamedTuple

from torrentd.wire.formats.errors import MessageError

BLOCK_BYTES = 16384  # "All current implementations use 2^14 (16 kiB)" (BEP 3)
REQUEST_BYTES_MAX = 128 * 1024  # what old clients asked for; above it nobody is honest


class BlockRef(NamedTuple):
    """A block as request, piece, cancel and reject name it: `begin` is within the piece."""

    piece_index: int
    begin: int
    length: int


class Geometry:
    """How `total_bytes` are cut. Every piece is `piece_length` long but the last; every block is
    BLOCK_BYTES long but the last of a piece."""

    __slots__ = ("piece_count", "piece_length", "total_bytes")

    def __init__(self, piece_length: int, total_bytes: int) -> None:
        assert piece_length > 0 and total_bytes > 0
        self.piece_length = piece_length
        self.total_bytes = total_bytes
        self.piece_count = -(-total_bytes // piece_length)

    def __repr__(self) -> str:
        return f"Geometry(piece_length={self.piece_length}, total_bytes={self.total_bytes})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Geometry):
            return NotImplemented
        return (self.piece_length, self.total_bytes) == (other.piece_length, other.total_bytes)

    def __hash__(self) -> int:
        return hash((self.piece_length, self.total_bytes))

    def piece_size(self, piece_index: int) -> int:
        """Bytes of this piece: only the last may be short."""
        assert 0 <= piece_index < self.piece_count
        if piece_index < self.piece_count - 1:
            return self.piece_length
        return self.total_bytes - piece_index * self.piece_length

    def piece_offset(self, piece_index: int) -> int:
        """Where the piece begins in the torrent."""
        return piece_index * self.piece_length

    def block_count(self, piece_index: int) -> int:
        """Blocks of this piece."""
        return -(-self.piece_size(piece_index) // BLOCK_BYTES)

    def block_length(self, piece_index: int, block_index: int) -> int:
        """Bytes of a block: only the last of a piece may be short."""
        return min(BLOCK_BYTES, self.piece_size(piece_index) - block_index * BLOCK_BYTES)

    def block(self, piece_index: int, block_index: int) -> BlockRef:
        """The reference by which peers name it."""
        length = self.block_length(piece_index, block_index)
        assert length > 0
        return BlockRef(piece_index, block_index * BLOCK_BYTES, length)

    def block_index(self, begin: int) -> int:
        """The inverse of `block` for a `begin` of ours."""
        return begin // BLOCK_BYTES

    def blocks(self, piece_index: int) -> list[BlockRef]:
        """All blocks of a piece, in order."""
        size = self.piece_size(piece_index)
        begins = range(0, size, BLOCK_BYTES)
        lengths = chain(repeat(BLOCK_BYTES, len(begins) - 1), (size - begins[-1],))
        fields = zip(repeat(piece_index), begins, lengths, strict=False)
        # a quarter of the time of calling BlockRef, and this is done for every block there is
        return list(map(tuple.__new__, repeat(BlockRef), fields))

    def check_piece(self, piece_index: int) -> None:
        """Raises MessageError for an index that the torrent has not; every index from a peer
        passes here before any other use (W2)."""
        if not 0 <= piece_index < self.piece_count:
            raise MessageError("a piece index outside the torrent")

    def check_block(self, piece_index: int, begin: int, length: int) -> None:
        """Raises MessageError unless the bytes lie within one piece and are 1 … REQUEST_BYTES_MAX.
        More than BLOCK_BYTES passes: such a request is rejected, not a reason to part (W4)."""
        self.check_piece(piece_index)
        if not 0 < length <= REQUEST_BYTES_MAX:
            raise MessageError("a block of no or far too many bytes")
        if begin < 0 or begin + length > self.piece_size(piece_index):
            raise MessageError("a block that reaches beyond its piece")


class FileSpan(NamedTuple):
    """A run of bytes within one file."""

    file_index: int
    offset_bytes: int
    length: int


class FileLayout:
    """Where the files of a torrent lie in it. Empty files lie nowhere: no span names them."""

    __slots__ = ("geometry", "lengths", "offsets")

    def __init__(self, geometry: Geometry, lengths: Sequence[int]) -> None:
        """`lengths` of all files in torrent order, padding files among them."""
        assert sum(lengths) == geometry.total_bytes
        self.geometry = geometry
        self.lengths = tuple(lengths)
        self.offsets = tuple(accumulate(self.lengths[:-1], initial=0))

    def spans(self, piece_index: int, begin: int, length: int) -> list[FileSpan]:
        """The files' parts of a piece's bytes begin … begin + length, in order."""
        at = self.geometry.piece_offset(piece_index) + begin
        end = at + length
        assert 0 <= at <= end <= self.geometry.total_bytes
        spans = []
        file_index = bisect_right(self.offsets, at) - 1
        while at < end:
            offset_bytes = at - self.offsets[file_index]
            part = min(end - at, self.lengths[file_index] - offset_bytes)
            if part > 0:
                spans.append(FileSpan(file_index, offset_bytes, part))
                at += part
            file_index += 1
        return spans

    def pieces_of_file(self, file_index: int) -> range:
        """The pieces that hold a byte of the file; empty for an empty file."""
        return self.pieces_of_range(file_index, 0, self.lengths[file_index])

    def pieces_of_range(self, file_index: int, start: int, end: int) -> range:
        """The pieces that hold a byte of start … end of the file; empty for no bytes."""
        end = min(end, self.lengths[file_index])
        if start >= end:
            return range(0)
        first = (self.offsets[file_index] + start) // self.geometry.piece_length
        last = (self.offsets[file_index] + end - 1) // self.geometry.piece_length
        return range(first, last + 1)

    def files_of_piece(self, piece_index: int) -> list[int]:
        """The files that have a byte in the piece, in order."""
        size = self.geometry.piece_size(piece_index)
        return [span.file_index for span in self.spans(piece_index, 0, size)]
