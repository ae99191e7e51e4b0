"""The DHT nodes of all listening addresses (BEP 45), taken together, as people see them."""

from torrentd.daemon.dht_reports import dht_status
from torrentd.daemon.endpoints import Endpoints
from torrentd.daemon.meter import Meter
from torrentd.daemon.outposts import Outposts
from torrentd.daemon.status import DhtStatus
from torrentd.dht.node import DhtNode
from torrentd.dht.stats import NodeStats, SearchStats


class OurNodes:
    def __init__(self, own: DhtNode, outposts: Outposts, endpoints: Endpoints) -> None:
        self._own = own
        self._outposts = outposts
        self._endpoints = endpoints
        self._answered = Meter()

    def sample(self, now: float) -> None:
        """To be called every few seconds, for the figures that are a rate."""
        self._answered.sample(self._replies_sent(), now)

    def status(self, now: float) -> DhtStatus:
        return dht_status(
            self._own.stats(now),
            now,
            self._outposts.stats(now),
            self._endpoints.speaks_at,
            dropped=self._endpoints.dropped,
            answered_per_s=self._answered.per_s(self._replies_sent(), now),
        )

    def nodes(self, now: float) -> list[NodeStats]:
        """Every contact of every routing table."""
        own = self._own.node_stats(now)
        for node in own:
            node.listens_at = self._endpoints.speaks_at(node.family)
        return own + self._outposts.nodes(now)

    def searches(self) -> list[SearchStats]:
        return self._own.search_stats() + self._outposts.searches()

    def _replies_sent(self) -> int:
        return self._own.replies_sent + self._outposts.replies_sent
