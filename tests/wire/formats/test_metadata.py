"""ut_metadata (BEP 9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.extension import (
    METADATA_DATA_HEADER,
    METADATA_INNER_END,
    METADATA_INVALID,
    METADATA_REJECT,
    METADATA_REQUEST,
)
from torrentd.wire.formats.errors import ExtensionError
from torrentd.wire.formats.metadata import (
    METADATA_PIECE_BYTES,
    PIECE_MAX,
    MetadataData,
    MetadataMessage,
    MetadataReject,
    MetadataRequest,
    decode_metadata,
    encode_metadata,
    metadata_geometry,
)

PIECE = bytes(range(256)) * 64


def test_the_examples_of_the_bep_decode_and_encode_back() -> None:
    examples: list[tuple[bytes, MetadataMessage]] = [
        (METADATA_REQUEST, MetadataRequest(0)),
        (METADATA_REJECT, MetadataReject(0)),
        (METADATA_DATA_HEADER + PIECE, MetadataData(0, 34256, PIECE)),
    ]
    for payload, message in examples:
        assert decode_metadata(payload) == message
        assert encode_metadata(message) == payload


def test_the_end_of_the_header_is_not_searched_for() -> None:
    assert decode_metadata(METADATA_INNER_END) == MetadataData(0, 5, b"AAAAA")
    data = b"ee" + METADATA_REQUEST
    assert decode_metadata(encode_metadata(MetadataData(0, len(data), data))) == MetadataData(
        0, len(data), data
    )


@pytest.mark.parametrize(
    ("name", "payload"), METADATA_INVALID, ids=[name for name, _ in METADATA_INVALID]
)
def test_an_invalid_message_is_an_extension_error(name: str, payload: bytes) -> None:
    with pytest.raises(ExtensionError):
        decode_metadata(payload)


@pytest.mark.parametrize("kind", [3, 255, -1, 2**63 - 1])
def test_unknown_message_types_are_ignored(kind: int) -> None:
    """ "In order to support future extensibility, an unrecognised message ID MUST be ignored." """
    assert decode_metadata(b"d8:msg_typei%de5:piecei0ee" % kind) is None
    assert decode_metadata(b"d8:msg_typei%deeXXX" % kind) is None


def test_the_last_piece_that_there_can_be_ends_32_mib_of_metadata() -> None:
    assert PIECE_MAX == 2047
    last = MetadataData(PIECE_MAX, 32 * 1024**2, PIECE)
    assert decode_metadata(encode_metadata(last)) == last


@given(st.integers(0, PIECE_MAX))
def test_a_request_and_a_reject_name_any_piece_that_there_can_be(piece: int) -> None:
    for message in (MetadataRequest(piece), MetadataReject(piece)):
        assert decode_metadata(encode_metadata(message)) == message
    with pytest.raises(ExtensionError):
        decode_metadata(encode_metadata(MetadataRequest(PIECE_MAX + 1 + piece)))


@given(st.integers(1, 3 * METADATA_PIECE_BYTES + 1))
def test_all_pieces_are_16_kib_but_the_last(total_size: int) -> None:
    metadata = (PIECE * 4)[:total_size]
    geometry = metadata_geometry(total_size)
    parts = []
    for piece in range(geometry.piece_count):
        data = metadata[piece * METADATA_PIECE_BYTES :][:METADATA_PIECE_BYTES]
        message = decode_metadata(encode_metadata(MetadataData(piece, total_size, data)))
        assert isinstance(message, MetadataData)
        parts.append(message.data)
        for wrong in (data[:-1], data + b"x"):
            with pytest.raises(ExtensionError):
                decode_metadata(encode_metadata(MetadataData(piece, total_size, wrong)))
    assert b"".join(parts) == metadata
