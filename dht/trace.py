"""A lookup that tells of each node on its way (BEP 5, get_peers): whom it asked, how far from the
target that node is, how long it took, and what it gave. It announces nothing."""

from collections.abc import Sequence
from typing import Final

from torrentd.dht.candidate import Candidate
from torrentd.dht.krpc import Response
from torrentd.dht.outputs import HopEnded, Outcome, Output, TraceEnded
from torrentd.dht.search import Search
from torrentd.wire.formats.address import Address, is_ipv6
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.ids import InfoHash


class Trace(Search):
    """`HopEnded` for each query that ends before the lookup does, `TraceEnded` at its end."""

    method = b"get_peers"
    is_watched = True

    def __init__(self, infohash: InfoHash) -> None:
        super().__init__(infohash)
        self._infohash: Final = infohash

    def query(self, candidate: Candidate, now: float) -> tuple[bytes, dict[bytes, Bencoded]]:
        return self.method, {b"info_hash": self._infohash}

    def heard(
        self, candidate: Candidate, response: Response, peers: list[Address], now: float
    ) -> list[Output]:
        return []  # a hop tells it all

    def hop(
        self,
        candidate: Candidate,
        outcome: Outcome,
        rtt_s: float,
        nodes: int = 0,
        peers: Sequence[Address] = (),
    ) -> list[Output]:
        known = candidate.node_id is not None
        return [
            HopEnded(
                self._infohash,
                address=candidate.address,
                family="ipv6" if is_ipv6(candidate.address.host) else "ipv4",
                node_id=candidate.node_id,
                distance_bits=candidate.distance.bit_length() if known else None,
                depth=_depth(candidate),
                outcome=outcome,
                rtt_s=rtt_s,
                nodes=nodes,
                peers=list(peers),
            )
        ]

    def ended(self) -> TraceEnded:
        return TraceEnded(self._infohash, self.queries, self.responses)


def _depth(candidate: Candidate) -> int:
    """1 for a node of our own table, one more for each node whose answer led on to it."""
    depth, source = 1, candidate.source
    while source is not None:
        depth, source = depth + 1, source.source
    return depth
