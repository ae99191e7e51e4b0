"""DhtNode: a node of the mainline DHT (BEP 5, 32, 42, 43), both families in one object."""

import random

from torrentd.config.schema import Limits
from torrentd.dht.outputs import Output
from torrentd.dht.stats import DhtStats, Family
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import InfoHash


class DhtNode:
    def __init__(
        self,
        *,
        limits: Limits,
        policy: AddressPolicy,
        families: tuple[Family, ...],
        listen_port: int,
        read_only: bool,
        rng: random.Random,
        secret_rng: random.Random,
        now: float,
        snapshot: bytes | None = None,
    ) -> None:
        self._stats = DhtStats()

    def receive_datagram(self, data: bytes, source: Address, now: float) -> list[Output]:
        return []

    def get_peers(
        self, infohash: InfoHash, now: float, announce_port: int | None = None
    ) -> list[Output]:
        return []

    def cancel_search(self, infohash: InfoHash) -> None: ...

    def bootstrap(self, addresses: list[Address], now: float) -> list[Output]:
        return []

    def add_node(self, address: Address, now: float) -> list[Output]:
        return []

    def tick(self, now: float) -> list[Output]:
        return []

    def next_deadline(self) -> float | None:
        return None

    def snapshot(self, now: float) -> bytes:
        return b""

    def stats(self, now: float) -> DhtStats:
        return self._stats
