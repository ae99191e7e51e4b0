"""The lt_donthave message (BEP 54)."""

import pytest

from torrentd.wire.formats.dont_have import decode_dont_have, encode_dont_have
from torrentd.wire.formats.errors import ExtensionError
from torrentd.wire.formats.messages import encode_extended


@pytest.mark.parametrize("piece_index", [0, 1, 258, 2**32 - 1])
def test_it_is_the_index_in_four_bytes(piece_index: int) -> None:
    assert decode_dont_have(encode_dont_have(piece_index)) == piece_index


def test_the_whole_message_is_that_of_the_bep() -> None:
    """ "DontHave: <len=0x0006><op=20><subop=xx><index>"."""
    assert encode_extended(7, encode_dont_have(258)) == b"\0\0\0\x06\x14\x07\0\0\x01\x02"


@pytest.mark.parametrize("payload", [b"", b"\0\0\0", b"\0\0\0\0\0", b"i1e"])
def test_another_length_is_refused(payload: bytes) -> None:
    with pytest.raises(ExtensionError):
        decode_dont_have(payload)
