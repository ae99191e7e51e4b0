"""Gate: which datagrams are looked at (BEP 5; BEP 42 for what is our own address).

Cheapest first: length and first byte, the policy for its source, how much came from there lately,
and only then the decode. Whatever stops here is counted and nothing else.
"""

import random
from typing import Final

from torrentd.config.schema import Limits
from torrentd.dht.krpc import Message, decode_message, may_be_krpc
from torrentd.dht.rate_limit import SourceSketch
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


class Gate:
    def __init__(
        self,
        limits: Limits,
        families: tuple[Family, ...],
        policy: AddressPolicy,
        transactions: Transactions,
        stats: DhtStats,
        secret_rng: random.Random,
        now: float,
    ) -> None:
        self._families: Final = families
        self._policy: Final = policy
        self._transactions: Final = transactions
        self._stats: Final = stats
        self._sketch: Final = SourceSketch(
            limits.dht_datagrams_per_source_per_s_max, secret_rng, now
        )

    def admit(self, data: bytes, source: Address, now: float) -> Message | None:
        self._stats.datagrams_received += 1
        self._stats.bytes_received += len(data)
        if not may_be_krpc(data):
            self._stats.dropped_not_krpc += 1
        elif not self._may_talk(source):
            self._stats.dropped_source += 1
        elif not self._transactions.is_asked(source) and not self._sketch.take(
            self._sketch_key(source), now
        ):
            self._stats.dropped_flood += 1
        else:
            try:
                return decode_message(data)
            except ProtocolError:
                self._stats.dropped_malformed += 1
        return None

    def _may_talk(self, source: Address) -> bool:
        family: Family = "ipv6" if is_ipv6(source.host) else "ipv4"
        return family in self._families and self._policy.allows_node(source)

    def _sketch_key(self, source: Address) -> bytes:
        """A host is one source; in a local network each of its ports is."""
        if self._policy.allow_local and self._policy.is_local(source.host):
            return pack_address(source)
        return host_key(source.host)
