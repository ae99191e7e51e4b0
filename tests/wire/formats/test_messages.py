"""Peer messages (BEP 3, 5, 6, 10): bytes, lengths, and what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.wire import HAVE_BEYOND_EVERY_TORRENT, INVALID, KEEP_ALIVE, MESSAGES
from torrentd.wire.formats import messages
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef, Geometry
from torrentd.wire.formats.messages import check_length, decode_message

u32 = st.integers(0, 2**32 - 1)
blocks = st.builds(BlockRef, u32, u32, u32)


def _decode(data: bytes) -> messages.Message:
    """As the framing does: the length is judged before anything behind the id is looked at."""
    length, message_id = int.from_bytes(data[:4]), data[4]
    check_length(message_id, length)
    assert len(data) == 4 + length
    return decode_message(message_id, memoryview(data)[5:])


@pytest.mark.parametrize(
    ("name", "data", "message", "encoded"), MESSAGES, ids=[name for name, *_ in MESSAGES]
)
def test_a_vector_decodes_and_we_encode_the_same(
    name: str, data: str, message: messages.Message, encoded: bytes
) -> None:
    assert _decode(bytes.fromhex(data)) == message
    assert encoded.hex() == data


def test_there_is_a_vector_for_every_message_that_is_not_skipped() -> None:
    ids = {bytes.fromhex(data)[4] for _, data, _, _ in MESSAGES}
    assert ids == messages.LENGTHS.keys() - {messages.PIECE}


@pytest.mark.parametrize(("name", "data"), INVALID, ids=[name for name, _ in INVALID])
def test_a_length_that_its_kind_cannot_have_is_refused_before_the_payload_comes(
    name: str, data: str
) -> None:
    raw = bytes.fromhex(data)
    with pytest.raises(MessageError):
        check_length(raw[4], int.from_bytes(raw[:4]))


def test_a_keep_alive_is_four_zero_bytes() -> None:
    assert bytes.fromhex(KEEP_ALIVE) == messages.KEEP_ALIVE
    assert len(messages.KEEP_ALIVE) == messages.LENGTH_BYTES


def test_an_index_is_only_usable_after_the_geometry_has_seen_it() -> None:
    message = _decode(bytes.fromhex(HAVE_BEYOND_EVERY_TORRENT))
    assert message == messages.Have(2**32 - 1)
    with pytest.raises(MessageError):
        Geometry(1, messages.PIECES_MAX).check_piece(message.piece_index)


class TestLengths:
    @given(st.integers(0, 255), st.integers(0, 2**32 - 1))
    def test_nothing_longer_than_the_largest_bitfield_is_ever_waited_for(
        self, message_id: int, length: int
    ) -> None:
        try:
            check_length(message_id, length)
        except MessageError:
            return
        assert 1 <= length <= 1 + 256 * 1024

    def test_a_block_of_16_kib_is_the_largest_and_one_byte_the_smallest(self) -> None:
        for length in (1, BLOCK_BYTES):
            check_length(messages.PIECE, 9 + length)
        for length in (0, BLOCK_BYTES + 1):
            with pytest.raises(MessageError):
                check_length(messages.PIECE, 9 + length)

    def test_a_bitfield_of_2_097_152_pieces_is_the_largest(self) -> None:
        check_length(messages.BITFIELD, 1 + 2_097_152 // 8)
        with pytest.raises(MessageError):
            check_length(messages.BITFIELD, 2 + 2_097_152 // 8)

    def test_what_we_do_not_know_is_skipped_up_to_4_kib(self) -> None:
        assert decode_message(99, bytes(4095)) == messages.Unknown(99)
        with pytest.raises(MessageError):
            decode_message(99, bytes(4096))

    @pytest.mark.parametrize("message_id", range(256))
    def test_decoding_any_id_with_any_short_payload_gives_a_message_or_a_message_error(
        self, message_id: int
    ) -> None:
        if message_id == messages.PIECE:
            return
        for size in (*range(20), 64):
            try:
                message = decode_message(message_id, bytes(size))
            except MessageError:
                assert message_id in messages.LENGTHS
            else:
                known = message_id in messages.LENGTHS
                assert isinstance(message, messages.Unknown) is not known

    def test_only_the_extension_handshake_may_exceed_20_kib(self) -> None:
        for extension_id, most in ((0, 64 * 1024), (1, 20 * 1024)):
            whole = bytes((extension_id,)) + bytes(most)
            assert decode_message(messages.EXTENDED, whole) == messages.Extended(
                extension_id, bytes(most)
            )
            with pytest.raises(MessageError):
                decode_message(messages.EXTENDED, whole + b"x")


class TestEncode:
    @given(st.lists(blocks, max_size=20))
    def test_requests_in_bulk_are_the_single_ones_behind_each_other(
        self, refs: list[BlockRef]
    ) -> None:
        data = messages.encode_requests(refs)
        singles = [data[at : at + 17] for at in range(0, len(data), 17)]
        assert [_decode(single) for single in singles] == [messages.Request(r) for r in refs]

    @given(blocks)
    def test_request_cancel_and_reject_differ_in_their_id_alone(self, block: BlockRef) -> None:
        request = messages.encode_requests([block])
        assert messages.encode_cancel(block) == request[:4] + b"\x08" + request[5:]
        assert messages.encode_reject(block) == request[:4] + b"\x10" + request[5:]

    @given(u32, u32, st.integers(1, BLOCK_BYTES))
    def test_a_piece_header_stands_before_its_block(
        self, piece_index: int, begin: int, length: int
    ) -> None:
        header = messages.encode_piece_header(piece_index, begin, length)
        assert len(header) == messages.PIECE_HEADER_BYTES
        check_length(header[4], int.from_bytes(header[:4]))
        assert int.from_bytes(header[:4]) == len(header) - 4 + length
        assert header[4] == messages.PIECE
        assert messages.PIECE_FIELDS.unpack(header[5:]) == (piece_index, begin)

    @given(st.integers(0, 255), st.binary(max_size=50))
    def test_an_extended_message_keeps_its_payload_after_the_buffer_is_reused(
        self, extension_id: int, payload: bytes
    ) -> None:
        buffer = bytearray(messages.encode_extended(extension_id, payload))
        message = decode_message(buffer[4], memoryview(buffer)[5:])
        buffer[:] = bytes(len(buffer))
        assert message == messages.Extended(extension_id, payload)
