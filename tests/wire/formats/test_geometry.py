"""Pieces, blocks and files (BEP 3, 47), against counting byte by byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors.geometry import LENGTHS
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.geometry import (
    BLOCK_BYTES,
    REQUEST_BYTES_MAX,
    BlockRef,
    FileLayout,
    FileSpan,
    Geometry,
)

# Small against BLOCK_BYTES and around its multiples, since those are where mistakes live.
near_blocks = st.builds(
    lambda blocks, more: max(1, blocks * BLOCK_BYTES + more), st.integers(0, 4), st.integers(-2, 2)
)


@pytest.mark.parametrize(("total", "piece", "pieces", "last", "blocks", "last_block"), LENGTHS)
def test_real_torrents_are_cut_as_others_cut_them(
    total: int, piece: int, pieces: int, last: int, blocks: int, last_block: int
) -> None:
    geometry = Geometry(piece, total)
    assert geometry.piece_count == pieces
    assert geometry.piece_size(pieces - 1) == last
    assert geometry.block_count(pieces - 1) == blocks
    assert geometry.blocks(pieces - 1)[-1].length == last_block
    assert geometry.piece_size(0) == piece


@settings(max_examples=60)
@given(near_blocks, st.integers(1, 5), st.integers(-3, 3))
def test_the_blocks_of_all_pieces_cover_every_byte_once(
    piece_length: int, pieces: int, more: int
) -> None:
    geometry = Geometry(piece_length, max(1, piece_length * pieces + more))
    at = 0
    for piece_index in range(geometry.piece_count):
        assert geometry.piece_offset(piece_index) == at
        blocks = geometry.blocks(piece_index)
        assert len(blocks) == geometry.block_count(piece_index)
        for block_index, block in enumerate(blocks):
            assert block == geometry.block(piece_index, block_index)
            assert geometry.block_index(block.begin) == block_index
            assert geometry.block_length(piece_index, block_index) == block.length
            assert geometry.piece_offset(piece_index) + block.begin == at
            assert 0 < block.length <= BLOCK_BYTES
            geometry.check_block(*block)
            at += block.length
        assert at <= geometry.piece_offset(piece_index) + piece_length
    assert at == geometry.total_bytes


@given(st.integers(1, 40), st.integers(1, 200))
def test_pieces_of_a_few_bytes_are_pieces(piece_length: int, total_bytes: int) -> None:
    geometry = Geometry(piece_length, total_bytes)
    owners = [byte // piece_length for byte in range(total_bytes)]
    assert geometry.piece_count == owners[-1] + 1
    for piece_index in range(geometry.piece_count):
        assert geometry.piece_size(piece_index) == owners.count(piece_index)


class TestChecks:
    geometry = Geometry(3 * BLOCK_BYTES, 7 * BLOCK_BYTES + 5)  # the last piece: a block and 5 bytes

    @pytest.mark.parametrize("piece_index", [-1, 3, 2**32 - 1])
    def test_a_piece_outside_the_torrent_is_refused(self, piece_index: int) -> None:
        with pytest.raises(MessageError):
            self.geometry.check_piece(piece_index)
        with pytest.raises(MessageError):
            self.geometry.check_block(piece_index, 0, 1)

    @pytest.mark.parametrize(
        ("piece_index", "begin", "length"),
        [
            (0, 0, 0),
            (0, 0, -1),
            (0, -1, 5),
            (0, 3 * BLOCK_BYTES, 1),
            (0, 2 * BLOCK_BYTES, BLOCK_BYTES + 1),
            (2, BLOCK_BYTES, 6),
            (2, 0, 2 * BLOCK_BYTES),
            (0, 2**32 - 1, 2**32 - 1),
        ],
    )
    def test_bytes_beyond_a_piece_are_refused(
        self, piece_index: int, begin: int, length: int
    ) -> None:
        with pytest.raises(MessageError):
            self.geometry.check_block(piece_index, begin, length)

    def test_bytes_within_a_piece_need_not_be_one_of_our_blocks(self) -> None:
        for piece_index, begin, length in [(0, 1, 7), (0, 0, 3 * BLOCK_BYTES), (2, BLOCK_BYTES, 5)]:
            self.geometry.check_block(piece_index, begin, length)

    def test_more_than_128_kib_at_once_is_refused(self) -> None:
        geometry = Geometry(2 * REQUEST_BYTES_MAX, 2 * REQUEST_BYTES_MAX)
        geometry.check_block(0, 0, REQUEST_BYTES_MAX)
        with pytest.raises(MessageError):
            geometry.check_block(0, 0, REQUEST_BYTES_MAX + 1)

    def test_geometries_are_equal_when_their_figures_are(self) -> None:
        assert Geometry(4, 9) == Geometry(4, 9) != Geometry(4, 8)
        assert len({Geometry(4, 9), Geometry(4, 9), Geometry(3, 9)}) == 2
        assert Geometry(4, 9) != (4, 9)
        assert repr(Geometry(4, 9)) == "Geometry(piece_length=4, total_bytes=9)"

    def test_a_block_is_a_name_and_a_key(self) -> None:
        assert {BlockRef(1, 2, 3): "x"}[
            self.geometry.block(0, 0)._replace(piece_index=1, begin=2, length=3)
        ] == "x"


class TestFiles:
    @given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(1, 12))
    def test_spans_name_each_byte_of_each_file_once_and_in_order(
        self, lengths: list[int], piece_length: int
    ) -> None:
        if not any(lengths):
            lengths = [*lengths, 1]
        owners = [(f, at) for f, length in enumerate(lengths) for at in range(length)]
        geometry = Geometry(piece_length, len(owners))
        layout = FileLayout(geometry, lengths)
        for piece_index in range(geometry.piece_count):
            size = geometry.piece_size(piece_index)
            for begin in range(size):
                for length in range(size - begin + 1):
                    at = piece_index * piece_length + begin
                    spans = layout.spans(piece_index, begin, length)
                    assert _bytes_of(spans) == owners[at : at + length]
                    assert len({s.file_index for s in spans}) == len(spans)
            assert layout.files_of_piece(piece_index) == sorted(
                {f for f, _ in _bytes_of(layout.spans(piece_index, 0, size))}
            )
        for file_index in range(len(lengths)):
            at_of_file = [at for at, (f, _) in enumerate(owners) if f == file_index]
            pieces = sorted({at // piece_length for at in at_of_file})
            assert list(layout.pieces_of_file(file_index)) == pieces

    def test_ten_thousand_empty_files_before_a_full_one_are_passed(self) -> None:
        layout = FileLayout(Geometry(16, 16), [0] * 10_000 + [16] + [0] * 10_000)
        assert layout.spans(0, 4, 8) == [FileSpan(10_000, 4, 8)]
        assert list(layout.pieces_of_file(10_001)) == []
        assert list(layout.pieces_of_file(0)) == []


def _bytes_of(spans: list[FileSpan]) -> list[tuple[int, int]]:
    return [(s.file_index, s.offset_bytes + at) for s in spans for at in range(s.length)]
