"""The Bloom filter in which scrapes count addresses (BEP 33, Bloom Filters): k = 2, m = 256 * 8.

Held as one integer: bit i of the filter is bit i of the number, its bytes are little-endian.
"""

from hashlib import sha1
from math import log
from typing import Final

FILTER_BYTES: Final = 256
_BITS: Final = 8 * FILTER_BYTES
_HASHES: Final = 2


class BloomFilter:
    """A set of addresses that can be counted and united with others, and nothing else."""

    __slots__ = ("_bits",)

    def __init__(self, data: bytes = bytes(FILTER_BYTES)) -> None:
        """`data` is what `to_bytes` gave, here or elsewhere."""
        assert len(data) == FILTER_BYTES
        self._bits = int.from_bytes(data, "little")

    def add(self, packed_host: bytes) -> None:
        """An IPv4 or IPv6 address in network order, without a port."""
        self._bits |= _bits_of(packed_host)

    def __contains__(self, packed_host: bytes) -> bool:
        """True for all that was added, and for few others."""
        bits = _bits_of(packed_host)
        return self._bits & bits == bits

    def unite(self, other: "BloomFilter") -> None:
        self._bits |= other._bits

    def estimate(self) -> float:
        """How many addresses were added; means something up to about 6,000, and is 0 for none."""
        if not self._bits:
            return 0.0
        zeros = min(max(_BITS - self._bits.bit_count(), 1), _BITS - 1)
        return log(zeros / _BITS) / (_HASHES * log(1 - 1 / _BITS))

    def to_bytes(self) -> bytes:
        return self._bits.to_bytes(FILTER_BYTES, "little")


def _bits_of(packed_host: bytes) -> int:
    digest = sha1(packed_host, usedforsecurity=False).digest()
    first = int.from_bytes(digest[:2], "little") % _BITS
    second = int.from_bytes(digest[2:4], "little") % _BITS
    return 1 << first | 1 << second
