"""BEP 44: names of items, and what is signed (the vectors of BEP 44 and 46)."""

import pytest

from tests.vectors.dht import IMMUTABLE_ITEM, ITEM_KEY, MUTABLE_ITEMS, POINTERS
from torrentd.dht.items import ImmutableItem, MutableItem, target_of


@pytest.mark.parametrize(("salt", "seq", "value", "signed", "target", "signature"), MUTABLE_ITEMS)
def test_mutable_items(
    salt: bytes, seq: int, value: bytes, signed: bytes, target: str, signature: str
) -> None:
    item = MutableItem(bytes.fromhex(ITEM_KEY), salt, seq, value, bytes.fromhex(signature))
    assert item.signed == signed and item.target.hex() == target


def test_an_immutable_item_is_named_by_its_hash() -> None:
    value, target = IMMUTABLE_ITEM
    assert ImmutableItem(value).target.hex() == target


@pytest.mark.parametrize(("key", "salt", "target"), POINTERS)
def test_targets_of_mutable_torrents(key: str, salt: str, target: str) -> None:
    assert target_of(bytes.fromhex(key), bytes.fromhex(salt)).hex() == target
