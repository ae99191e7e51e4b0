"""BEP 46: the magnet of a mutable torrent, and the value that says which torrent it is."""

import pytest

from tests.vectors.dht import POINTERS
from torrentd.wire.formats.errors import MagnetError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.pointer import (
    PointerMagnet,
    decode_pointer,
    decode_pointer_magnet,
    encode_pointer,
    encode_pointer_magnet,
)

INFOHASH = InfoHash(b"i" * 20)


@pytest.mark.parametrize(("key", "salt", "_target"), POINTERS)
def test_the_magnets_of_the_bep(key: str, salt: str, _target: str) -> None:
    magnet = PointerMagnet(bytes.fromhex(key), bytes.fromhex(salt))
    text = f"magnet:?xs=urn:btpk:{key}" + (f"&s={salt}" if salt else "")
    assert decode_pointer_magnet(text) == magnet and encode_pointer_magnet(magnet) == text
    shouted = text.upper().replace("XS=", "xs=").replace("&S=", "&s=")
    assert decode_pointer_magnet(shouted) == magnet
    assert decode_pointer_magnet(text.replace("urn:btpk:", "urn%3Abtpk%3A") + "&dn=x") == magnet


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab" * 32,
        "magnet:?xt=urn:btih:" + "ab" * 20,
        "magnet:?xs=urn:btpk:" + "ab" * 31,
        "magnet:?xs=urn:btpk:" + "ab" * 33,
        "magnet:?xs=urn:btpk:" + "ab" * 32 + "&s=abc",
        "magnet:?xs=urn:btpk:" + "ab" * 32 + "&s=" + "ab" * 65,
        "magnet:?xs=urn:btpk:" + "ab" * 32 + "&x=" + "y" * 9000,
        "http://example.org/?xs=urn:btpk:" + "ab" * 32,
    ],
)
def test_other_links_are_refused(text: str) -> None:
    with pytest.raises(MagnetError):
        decode_pointer_magnet(text)


def test_a_value_names_a_torrent_or_nothing() -> None:
    assert encode_pointer(INFOHASH) == b"d2:ih20:" + b"i" * 20 + b"e"
    assert decode_pointer(encode_pointer(INFOHASH)) == INFOHASH
    assert decode_pointer(b"d2:ih20:" + b"i" * 20 + b"1:xi1ee") == INFOHASH
    for other in (b"", b"de", b"i1e", b"d2:ih19:" + b"i" * 19 + b"e", b"d2:ihi1ee", b"20:xxx"):
        assert decode_pointer(other) is None
