"""Canonical peer priority (BEP 40)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.peer_priority import HASHED, PRIORITIES
from torrentd.wire.formats.address import Address, unpack_host
from torrentd.wire.formats.peer_priority import crc32c, hashed_bytes, peer_priority

hosts = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
addresses = st.builds(
    lambda host, port: Address(unpack_host(host), port), hosts, st.integers(1, 65535)
)


def test_the_checksum_is_that_of_the_rfc() -> None:
    """RFC 3720, B.4: 32 bytes of zeros, of ones, ascending."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize(("one", "other", "priority"), PRIORITIES)
def test_priorities_are_those_of_others(one: str, other: str, priority: int) -> None:
    assert peer_priority(Address(one, 6881), Address(other, 6881)) == priority


@pytest.mark.parametrize(("one", "other", "hashed"), HASHED)
def test_what_is_hashed_is_what_others_hash(
    one: tuple[str, int], other: tuple[str, int], hashed: str
) -> None:
    assert hashed_bytes(Address(*one), Address(*other)).hex() == hashed


@given(addresses, addresses)
def test_both_ends_see_the_same(one: Address, other: Address) -> None:
    assert peer_priority(one, other) == peer_priority(other, one)


def test_two_families_have_none() -> None:
    assert peer_priority(Address("1.2.3.4", 1), Address("2600::1", 1)) == 0


@given(addresses, st.binary(min_size=2, max_size=2))
def test_the_masked_bits_of_an_address_buy_nothing(ours: Address, last: bytes) -> None:
    """An attacker with one network cannot choose among many priorities."""
    theirs = Address("50.60.70.80", 6881)
    if ours.host.startswith("50.60.") or ":" in ours.host:
        return
    near = Address(f"50.60.{last[0] & 0xAA | 70 & 0x55}.{last[1] & 0xAA | 80 & 0x55}", 6881)
    assert peer_priority(ours, near) == peer_priority(ours, theirs)
