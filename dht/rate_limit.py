"""What we accept from one source and what we send in all (no BEP applies).

Sources of datagrams are spoofed at will, so nothing here grows with their number, nobody is put on
a list, and the only penalty is silence for a while.
"""

import random
from array import array
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from torrentd.wire.formats.address import Address

WINDOW_S: Final = 10.0
_ROWS: Final = 2
_COLUMNS: Final = 131_072  # so that a million spoofed sources in a window count 8 to each of them
_COUNT_MAX: Final = 65535  # more than the largest limit allows in a window
_SOURCES_CACHED: Final = 4096
PROVEN_S: Final = 10 * 60.0
PROVEN_MAX: Final = 4096
ANSWER_BYTES_MIN: Final = 60  # to a ping: 68 with a transaction id of two bytes
RESERVE: Final = 0.25  # of the burst, which strangers may not use


class SourceSketch:
    """How many datagrams a source sent lately: a count-min sketch of fixed size under a secret key,
    so that a stranger can neither fill it nor collide with a chosen victim on purpose. It may count
    too much, never too little."""

    def __init__(self, per_s_max: int, secret_rng: random.Random, now: float) -> None:
        self._window_max: Final = per_s_max * WINDOW_S
        self._key: Final = secret_rng.getrandbits(128).to_bytes(16, "big")
        self._columns: Final = lru_cache(_SOURCES_CACHED)(self._find_columns)
        self._since = now
        self._counts = self._zeros()
        self._before = self._zeros()

    def take(self, source: bytes, now: float) -> bool:
        """Count one datagram. False: this source has sent more than its share."""
        if now - self._since >= WINDOW_S:
            self._roll(now)
        first, second = self._columns(source)
        counts = self._counts
        one, two = counts[first], counts[second]
        count = one if one < two else two
        if count < _COUNT_MAX:  # raise only the smaller one: collisions then add less
            if one == count:
                counts[first] = count + 1
            if two == count:
                counts[second] = count + 1
        before = self._before[first]
        if before > self._before[second]:
            before = self._before[second]
        left = 1.0 - (now - self._since) / WINDOW_S
        return count + before * left < self._window_max

    def _find_columns(self, source: bytes) -> tuple[int, int]:
        digest = blake2b(source, digest_size=8, key=self._key).digest()
        return (
            int.from_bytes(digest[:4], "big") % _COLUMNS,
            _COLUMNS + int.from_bytes(digest[4:], "big") % _COLUMNS,
        )

    def _roll(self, now: float) -> None:
        self._before = self._counts if now - self._since < 2 * WINDOW_S else self._zeros()
        self._counts = self._zeros()
        self._since = now

    @staticmethod
    def _zeros() -> "array[int]":
        return array("H", bytes(2 * _ROWS * _COLUMNS))


class Budget:
    """Bytes we may answer with: a rate, and a burst of two seconds of it. The last quarter of the
    burst is kept for addresses that have proven themselves."""

    def __init__(self, bytes_per_s: int, now: float) -> None:
        self._rate: Final = float(bytes_per_s)
        self._burst: Final = 2.0 * bytes_per_s
        self._floor: Final = RESERVE * self._burst
        self._left = self._burst
        self._at = now

    def is_spent(self, now: float, *, proven: bool) -> bool:
        """Is there not enough for any answer at all?"""
        left = self._left + (now - self._at) * self._rate
        return left - ANSWER_BYTES_MIN < (0.0 if proven else self._floor)

    def take(self, size_bytes: int, now: float, *, proven: bool) -> bool:
        left = self._left + (now - self._at) * self._rate
        self._left = left = left if left < self._burst else self._burst
        self._at = now
        if left - size_bytes < (0.0 if proven else self._floor):
            return False
        self._left = left - size_bytes
        return True


class ProvenAddresses:
    """Addresses that cannot be spoofed ones: lately they answered a query of ours or brought back a
    token. The oldest is forgotten when there are too many."""

    def __init__(self) -> None:
        self._until: dict[Address, float] = {}

    def add(self, address: Address, now: float) -> None:
        self._until.pop(address, None)
        self._until[address] = now + PROVEN_S
        if len(self._until) > PROVEN_MAX:
            del self._until[next(iter(self._until))]

    def is_proven(self, address: Address, now: float) -> bool:
        return self._until.get(address, now) > now
