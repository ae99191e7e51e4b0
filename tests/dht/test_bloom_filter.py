"""BEP 33, Bloom Filters."""

from ipaddress import ip_address

import pytest

from tests.vectors.dht import BLOOM_FILTER, BLOOM_FILTER_ESTIMATE, BLOOM_FILTER_HOSTS
from torrentd.dht.bloom_filter import FILTER_BYTES, BloomFilter


def filled(count: int, first: str = "10.0.0.0") -> BloomFilter:
    made = BloomFilter()
    for index in range(count):
        made.add((ip_address(first) + index).packed)
    return made


def test_the_vector_of_the_bep() -> None:
    united = BloomFilter()
    for first, count in BLOOM_FILTER_HOSTS:
        united.unite(filled(count, first))
    assert united.to_bytes() == BLOOM_FILTER
    assert united.estimate() == pytest.approx(BLOOM_FILTER_ESTIMATE, abs=1e-4)
    assert BloomFilter(BLOOM_FILTER).to_bytes() == BLOOM_FILTER


@pytest.mark.parametrize("count", [1, 10, 100, 1000, 3000])
def test_the_estimate_is_near_what_was_added(count: int) -> None:
    assert filled(count).estimate() == pytest.approx(count, rel=0.08, abs=0.6)


def test_none_and_all_bits_are_numbers_too() -> None:
    assert BloomFilter().estimate() == 0 and BloomFilter().to_bytes() == bytes(FILTER_BYTES)
    assert 7000 < BloomFilter(b"\xff" * FILTER_BYTES).estimate() < 9000


def test_it_knows_what_was_added_and_little_else() -> None:
    made = filled(100)
    hosts = [ip_address("10.0.0.0") + index for index in range(2000)]
    known = [host.packed in made for host in hosts]
    assert all(known[:100]) and sum(known[100:]) < 100


def test_a_host_twice_is_one_and_a_union_counts_each_once() -> None:
    made = filled(200)
    made.unite(filled(200))
    assert made.to_bytes() == filled(200).to_bytes()
    made.unite(filled(200, "10.0.0.100"))
    assert made.to_bytes() == filled(300).to_bytes()
