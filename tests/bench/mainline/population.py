"""A mainline network of any size that needs no memory of its nodes but their order (BEP 5, 42).

Whatever there is to know of a node is computed from its address: its id, whether anybody is there,
its round trip, and its routing table, which is that of BEP 5: of the half of the id space that
shares c bits with it and no more, it knows eight nodes; of its own neighbourhood, all. Two nodes in
five are dead, and so are two in five of the addresses in every reply. One in eight has an id that
does not follow BEP 42.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist
from typing import Final

from torrentd.dht.node_id import crc32c
from torrentd.wire.formats.address import Address, unpack_host

PREFIX: Final = "128.0.0.0/3"  # public addresses, none of them special
NODE_PORT: Final = 26881
K: Final = 8
DEAD_SHARE: Final = 0.4
MISFIT_SHARE: Final = 0.125
RTT_MEDIAN_S: Final = 0.12
RTT_SIGMA: Final = (
    0.9  # one node in ten within 38 ms, one in ten above 380 ms, one in 700 above 2 s
)
BOOTSTRAPS: Final = 4
USUAL_RTT_S: Final = (0.08, 0.16)
_BASE: Final = 0x80000000
_ADDRESS_MASK: Final = (1 << 29) - 1
_STEP: Final = 0x0B4D9A35  # odd: every index has an address of its own
_MASK64: Final = (1 << 64) - 1
_BEP42_MASK: Final = (0x03, 0x0F, 0x3F, 0xFF)
_NORMAL: Final = NormalDist()


def mix(value: int) -> int:
    """Sixty-four bits that follow from `value` and look like chance (splitmix64)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK64
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK64
    return value ^ (value >> 31)


def _share(host: int, what: int) -> float:
    """A number in [0, 1) that belongs to this host, another one for each `what`."""
    return mix(host << 8 | what) / 2**64


def _crc_parts() -> tuple[tuple[int, ...], ...]:
    """CRC32-C is linear: that of four bytes is the sum of what each byte adds to that of zeros."""
    zero = crc32c(bytes(4))
    return tuple(
        tuple(
            crc32c(bytes(4 * [0])[:at] + bytes([value]) + bytes(3 - at)) ^ zero
            for value in range(256)
        )
        for at in range(4)
    )


_CRC_ZERO: Final = crc32c(bytes(4))
_CRC: Final = _crc_parts()


def key_of(host: int) -> int:
    """The first 64 bits of the node's id."""
    chance = mix(host)
    if mix(host ^ 0x5A5A5A5A) < MISFIT_SHARE * 2**64:
        return chance
    a, b, c, d = _BEP42_MASK
    crc = (
        _CRC_ZERO
        ^ _CRC[0][(host >> 24) & a | (chance & 7) << 5]
        ^ _CRC[1][(host >> 16) & b]
        ^ _CRC[2][(host >> 8) & c]
        ^ _CRC[3][host & d]
    )
    return (crc >> 11) << 43 | (chance >> 21)


@lru_cache(65536)
def compact(host: int) -> bytes:
    """Id, address and port, 26 bytes."""
    rest = bytearray(blake2b(host.to_bytes(4), digest_size=12).digest())
    rest[11] = rest[11] & 0xF8 | mix(host) & 7  # BEP 42: the three bits that salt the prefix
    return key_of(host).to_bytes(8) + rest + host.to_bytes(4) + NODE_PORT.to_bytes(2)


def is_alive(host: int) -> bool:
    return _share(host, 1) >= DEAD_SHARE


def round_trip_s(host: int) -> float:
    """The node's own; each datagram adds to it."""
    return RTT_MEDIAN_S * math.exp(RTT_SIGMA * _NORMAL.inv_cdf(max(_share(host, 2), 1e-9)))


def is_usual(host: int) -> bool:
    """It lives, and is neither near nor far: a bootstrap, or a peer."""
    low_s, high_s = USUAL_RTT_S
    return is_alive(host) and low_s <= round_trip_s(host) <= high_s


def address_of(host: int, port: int = NODE_PORT) -> Address:
    return Address(unpack_host(host.to_bytes(4)), port)


class Population:
    """Every node, in the order of the id space."""

    def __init__(self, count: int) -> None:
        hosts = (_BASE | (index * _STEP) & _ADDRESS_MASK for index in range(1, count + 1))
        ordered = sorted(key_of(host) << 32 | host for host in hosts)
        self._keys: Final = array("Q", (entry >> 32 for entry in ordered))
        self._hosts: Final = array("L", (entry & 0xFFFFFFFF for entry in ordered))

        usual = filter(is_usual, self._hosts)
        self.bootstraps: Final = [address_of(next(usual)) for _ in range(BOOTSTRAPS)]

    def is_node(self, host: int) -> bool:
        key = key_of(host)
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key and self._hosts[at] == host

    def known_to(self, host: int, target: bytes) -> list[int]:
        """Of the table of the node at `host`, the eight closest to `target`, closest first."""
        wanted = int.from_bytes(target[:8])
        shared = 64 - (key_of(host) ^ wanted).bit_length()
        low, high = self._range(wanted, shared + 1)
        if high - low > K:
            known = self._bucket(host, shared, low, high)
        else:
            known = self._around(wanted, shared, K + 1)
        known = [other for other in known if other != host]
        return sorted(known, key=lambda other: key_of(other) ^ wanted)[:K]

    def closest(self, target: bytes, count: int) -> list[int]:
        """The truth: the living nodes closest to `target`."""
        wanted = int.from_bytes(target[:8])
        around = self._around(wanted, 64, 16 * count)
        living = [host for host in around if is_alive(host)]
        return sorted(living, key=lambda host: key_of(host) ^ wanted)[:count]

    def _around(self, wanted: int, shared: int, count: int) -> list[int]:
        """All of the largest neighbourhood that `shared` bits allow and that has `count` nodes."""
        low, high = self._range(wanted, shared)
        while high - low < count and shared:
            shared -= 1
            low, high = self._range(wanted, shared)
        return list(self._hosts[low:high])

    def _range(self, wanted: int, bits: int) -> tuple[int, int]:
        """Where those lie whose first `bits` bits are those of `wanted`."""
        rest = (1 << max(64 - bits, 0)) - 1
        first = wanted & ~rest
        return bisect_left(self._keys, first), bisect_right(self._keys, first | rest)

    def _bucket(self, host: int, shared: int, low: int, high: int) -> list[int]:
        """Eight of the range, always the same ones for this node and this bucket."""
        chosen: dict[int, None] = {}
        turn = host << 16 | shared << 8
        while len(chosen) < K:
            chosen[self._hosts[low + mix(turn) % (high - low)]] = None
            turn += 1
        return list(chosen)
