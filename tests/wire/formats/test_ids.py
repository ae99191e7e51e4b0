"""Ids of 20 bytes (BEP 3)."""

import pytest

from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash, PeerId


@pytest.mark.parametrize("size", [0, 19, 21, 32])
@pytest.mark.parametrize("kind", [InfoHash, PeerId])
def test_an_id_of_another_length_is_refused(kind: type[InfoHash], size: int) -> None:
    with pytest.raises(ProtocolError, match=f"{kind.__name__} of {size} bytes"):
        kind(bytes(size))


def test_an_id_is_its_bytes_and_hashes_as_they_do() -> None:
    infohash = InfoHash(b"\xaa" * 20)
    assert infohash == b"\xaa" * 20
    assert {infohash: 1}[b"\xaa" * 20] == 1  # type: ignore[index]  # that is the point
    assert infohash.hex() == "aa" * 20
    assert type(infohash) is InfoHash
