"""Gate: which datagrams are looked at (BEP 5; BEP 42 for what is our own address).

Cheapest first: length, first and last byte; whether we could answer at all; the policy for its
source; how much came from there lately; and only then the decode. Whatever stops here is counted
and nothing else. What answers a query of ours comes through in any flood, and does not count: who
is asked much may still ask.
"""

import random
from functools import lru_cache
from typing import Final

from torrentd.config.schema import Limits
from torrentd.dht.krpc import Message, decode_message, may_be_krpc
from torrentd.dht.rate_limit import Budget, ProvenAddresses, SourceSketch
from torrentd.dht.stats import DhtStats, Family
from torrentd.dht.transactions import Transactions
from torrentd.wire.formats.address import (
    Address,
    AddressPolicy,
    host_key,
    is_ipv6,
    pack_address,
)
from torrentd.wire.formats.errors import ProtocolError

_ANNOUNCE: Final = b"announce_peer"
_SOURCES_CACHED: Final = 4096  # a busy node hears some hundreds at a time


class Gate:
    def __init__(
        self,
        limits: Limits,
        families: tuple[Family, ...],
        policy: AddressPolicy,
        transactions: Transactions,
        proven: ProvenAddresses,
        budget: Budget,
        stats: DhtStats,
        secret_rng: random.Random,
        now: float,
    ) -> None:
        self._families: Final = families
        self._policy: Final = policy
        self._transactions: Final = transactions
        self._proven: Final = proven
        self._budget: Final = budget
        self._stats: Final = stats
        self._source_key: Final = lru_cache(_SOURCES_CACHED)(self._find_source_key)
        self._sketch: Final = SourceSketch(
            limits.dht_datagrams_per_source_per_s_max, secret_rng, now
        )

    def admits(self, data: bytes, source: Address, now: float) -> bool:
        """Is it worth a decode?"""
        stats = self._stats
        stats.datagrams_received += 1
        stats.bytes_received += len(data)
        if not may_be_krpc(data):
            stats.dropped_not_krpc += 1
            return False
        if self._is_beyond_us(data, source, now):
            stats.dropped_budget += 1
            return False
        key = self._source_key(source, self._policy.generation)
        if key is None:
            stats.dropped_source += 1
            return False
        if not self._transactions.awaits(source, data) and not self._sketch.take(key, now):
            stats.dropped_flood += 1
            return False
        return True

    def decode(self, data: bytes) -> Message | None:
        """What was admitted, unless it is malformed."""
        try:
            return decode_message(data)
        except ProtocolError:
            self._stats.dropped_malformed += 1
            return None

    def _is_beyond_us(self, data: bytes, source: Address, now: float) -> bool:
        """There is nothing left to answer it with, and it would be of no use without an answer."""
        return (
            self._budget.is_spent(now, proven=False)
            and self._budget.is_spent(now, proven=self._proven.is_proven(source, now))
            and _ANNOUNCE not in data
            and not self._transactions.awaits(source, data)
        )

    def _find_source_key(self, source: Address, generation: int) -> bytes | None:
        """What counts as one source: a host; in a local network each of its ports. None: we may
        not talk to it."""
        family: Family = "ipv6" if is_ipv6(source.host) else "ipv4"
        if family not in self._families or not self._policy.allows_node(source):
            return None
        if self._policy.allow_local and self._policy.is_local(source.host):
            return pack_address(source)
        return host_key(source.host)
