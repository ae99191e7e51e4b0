"""A lookup that somebody watches: each hop as it comes, and what was found in the end."""

from collections.abc import Callable

from torrentd.daemon.control_call import Document
from torrentd.daemon.feed import Feed
from torrentd.dht.outputs import HopEnded, TraceEnded
from torrentd.dht.search import Search
from torrentd.dht.trace import Trace
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash

HOPS_MAX = 256  # kept of one lookup: both families may ask a hundred nodes each
PEERS_MAX = 5000  # as in any search; a lying node must not fill our memory


class DhtLookup:
    """What one follower sees. `hops` ends with the lookup."""

    def __init__(self, infohash: InfoHash, now: float) -> None:
        self.infohash = infohash
        self.hops: Feed[Document] = Feed()
        self._began_at = now
        self._kept: list[Document] = []
        self._peers: dict[Address, None] = {}
        self._first_peer_s: float | None = None
        self._ended: TraceEnded | None = None
        self._ended_at = now

    def hop_ended(self, hop: HopEnded, now: float) -> None:
        fresh = dict.fromkeys(peer for peer in hop.peers if peer not in self._peers)
        new = list(fresh)[: PEERS_MAX - len(self._peers)]
        self._peers.update(dict.fromkeys(new))
        if new and self._first_peer_s is None:
            self._first_peer_s = round(now - self._began_at, 4)
        document: Document = {
            "at_s": round(now - self._began_at, 4),
            "depth": hop.depth,
            "family": hop.family,
            "node_id": hop.node_id.hex() if hop.node_id is not None else None,
            "address": str(hop.address),
            "distance_bits": hop.distance_bits,
            "outcome": hop.outcome,
            "rtt_s": round(hop.rtt_s, 4),
            "nodes": hop.nodes,
            "peers_given": len(hop.peers),
            "peers": [str(peer) for peer in new],
        }
        if len(self._kept) < HOPS_MAX:
            self._kept.append(document)
        self.hops.put(document)

    def catch_up(self, other: "DhtLookup") -> None:
        """See what the other has seen so far, as if we had been there."""
        self._began_at, self._first_peer_s = other._began_at, other._first_peer_s
        self._kept, self._peers = list(other._kept), dict(other._peers)
        for hop in self._kept:
            self.hops.put(hop)

    def ended(self, ended: TraceEnded, now: float) -> None:
        self._ended, self._ended_at = ended, now
        self.hops.end()

    def document(self, now: float) -> Document:
        """All of it. `complete` is false when it was not waited for."""
        ended = self._ended
        return {
            "infohash": self.infohash.hex(),
            "complete": ended is not None,
            "took_s": round((self._ended_at if ended is not None else now) - self._began_at, 4),
            "first_peer_s": self._first_peer_s,
            "queries": ended.queries if ended is not None else None,
            "responses": ended.responses if ended is not None else None,
            "peers": [str(peer) for peer in self._peers],
            "hops": self._kept,
        }


class Lookups:
    """Those that are watched; two of the same infohash share the queries."""

    def __init__(self, begin: Callable[[Search], None], drop: Callable[[Search], None]) -> None:
        self._begin = begin
        self._drop = drop
        self._watched: dict[InfoHash, tuple[Trace, list[DhtLookup]]] = {}

    def watch(self, infohash: InfoHash, now: float) -> DhtLookup:
        lookup = DhtLookup(infohash, now)
        if infohash in self._watched:
            watchers = self._watched[infohash][1]
            lookup.catch_up(watchers[0])
            watchers.append(lookup)
        else:
            trace = Trace(infohash)
            self._watched[infohash] = (trace, [lookup])
            self._begin(trace)
        return lookup

    def leave(self, lookup: DhtLookup) -> None:
        """It is looked at no longer; a search that nobody watches ends."""
        trace, watchers = self._watched.get(lookup.infohash, (None, []))
        if trace is None or lookup not in watchers:
            return  # over already
        watchers.remove(lookup)
        if not watchers:
            del self._watched[lookup.infohash]
            self._drop(trace)

    def hop_ended(self, hop: HopEnded, now: float) -> None:
        for lookup in self._watched.get(hop.infohash, (None, []))[1]:
            lookup.hop_ended(hop, now)

    def ended(self, ended: TraceEnded, now: float) -> None:
        for lookup in self._watched.pop(ended.infohash, (None, []))[1]:
            lookup.ended(ended, now)

    def close(self) -> None:
        """The node is gone: nothing more will come."""
        for _, watchers in self._watched.values():
            for lookup in watchers:
                lookup.hops.end()
        self._watched.clear()
