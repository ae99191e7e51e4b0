"""The `upload_only` message (BEP 21, as libtorrent sends it)."""

import pytest

from torrentd.wire.formats.errors import ExtensionError
from torrentd.wire.formats.upload_only import decode_upload_only, encode_upload_only


@pytest.mark.parametrize(("upload_only", "payload"), [(True, b"\x01"), (False, b"\x00")])
def test_it_is_one_byte(upload_only: bool, payload: bytes) -> None:
    assert encode_upload_only(upload_only) == payload
    assert decode_upload_only(payload) is upload_only


def test_whatever_is_not_0_is_true() -> None:
    assert decode_upload_only(b"\xff")


@pytest.mark.parametrize("payload", [b"", b"\x01\x01", b"i1e"])
def test_more_or_less_than_a_byte_is_refused(payload: bytes) -> None:
    with pytest.raises(ExtensionError):
        decode_upload_only(payload)
