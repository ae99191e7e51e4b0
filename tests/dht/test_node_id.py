"""BEP 42 ids and XOR distance (BEP 5)."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.dht import BEP42, CRC32C, DISTANCE_EXPONENTS
from torrentd.dht.node_id import (
    NodeId,
    crc32c,
    distance,
    distance_exponent,
    id_fits_host,
    node_id_for,
)
from torrentd.wire.formats.errors import ProtocolError

ids = st.binary(min_size=20, max_size=20)


@pytest.mark.parametrize(("data", "crc"), CRC32C)
def test_the_crc_is_castagnolis(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    assert not data or zlib.crc32(data) != crc


@given(st.binary(max_size=16))
def test_the_crc_table_agrees_with_long_division(data: bytes) -> None:
    register = 0xFFFFFFFF
    for bit in (byte >> index & 1 for byte in data for index in range(8)):
        register = (register >> 1) ^ (0x82F63B78 if (register ^ bit) & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFFFFFF


@pytest.mark.parametrize(("host", "node_id", "fits"), BEP42)
def test_bep_42_examples(host: str, node_id: str, fits: bool) -> None:
    assert id_fits_host(bytes.fromhex(node_id), host) is fits


@pytest.mark.parametrize("host", ["124.31.75.21", "8.8.8.8", "2001:b829:2123:be84::1"])
def test_an_id_made_for_a_host_fits_it_and_no_other(host: str) -> None:
    rng = random.Random(1)
    made = [node_id_for(host, rng) for _ in range(200)]
    assert all(id_fits_host(node_id, host) for node_id in made)
    assert not any(id_fits_host(node_id, "77.1.2.3") for node_id in made)
    assert len({node_id[19] & 7 for node_id in made}) == 8  # all eight ids a host may choose from


def test_a_change_in_any_of_the_first_21_bits_no_longer_fits() -> None:
    node_id = node_id_for("124.31.75.21", random.Random(2))
    number = int.from_bytes(node_id, "big")
    for bit in range(160):
        changed = (number ^ (1 << (159 - bit))).to_bytes(20, "big")
        matters = bit < 21 or bit >= 157  # the last three choose the hash
        assert id_fits_host(changed, "124.31.75.21") is not matters, bit


@pytest.mark.parametrize(("a", "b", "exponent"), DISTANCE_EXPONENTS)
def test_distance_exponents(a: str, b: str, exponent: int) -> None:
    assert distance_exponent(bytes.fromhex(a), bytes.fromhex(b)) == exponent


@given(ids, ids, ids)
def test_distance_is_a_metric(a: bytes, b: bytes, c: bytes) -> None:
    assert distance(a, a) == 0
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


@pytest.mark.parametrize("size", [0, 19, 21])
def test_a_node_id_is_20_bytes(size: int) -> None:
    with pytest.raises(ProtocolError):
        NodeId(bytes(size))
