"""What is on record of mutable torrents, and records that are damaged."""

from dataclasses import replace

import pytest

from tests.dht.makers import signed
from torrentd.daemon.pointer_record import POINTERS_MAX, Pointer, decode_pointers, encode_pointers
from torrentd.wire.formats.bencode import encode
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash

ITEM = signed(b"d2:ih20:" + b"i" * 20 + b"e", seq=7, salt=b"n")
FULL = Pointer(
    ITEM.key,
    ITEM.salt,
    True,
    ITEM,
    infohash=InfoHash(b"i" * 20),
    leaving=InfoHash(b"o" * 20),
    moving=True,
    owned=True,
    download_dir="/srv/über",
)


def test_what_was_written_is_read_again() -> None:
    pointers = [FULL, Pointer(b"k" * 32, b"", False)]
    assert decode_pointers(encode_pointers(pointers)) == pointers
    assert FULL.target == ITEM.target


def test_an_item_whose_signature_is_wrong_is_not_believed() -> None:
    forged = replace(FULL, item=replace(ITEM, seq=8))
    [read] = decode_pointers(encode_pointers([forged]))
    assert read.item is None and read.infohash == FULL.infohash


def test_what_makes_no_sense_is_left_out_and_what_is_torn_refused() -> None:
    entries = encode({b"pointers": [1, {}, {b"key": b"short", b"salt": b""}]})
    assert decode_pointers(entries) == []
    many = [Pointer(index.to_bytes(32, "big"), b"", True) for index in range(POINTERS_MAX + 9)]
    assert len(decode_pointers(encode_pointers(many))) == POINTERS_MAX
    data = encode_pointers([FULL])
    for cut in range(len(data)):
        with pytest.raises(ProtocolError):
            decode_pointers(data[:cut])
