"""Scrape: how many seeds and peers an infohash has, counted where they announced (BEP 33).

No node knows all of a swarm; each answers with Bloom filters of the addresses it has stored, and
the union of all of them is counted. A node that knows no scrapes answers with `values`: those are
counted as peers, unless another node has them among the seeds.

Differs from the BEP: a filter that counts more than 6,000 is a lie or useless and left out; and no
search for peers is a scrape too, since nodes leave out `values` where they send filters.
"""

from collections.abc import Sequence
from typing import Final

from torrentd.dht.bloom_filter import FILTER_BYTES, BloomFilter
from torrentd.dht.candidate import Candidate
from torrentd.dht.krpc import Response
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import Output, ScrapeEnded
from torrentd.dht.search import PEERS_MAX, Search
from torrentd.wire.formats.address import Address, pack_host
from torrentd.wire.formats.bencode import Bencoded, get_bytes
from torrentd.wire.formats.ids import InfoHash

COUNTED_MAX: Final = 6000  # BEP 33: "the 6000 entry limit"


class Scrape(Search):
    """`ScrapeEnded` tells what it counted."""

    method = b"get_peers"

    def __init__(self, infohash: InfoHash, start: Sequence[tuple[NodeId, Address]] = ()) -> None:
        super().__init__(infohash, start)
        self._infohash: Final = infohash
        self._seeds: Final = BloomFilter()
        self._peers: Final = BloomFilter()
        self._values: dict[bytes, None] = {}  # hosts told by nodes that know no scrapes
        self._nodes = 0

    @property
    def is_patient(self) -> bool:
        """One that follows another search was not asked for by anybody."""
        return bool(self.start)

    def query(self, candidate: Candidate, now: float) -> tuple[bytes, dict[bytes, Bencoded]]:
        return self.method, {b"info_hash": self._infohash, b"scrape": 1}

    def heard(
        self, candidate: Candidate, response: Response, peers: list[Address], now: float
    ) -> list[Output]:
        seeds = _filter(response.values, b"BFsd")
        others = _filter(response.values, b"BFpe")
        if seeds is not None and others is not None:
            self._seeds.unite(seeds)
            self._peers.unite(others)
            self._nodes += 1
        elif peers:
            room = PEERS_MAX - len(self._values)
            hosts = [pack_host(peer.host) for peer in peers[: max(room, 0)]]
            self._values.update(dict.fromkeys(hosts))
            self._nodes += 1
        return []

    def ended(self) -> ScrapeEnded:
        for host in self._values:
            if host not in self._seeds:
                self._peers.add(host)
        seeds, peers = round(self._seeds.estimate()), round(self._peers.estimate())
        return ScrapeEnded(self._infohash, seeds, peers, self._nodes)


def _filter(values: dict[bytes, Bencoded], key: bytes) -> BloomFilter | None:
    data = get_bytes(values, key, FILTER_BYTES)
    if data is None or len(data) != FILTER_BYTES:
        return None
    found = BloomFilter(data)
    return found if found.estimate() <= COUNTED_MAX else None
