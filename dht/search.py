"""A search for the peers of one infohash, in both DHTs at once, and the announce at its end (BEP 5,
get_peers and announce_peer; BEP 32: "the two DHTs are independent")."""

from typing import Final

from torrentd.dht.lookup import Lookup
from torrentd.dht.outputs import SearchEnded
from torrentd.dht.stats import SearchStats
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash

PEERS_MAX: Final = 5000  # told in one search; a lying node must not fill our memory


class Search:
    def __init__(
        self, infohash: InfoHash, lookups: list[Lookup], announce_port: int | None
    ) -> None:
        self.infohash: Final = infohash
        self.lookups: Final = lookups
        self.announce_port = announce_port
        self.announced = 0
        self.is_cancelled = False
        self._peers: dict[Address, None] = {}

    def new_peers(self, peers: list[Address]) -> list[Address]:
        """Those of `peers` that this search has not told yet."""
        new: dict[Address, None] = {}
        for peer in peers:
            if peer not in self._peers:
                new[peer] = None
        taken = list(new)[: PEERS_MAX - len(self._peers)]
        self._peers.update(dict.fromkeys(taken))
        return taken

    def check_finished(self, now: float) -> bool:
        """Every lookup that began is over. One that found nobody to ask (no IPv6 here) does not
        hold up the other; while none could begin, the search waits."""
        begun = [lookup for lookup in self.lookups if not lookup.is_waiting]
        for lookup in begun:
            lookup.is_over = lookup.is_finished(now)
        return bool(begun) and all(lookup.is_over for lookup in begun)

    def cancel(self) -> None:
        self.is_cancelled = True
        for lookup in self.lookups:
            lookup.is_over = True

    def stats(self) -> SearchStats:
        return SearchStats(
            self.infohash.hex(),
            waiting=all(lookup.is_waiting for lookup in self.lookups),
            queries=sum(lookup.queries for lookup in self.lookups),
            responses=sum(lookup.responses for lookup in self.lookups),
            peers=len(self._peers),
        )

    def ended(self) -> SearchEnded:
        return SearchEnded(
            self.infohash,
            queries=sum(lookup.queries for lookup in self.lookups),
            responses=sum(lookup.responses for lookup in self.lookups),
            peers=len(self._peers),
            announced=self.announced,
        )
