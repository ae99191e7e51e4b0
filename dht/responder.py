"""Our answers to queries (BEP 5, DHT Queries; `want` of BEP 32, scrapes of BEP 33).

Whoever has not proven that its address is its own gets at most four times the bytes it sent, so
that nobody can aim us at a victim; the others get what fits in BEP 32's 1,024 octets.
"""

from typing import Final

from torrentd.dht.bloom_filter import FILTER_BYTES
from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.contact import encode_nodes
from torrentd.dht.krpc import (
    PROTOCOL_ERROR,
    SENT_BYTES_MAX,
    SERVER_ERROR,
    AnnouncePeer,
    Arguments,
    FindNode,
    GetPeers,
    Ping,
    encode_response,
)
from torrentd.dht.network import Network
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.stats import Family
from torrentd.dht.tokens import Tokens
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.errors import KrpcError

AMPLIFICATION_MAX: Final = 4
STRANGER_VALUES_MAX: Final = 10
FILTERS_BYTES: Final = 2 * (len(b"4:BFsd256:") + FILTER_BYTES)
NODES_KEY: Final[dict[Family, bytes]] = {"ipv4": b"nodes", "ipv6": b"nodes6"}
NODE_BYTES: Final[dict[Family, int]] = {"ipv4": 26, "ipv6": 38}


def asks_for_more(arguments: Arguments) -> bool:
    """Is it one of the queries whose answers are cut short or withheld until the address is
    proven?"""
    return isinstance(arguments, GetPeers) and arguments.scrape


class Responder:
    def __init__(
        self,
        networks: dict[Family, Network],
        tokens: Tokens,
        store: PeerStore,
        policy: AddressPolicy,
    ) -> None:
        self._networks: Final = networks
        self._tokens: Final = tokens
        self._store: Final = store
        self._policy: Final = policy

    def answer(
        self,
        transaction_id: bytes,
        arguments: Arguments,
        source: Address,
        room_bytes: int,
        now: float,
        *,
        proven: bool,
    ) -> bytes:
        """The response, of at most `room_bytes` where leaving out nodes and values can achieve
        it. Raises KrpcError for what cannot be fulfilled."""
        own = self._networks["ipv6" if is_ipv6(source.host) else "ipv4"]
        values: dict[bytes, Bencoded] = {b"id": own.own_id}
        room_bytes = min(room_bytes, SENT_BYTES_MAX)
        match arguments:
            case Ping():
                pass
            case AnnouncePeer():
                self._announce(arguments, source, now)
            case FindNode(target=target, want=want):
                self._add_nodes(values, target, want or (own.family,), transaction_id, source,
                                room_bytes, now)  # fmt: skip
            case GetPeers(infohash=infohash, want=want):
                if self._store.takes(infohash, self._anchor_id):
                    values[b"token"] = self._tokens.token(source.host, infohash, now)
                if arguments.scrape:
                    self._add_filters(values, infohash, transaction_id, source, room_bytes, now)
                self._add_nodes(values, infohash, want or (own.family,), transaction_id, source,
                                room_bytes, now)  # fmt: skip
                room = room_bytes - len(encode_response(transaction_id, values, source))
                self._add_peers(values, arguments, source, room, now, proven=proven)
        return encode_response(transaction_id, values, source)

    @property
    def _anchor_id(self) -> bytes:
        """Whose neighbourhood the one store prefers to serve: that of our first network."""
        return next(iter(self._networks.values())).own_id

    def _announce(self, query: AnnouncePeer, source: Address, now: float) -> None:
        """BEP 5: "must verify that the token was previously sent to the same IP address"."""
        if not self._tokens.is_valid(query.token, source.host, query.infohash, now):
            raise KrpcError("bad token", PROTOCOL_ERROR)
        port = source.port if query.port is None else query.port
        peer = Address(source.host, port)
        if not self._policy.allows_peer(peer):
            raise KrpcError("that port is not for peers", PROTOCOL_ERROR)
        if not self._store.add(query.infohash, peer, self._anchor_id, now, is_seed=query.is_seed):
            raise KrpcError("no room for it", SERVER_ERROR)

    def _add_filters(
        self,
        values: dict[bytes, Bencoded],
        infohash: bytes,
        transaction_id: bytes,
        source: Address,
        room_bytes: int,
        now: float,
    ) -> None:
        """BEP 33: both filters, or neither when they do not fit: a stranger proves itself first."""
        room = room_bytes - len(encode_response(transaction_id, values, source))
        counted = self._store.count_in(infohash, now) if room >= FILTERS_BYTES else None
        if counted is not None:
            seeds, peers = counted
            values[b"BFsd"] = seeds.to_bytes()
            values[b"BFpe"] = peers.to_bytes()

    def _add_nodes(
        self,
        values: dict[bytes, Bencoded],
        target: bytes,
        want: tuple[Family, ...],
        transaction_id: bytes,
        source: Address,
        room_bytes: int,
        now: float,
    ) -> None:
        """The closest good nodes of each family that is wanted and known, as many as fit."""
        room = room_bytes - len(encode_response(transaction_id, values, source))
        for family in want:
            network = self._networks.get(family)
            if network is None:
                continue
            room -= len(NODES_KEY[family]) + 6  # "5:" before the key, "208:" before the value
            count = min(BUCKET_SIZE, max(room, 0) // NODE_BYTES[family])
            nodes = network.table.closest_nodes(target, count, now, good_only=True)
            values[NODES_KEY[family]] = encode_nodes(nodes)
            room -= len(nodes) * NODE_BYTES[family]

    def _add_peers(
        self,
        values: dict[bytes, Bencoded],
        query: GetPeers,
        source: Address,
        room_bytes: int,
        now: float,
        *,
        proven: bool,
    ) -> None:
        """BEP 32: values are of the address family of the query."""
        size = 18 if is_ipv6(source.host) else 6
        count = (room_bytes - len(b"6:valuesle")) // (size + len(b"%d:" % size))
        if not proven:
            count = min(count, STRANGER_VALUES_MAX)
        peers = self._store.sample(query.infohash, size, count, now, no_seeds=query.no_seeds)
        if peers:
            values[b"values"] = list[Bencoded](peers)
