"""BEP 44, Signature Verification (D15)."""

from dataclasses import replace

import pytest

from tests.dht.makers import NOW, signed
from tests.vectors.dht import ITEM_KEY, MUTABLE_ITEMS
from torrentd.dht.items import MutableItem
from torrentd.dht.signatures import RESERVE, VERIFICATIONS_PER_S, Signatures, is_signed


@pytest.mark.parametrize(("salt", "seq", "value", "_signed", "_target", "signature"), MUTABLE_ITEMS)
def test_the_vectors_of_the_bep_verify(
    salt: bytes, seq: int, value: bytes, _signed: bytes, _target: str, signature: str
) -> None:
    item = MutableItem(bytes.fromhex(ITEM_KEY), salt, seq, value, bytes.fromhex(signature))
    assert is_signed(item)
    for other in (
        replace(item, seq=seq + 1),
        replace(item, salt=salt + b"x"),
        replace(item, value=b"12:Hello world!"),
        replace(item, key=bytes(32)),
        replace(item, signature=bytes(64)),
    ):
        assert not is_signed(other)


def test_misshapen_keys_and_signatures_are_wrong_and_cost_nothing() -> None:
    signatures, item = Signatures(NOW), signed(b"1:x")
    for _ in range(200):
        for wrong in (b"", bytes(31), bytes(33), bytes(65)):
            assert signatures.verify(replace(item, key=wrong), NOW, for_others=True) is False
            assert signatures.verify(replace(item, signature=wrong), NOW, for_others=True) is False
    assert signatures.verify(item, NOW, for_others=True) is True


def test_at_most_fifty_a_second_of_which_some_are_ours() -> None:
    signatures, item = Signatures(NOW), signed(b"1:x")
    results = [signatures.verify(item, NOW, for_others=True) for _ in range(60)]
    assert results.count(True) == VERIFICATIONS_PER_S - RESERVE and results[-1] is None
    results = [signatures.verify(item, NOW, for_others=False) for _ in range(20)]
    assert results.count(True) == RESERVE and results[-1] is None
    later = [signatures.verify(item, NOW + 0.5, for_others=False) for _ in range(30)]
    assert later.count(True) == VERIFICATIONS_PER_S / 2
