"""Samples of the infohashes that nodes store (BEP 51): our answer, and the walk that asks others.

The sample stays the same for an interval, which is told, so that asking more often gains nothing.
"""

import random
from typing import Final

from torrentd.dht.candidate import Candidate
from torrentd.dht.krpc import Response
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import Output, SampleEnded
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.search import Search
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded, get_bytes, get_int
from torrentd.wire.formats.ids import ID_BYTES, InfoHash

SAMPLE_S: Final = 3600.0
SAMPLES_MAX: Final = 32  # and eight nodes: what 1,024 octets hold
INTERVAL_S_MAX: Final = 21600  # "between 0 and 21600 seconds (inclusive)"
FOUND_MAX: Final = 20_000  # infohashes of one walk
RESTING_MAX: Final = 10_000


class InfohashSample:
    """Drawn anew when the interval is over; while it holds all that is stored, at every query."""

    def __init__(self, store: PeerStore, rng: random.Random, now: float) -> None:
        self._store: Final = store
        self._rng: Final = rng
        self._drawn: list[bytes] = []
        self._until = now

    def take(self, now: float) -> tuple[list[bytes], int]:
        """The infohashes, and for how many seconds they stay what they are."""
        if now >= self._until or len(self._drawn) < SAMPLES_MAX:
            self._drawn = self._store.sample_infohashes(SAMPLES_MAX)
            self._until = now + SAMPLE_S
        return self._drawn, int(self._until - now)


class Resting:
    """Nodes that said when they have a new sample; the oldest is forgotten when they are too
    many."""

    def __init__(self) -> None:
        self._until: dict[Address, float] = {}

    def add(self, node: Address, until: float) -> None:
        self._until.pop(node, None)
        self._until[node] = until
        if len(self._until) > RESTING_MAX:
            del self._until[next(iter(self._until))]

    def __contains__(self, node_and_now: tuple[Address, float]) -> bool:
        node, now = node_and_now
        return self._until.get(node, now) > now


class SampleWalk(Search):
    """Asks every node on the way to `target`; `SampleEnded` tells all that they named. A node whose
    interval is not over is asked for nodes alone."""

    method = b"sample_infohashes"

    def __init__(self, target: NodeId, resting: Resting) -> None:
        super().__init__(target)
        self._resting: Final = resting
        self._found: dict[bytes, None] = {}
        self._stored = 0
        self._nodes = 0

    def query(self, candidate: Candidate, now: float) -> tuple[bytes, dict[bytes, Bencoded]]:
        rests = (candidate.address, now) in self._resting
        return b"find_node" if rests else self.method, {b"target": self.target}

    def heard(
        self, candidate: Candidate, response: Response, peers: list[Address], now: float
    ) -> list[Output]:
        samples = get_bytes(response.values, b"samples")
        if samples is None or len(samples) % ID_BYTES:
            return []  # it knows no sample_infohashes, and answered as if to find_node
        self._nodes += 1
        self._stored += get_int(response.values, b"num", 0, 10**9) or 0
        interval_s = get_int(response.values, b"interval", 0, INTERVAL_S_MAX)
        if interval_s:
            self._resting.add(candidate.address, now + interval_s)
        named = [samples[at : at + ID_BYTES] for at in range(0, len(samples), ID_BYTES)]
        new = [infohash for infohash in named if infohash not in self._found]
        self._found.update(dict.fromkeys(new[: FOUND_MAX - len(self._found)]))
        return []

    def ended(self) -> SampleEnded:
        infohashes = [InfoHash(infohash) for infohash in self._found]
        return SampleEnded(self.target, infohashes, self._nodes, self._stored)
