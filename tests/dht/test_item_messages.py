"""BEP 44, put message: what is refused, with the code that says why."""

import pytest

from tests.dht.makers import query, signed
from torrentd.dht.item_messages import item_of_put, item_values, mutable_item
from torrentd.dht.items import ImmutableItem, MutableItem
from torrentd.wire.formats.bencode import KRPC_LIMITS, Bencoded, decode_dict, get_dict
from torrentd.wire.formats.errors import KrpcError

GOOD = signed(b"12:Hello World!", salt=b"foobar")
PUT: dict[bytes, Bencoded] = {**item_values(GOOD), b"salt": b"foobar", b"token": b"t"}


def read(datagram: bytes) -> ImmutableItem | MutableItem:
    return item_of_put(get_dict(decode_dict(datagram, KRPC_LIMITS), b"a") or {}, datagram)


def refused(without: bytes = b"", **changes: Bencoded) -> int:
    arguments = PUT | {key.encode(): value for key, value in changes.items()}
    arguments.pop(without, None)
    with pytest.raises(KrpcError) as error:
        read(query(b"put", arguments))
    return error.value.code


def test_what_was_written_is_read_again() -> None:
    assert read(query(b"put", PUT)) == GOOD
    plain = ImmutableItem(b"d1:ali1ei2eee")
    assert read(query(b"put", {**item_values(plain), b"token": b"t"})) == plain


def test_sizes_and_shapes() -> None:
    assert refused(v=b"x" * 997) == 205  # "997:" makes it 1,001 bytes
    assert read(query(b"put", {**PUT, b"v": b"x" * 996})).value == b"996:" + b"x" * 996
    assert refused(salt=b"x" * 65) == 207 == refused(salt=b"x" * 700)
    for missing in (b"v", b"seq", b"sig"):
        assert refused(missing) == 203
    assert refused(k=b"x" * 31) == 203 == refused(k=7)
    assert refused(sig=b"x" * 63) == 203 == refused(sig=b"x" * 65)
    assert refused(seq=-1) == 203 == refused(seq=b"1")


def test_a_value_with_unsorted_keys_is_203() -> None:
    """ "the storing node MUST reject the request and SHOULD return an error message with code
    203" """
    sorted_keys = query(b"put", {b"token": b"t", b"v": {b"a": 1, b"b": 2}})
    assert read(sorted_keys) == ImmutableItem(b"d1:ai1e1:bi2ee")
    unsorted = sorted_keys.replace(b"d1:ai1e1:bi2ee", b"d1:bi2e1:ai1ee")
    with pytest.raises(KrpcError) as error:
        read(unsorted)
    assert error.value.code == 203


def test_an_item_of_a_response_has_the_salt_that_was_asked_for() -> None:
    values = item_values(GOOD)
    assert mutable_item(values, b"foobar", GOOD.value) == GOOD
    assert mutable_item({**values, b"k": b"short"}, b"", GOOD.value) is None
