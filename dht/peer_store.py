"""The peers that others announced to us (BEP 5, announce_peer; seeds told apart as BEP 33 has it):
capped, expiring, sampled fairly.

One address per host and infohash (a host being an IPv4 address or an IPv6 /64): who announces again
replaces what it said before. When all places for infohashes are taken, the one farthest from our id
goes, if the newcomer is closer; otherwise the newcomer is refused, and said so.

No network (an IPv4 /24 or an IPv6 /48) may push the others out: of an infohash it has eight places,
and in all a hundred, however close to our id it chose the infohashes.
"""

import random
from heapq import heapify, heappop, heappush
from typing import Final

from torrentd.config.schema import Limits
from torrentd.dht.bloom_filter import BloomFilter
from torrentd.dht.node_id import distance
from torrentd.wire.formats.address import (
    Address,
    AddressPolicy,
    host_key,
    is_ipv6,
    pack_address,
    unpack_address,
)

PEER_S: Final = 30 * 60.0  # announces are repeated every 15 minutes or so
PEERS_MAX: Final = 100_000  # in all, about 30 MB
NEIGHBOURS_MAX: Final = 8  # of one network for one infohash
NETWORK_MAX: Final = 100  # of one network in all


class PeerStore:
    """Within an infohash peers stand in the order in which they expire."""

    def __init__(self, limits: Limits, policy: AddressPolicy, rng: random.Random) -> None:
        self._infohashes_max: Final = limits.dht_infohashes_stored_max
        self._peers_max: Final = limits.dht_peers_per_infohash_max
        self._policy: Final = policy
        self._rng: Final = rng
        # infohash -> host -> compact address, when it expires, and whether it is a seed
        self._swarms: dict[bytes, dict[bytes, tuple[bytes, float, bool]]] = {}
        self._count = 0
        self._by_network: dict[bytes, int] = {}  # peers of each network, local ones not counted
        self._own_id = b""  # for which `_heap` holds
        self._heap: list[tuple[int, bytes]] = []  # -distance and infohash; some gone meanwhile

    def __len__(self) -> int:
        """Peers in all."""
        return self._count

    @property
    def infohash_count(self) -> int:
        return len(self._swarms)

    def has(self, infohash: bytes) -> bool:
        """Is a peer stored for it, maybe one that expired?"""
        return infohash in self._swarms

    def takes(self, infohash: bytes, own_id: bytes) -> bool:
        """Would a peer for this infohash be stored? If not, no token is given for it."""
        if not self._is_full or infohash in self._swarms:
            return True
        return distance(infohash, own_id) < distance(self._farthest_infohash(own_id), own_id)

    def add(
        self, infohash: bytes, peer: Address, own_id: bytes, now: float, *, is_seed: bool = False
    ) -> bool:
        """Store the peer for half an hour. False: there is no room."""
        key = self._key(peer)
        peers = self._swarms.get(infohash)
        if peers is None or key not in peers:
            if not self._has_room(infohash, key, own_id):
                return False
            peers = self._swarms.get(infohash)
        if peers is None:
            peers = self._swarms[infohash] = {}
            heappush(self._heap, (-distance(infohash, own_id), infohash))
        self._remove(peers, key)
        peers[key] = (pack_address(peer), now + PEER_S, is_seed)
        self._count += 1
        network = _network(key)
        if network is not None:
            self._by_network[network] = self._by_network.get(network, 0) + 1
        return True

    def sample(
        self, infohash: bytes, size: int, count: int, now: float, *, no_seeds: bool = False
    ) -> list[bytes]:
        """At most `count` compact addresses of `size` (6 or 18) bytes, all equally likely."""
        peers = self._swarms.get(infohash)
        if peers is None or count <= 0:
            return []
        fresh = [
            compact
            for compact, expires_at, is_seed in peers.values()
            if expires_at > now and len(compact) == size and not (no_seeds and is_seed)
        ]
        return fresh if len(fresh) <= count else self._rng.sample(fresh, count)

    def peers(self, infohash: bytes, now: float) -> list[Address]:
        """All of them, of both families, the oldest announce first."""
        stored = self._swarms.get(infohash, {}).values()
        return [unpack_address(compact) for compact, expires_at, _ in stored if expires_at > now]

    def sample_infohashes(self, count: int) -> list[bytes]:
        """At most `count` of those that have peers, all equally likely, in random order."""
        stored = list(self._swarms)
        return self._rng.sample(stored, min(count, len(stored)))

    def count_in(self, infohash: bytes, now: float) -> tuple[BloomFilter, BloomFilter] | None:
        """BEP 33: the hosts of all stored seeds, and of all other peers; None when there are none
        of this infohash."""
        stored = self._swarms.get(infohash)
        if stored is None:
            return None
        seeds, peers = BloomFilter(), BloomFilter()
        for compact, expires_at, is_seed in stored.values():
            if expires_at > now:
                (seeds if is_seed else peers).add(compact[:-2])
        return seeds, peers

    def expire(self, now: float) -> None:
        for infohash, peers in list(self._swarms.items()):
            while peers:
                key = next(iter(peers))
                if peers[key][1] > now:
                    break
                self._remove(peers, key)
            if not peers:
                self._drop(infohash)

    @property
    def _is_full(self) -> bool:
        return len(self._swarms) >= self._infohashes_max or self._count >= PEERS_MAX

    def _has_room(self, infohash: bytes, key: bytes, own_id: bytes) -> bool:
        """Is there room for one more, or was it made? The oldest goes: of its network, if that has
        its share, else of the infohash."""
        if not self.takes(infohash, own_id):
            return False
        peers = self._swarms.get(infohash)
        network = _network(key)
        if network is not None:
            neighbours = [other for other in peers or () if _network(other) == network]
            if peers and len(neighbours) >= NEIGHBOURS_MAX:
                self._remove(peers, neighbours[0])
            if self._by_network.get(network, 0) >= NETWORK_MAX:
                return False
        if peers is None:
            if self._is_full:
                self._drop(self._farthest_infohash(own_id))
        elif len(peers) >= self._peers_max or self._count >= PEERS_MAX:
            self._remove(peers, next(iter(peers)))
        return True

    def _remove(self, peers: dict[bytes, tuple[bytes, float, bool]], key: bytes) -> None:
        if peers.pop(key, None) is None:
            return
        self._count -= 1
        network = _network(key)
        if network is not None:
            left = self._by_network[network] - 1
            self._by_network[network] = left
            if not left:
                del self._by_network[network]

    def _key(self, peer: Address) -> bytes:
        """`<family><host>`, or `<address>` in a local network, where many daemons on one machine
        are many peers."""
        if self._policy.allow_local and self._policy.is_local(peer.host):
            return pack_address(peer)
        return (b"6" if is_ipv6(peer.host) else b"4") + host_key(peer.host)

    def _farthest_infohash(self, own_id: bytes) -> bytes:
        if self._own_id != own_id or len(self._heap) > 2 * self._infohashes_max + 16:
            self._own_id = own_id
            self._heap = [(-distance(infohash, own_id), infohash) for infohash in self._swarms]
            heapify(self._heap)
        while self._heap[0][1] not in self._swarms:
            heappop(self._heap)
        return self._heap[0][1]

    def _drop(self, infohash: bytes) -> None:
        peers = self._swarms.pop(infohash)
        for key in list(peers):
            self._remove(peers, key)


def _network(key: bytes) -> bytes | None:
    """The network in a `_key`; None for a local address, for which nothing is rare."""
    match len(key):
        case 5:
            return key[:4]
        case 9:
            return key[:7]
    return None
