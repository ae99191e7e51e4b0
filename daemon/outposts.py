"""The DHT nodes of all further listening addresses (BEP 45), each on its own: when they search, and
what is kept of them between runs.

A search is first the daemon's own node's. Each other one then looks for the same infohash with the
nodes that were found, so that it costs a few queries, and announces its own address; some seconds
apart, to "avoid querying the same targets from multiple sockets at once". While nobody answers the
own node they search at once: an address may be cut off while others are not.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from torrentd.daemon.outpost import Outpost
from torrentd.daemon.udp import UdpEndpoint
from torrentd.dht.outputs import SearchEnded
from torrentd.dht.stats import DhtStats, NodeStats, SearchStats
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded, Limits, decode_dict, encode, get_bytes, get_dict
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash

SPACING_S = 5.0
KEPT_MAX = 32  # nodes between two runs
LIMITS = Limits(size_bytes_max=1024 * 1024, depth_max=3, tokens_max=4 + 2 * KEPT_MAX)


class Outposts:
    """`is_speaker`: whether the daemon's own node speaks from this endpoint just now, in place of a
    first one that is closed; the node that lives there rests meanwhile."""

    def __init__(
        self, outposts: dict[UdpEndpoint, Outpost], is_speaker: Callable[[UdpEndpoint], bool]
    ) -> None:
        self._outposts = outposts
        self._is_speaker = is_speaker
        self._wanted: dict[InfoHash, tuple[int | None, bool, bool]] = {}
        self._timers: dict[tuple[InfoHash, Outpost], asyncio.TimerHandle] = {}

    def at(self, endpoint: UdpEndpoint) -> Outpost | None:
        """Who lives there, unless it rests."""
        outpost = self._outposts.get(endpoint)
        return None if outpost is None or self._is_speaker(endpoint) else outpost

    def want(
        self,
        infohash: InfoHash,
        port: int | None,
        *,
        nobody_answers: bool,
        is_seed: bool = False,
        is_partial: bool = False,
    ) -> None:
        """The own node begins to search for it."""
        self._wanted[infohash] = port, is_seed, is_partial
        if nobody_answers:
            for _, outpost in self._at_work():
                outpost.get_peers(infohash, port, (), is_seed=is_seed, is_partial=is_partial)

    def follow(self, ended: SearchEnded) -> None:
        """The own node has searched."""
        if ended.infohash in self._wanted and ended.responses:
            for place, (_, outpost) in enumerate(self._at_work(), 1):
                self._search_later(outpost, ended, place * SPACING_S)

    def cancel(self, infohash: InfoHash) -> None:
        self._wanted.pop(infohash, None)
        for outpost in self._outposts.values():
            outpost.cancel_search(infohash)

    def rejoin(self, slept_s: float) -> None:
        for _, outpost in self._at_work():
            outpost.rejoin(slept_s)

    def stats(self, now: float) -> list[tuple[Address, DhtStats]]:
        """Of those at work."""
        return [(endpoint.bound, outpost.stats(now)) for endpoint, outpost in self._at_work()]

    @property
    def replies_sent(self) -> int:
        return sum(outpost.replies_sent for outpost in self._outposts.values())

    def nodes(self, now: float) -> list[NodeStats]:
        return [
            replace(node, listens_at=str(endpoint.bound))
            for endpoint, outpost in self._at_work()
            for node in outpost.nodes(now)
        ]

    def searches(self) -> list[SearchStats]:
        return [search for _, outpost in self._at_work() for search in outpost.searches()]

    def snapshot(self, own: bytes, now: float) -> bytes:
        """With that of the own node."""
        if not self._outposts:
            return own
        kept: dict[bytes, Bencoded] = {
            endpoint.bound.host.encode(): outpost.snapshot(now)
            for endpoint, outpost in list(self._outposts.items())[:KEPT_MAX]
        }
        return encode({b"further": kept, b"own": own})

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for outpost in self._outposts.values():
            outpost.close()

    def _at_work(self) -> Iterator[tuple[UdpEndpoint, Outpost]]:
        """Those whose address the machine has."""
        for endpoint, outpost in self._outposts.items():
            if endpoint.is_open and not self._is_speaker(endpoint):
                yield endpoint, outpost

    def _search_later(self, outpost: Outpost, ended: SearchEnded, delay_s: float) -> None:
        key = ended.infohash, outpost
        if key not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(delay_s, self._search, outpost, ended)

    def _search(self, outpost: Outpost, ended: SearchEnded) -> None:
        self._timers.pop((ended.infohash, outpost), None)
        wanted = self._wanted.get(ended.infohash)
        if wanted is not None:
            port, is_seed, is_partial = wanted
            outpost.get_peers(
                ended.infohash, port, ended.closest, is_seed=is_seed, is_partial=is_partial
            )


def read_snapshot(data: bytes | None) -> tuple[bytes | None, dict[str, bytes]]:
    """What is the own node's, and what is whose by its address. That of a run with a single address
    is the own node's alone; whatever is damaged is found out by the nodes."""
    try:
        outer = decode_dict(data or b"", LIMITS)
        own, further = get_bytes(outer, b"own"), get_dict(outer, b"further") or {}
    except ProtocolError:
        return data, {}
    if own is None:
        return data, {}
    return own, {
        host.decode("ascii", "replace"): kept
        for host, kept in further.items()
        if isinstance(kept, bytes)
    }
