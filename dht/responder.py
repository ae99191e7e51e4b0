"""Our answers to queries (BEP 5, DHT Queries; `want` of BEP 32, scrapes of BEP 33, items of BEP 44,
samples of BEP 51).

Whoever has not proven that its address is its own gets at most four times the bytes it sent, so
that nobody can aim us at a victim; the others get what fits in BEP 32's 1,024 octets, or with an
item in one packet of any network.
"""

from typing import Final

from torrentd.dht.bloom_filter import FILTER_BYTES
from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.contact import encode_nodes
from torrentd.dht.item_messages import SIGNATURE_ERROR, item_values
from torrentd.dht.item_store import ItemStore
from torrentd.dht.items import MutableItem
from torrentd.dht.krpc import (
    PROTOCOL_ERROR,
    SENT_BYTES_MAX,
    SERVER_ERROR,
    AnnouncePeer,
    Arguments,
    FindNode,
    GetItem,
    GetPeers,
    Ping,
    PutItem,
    SampleInfohashes,
    encode_response,
)
from torrentd.dht.network import Network
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.sampling import InfohashSample
from torrentd.dht.signatures import Signatures
from torrentd.dht.stats import Family
from torrentd.dht.tokens import Tokens
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.errors import KrpcError
from torrentd.wire.formats.ids import ID_BYTES

AMPLIFICATION_MAX: Final = 4
STRANGER_VALUES_MAX: Final = 10
ITEM_SENT_BYTES_MAX: Final = 1400  # an item of 1,000 bytes with its key and signature, and nodes
STRANGER_SAMPLES_MAX: Final = 8  # the rest of its room is for nodes, or the walk would end here
_FILTERS_BYTES: Final = 2 * (len(b"4:BFsd256:") + FILTER_BYTES)
NODES_KEY: Final[dict[Family, bytes]] = {"ipv4": b"nodes", "ipv6": b"nodes6"}
NODE_BYTES: Final[dict[Family, int]] = {"ipv4": 26, "ipv6": 38}


def asks_for_more(arguments: Arguments) -> bool:
    """Is it one of the queries whose answers are cut short or withheld until the address is
    proven?"""
    if isinstance(arguments, GetPeers):
        return arguments.scrape
    return isinstance(arguments, GetItem | SampleInfohashes)


class _Reply:
    """A response in the making."""

    __slots__ = ("now", "proven", "room_bytes", "source", "transaction_id", "values")

    def __init__(
        self,
        own_id: bytes,
        transaction_id: bytes,
        source: Address,
        room_bytes: int,
        now: float,
        *,
        proven: bool,
    ) -> None:
        self.values: dict[bytes, Bencoded] = {b"id": own_id}
        self.transaction_id = transaction_id
        self.source = source
        self.room_bytes = room_bytes
        self.now = now
        self.proven = proven

    @property
    def left_bytes(self) -> int:
        return self.room_bytes - len(self.encoded())

    def encoded(self) -> bytes:
        return encode_response(self.transaction_id, self.values, self.source)


class Responder:
    def __init__(
        self,
        networks: dict[Family, Network],
        tokens: Tokens,
        store: PeerStore,
        items: ItemStore,
        signatures: Signatures,
        sample: InfohashSample,
        policy: AddressPolicy,
    ) -> None:
        self._networks: Final = networks
        self._tokens: Final = tokens
        self._store: Final = store
        self._items: Final = items
        self._signatures: Final = signatures
        self._sample: Final = sample
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
        sent_max = ITEM_SENT_BYTES_MAX if isinstance(arguments, GetItem) else SENT_BYTES_MAX
        room_bytes = min(room_bytes, sent_max)
        reply = _Reply(own.own_id, transaction_id, source, room_bytes, now, proven=proven)
        match arguments:
            case Ping():
                pass
            case AnnouncePeer():
                self._announce(arguments, source, now)
            case PutItem():
                self._put(arguments, source, now)
            case FindNode(target=target, want=want):
                self._add_nodes(reply, target, want or (own.family,))
            case GetPeers(want=want):
                self._add_peers(reply, arguments, want or (own.family,))
            case GetItem(want=want):
                self._add_item(reply, arguments, want or (own.family,))
            case SampleInfohashes(want=want):
                self._add_samples(reply, arguments, want or (own.family,))
        return reply.encoded()

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

    def _put(self, query: PutItem, source: Address, now: float) -> None:
        """What is cheap to refuse is refused before a signature is verified (D15)."""
        item = query.item
        if not self._tokens.is_valid(query.token, source.host, item.target, now):
            raise KrpcError("bad token", PROTOCOL_ERROR)
        self._items.check(item, query.cas, now)
        if not self._items.takes(item.target, source, self._anchor_id):
            raise KrpcError("no room for it", SERVER_ERROR)
        if isinstance(item, MutableItem) and not self._items.holds(item, now):
            is_valid = self._signatures.verify(item, now, for_others=True)
            if is_valid is None:
                raise KrpcError("too many signatures at once, try again", SERVER_ERROR)
            if not is_valid:
                raise KrpcError("invalid signature", SIGNATURE_ERROR)
        self._items.add(item, source, self._anchor_id, now)

    def _add_item(self, reply: _Reply, query: GetItem, want: tuple[Family, ...]) -> None:
        """BEP 44: what is not newer than the `seq` asked for, or does not fit, is told by its
        number alone."""
        target = query.target
        if self._items.takes(target, reply.source, self._anchor_id):
            reply.values[b"token"] = self._tokens.token(reply.source.host, target, reply.now)
        item = self._items.get(target, reply.now)
        if isinstance(item, MutableItem):
            reply.values[b"seq"] = item.seq
            if query.seq is not None and item.seq <= query.seq:
                item = None
        if item is not None:
            without = dict(reply.values)
            reply.values.update(item_values(item))
            if reply.left_bytes < 0:
                reply.values = without
        self._add_nodes(reply, target, want)

    def _add_samples(
        self, reply: _Reply, query: SampleInfohashes, want: tuple[Family, ...]
    ) -> None:
        """BEP 51: "should always include the samples field in the response"."""
        samples, interval_s = self._sample.take(reply.now)
        reply.values[b"interval"] = interval_s
        reply.values[b"num"] = self._store.infohash_count
        reply.values[b"samples"] = b""
        room = reply.left_bytes - len(b"640")  # the digits of their length, one of which is there
        count = max(room, 0) // ID_BYTES
        if not reply.proven:
            count = min(count, STRANGER_SAMPLES_MAX)
        reply.values[b"samples"] = b"".join(samples[:count])
        self._add_nodes(reply, query.target, want)

    def _add_nodes(self, reply: _Reply, target: bytes, want: tuple[Family, ...]) -> None:
        """The closest good nodes of each family that is wanted and known, as many as fit."""
        room = reply.left_bytes
        for family in want:
            network = self._networks.get(family)
            if network is None:
                continue
            room -= len(NODES_KEY[family]) + 6  # "5:" before the key, "208:" before the value
            if room < 0:
                return
            count = min(BUCKET_SIZE, room // NODE_BYTES[family])
            nodes = network.table.closest_nodes(target, count, reply.now, good_only=True)
            reply.values[NODES_KEY[family]] = encode_nodes(nodes)
            room -= len(nodes) * NODE_BYTES[family]

    def _add_peers(self, reply: _Reply, query: GetPeers, want: tuple[Family, ...]) -> None:
        """BEP 32: values are of the address family of the query."""
        infohash = query.infohash
        if self._store.takes(infohash, self._anchor_id):
            reply.values[b"token"] = self._tokens.token(reply.source.host, infohash, reply.now)
        if query.scrape:
            self._add_filters(reply, infohash)
        self._add_nodes(reply, infohash, want)
        size = 18 if is_ipv6(reply.source.host) else 6
        count = (reply.left_bytes - len(b"6:valuesle")) // (size + len(b"%d:" % size))
        if not reply.proven:
            count = min(count, STRANGER_VALUES_MAX)
        peers = self._store.sample(infohash, size, count, reply.now, no_seeds=query.no_seeds)
        if peers:
            reply.values[b"values"] = list[Bencoded](peers)

    def _add_filters(self, reply: _Reply, infohash: bytes) -> None:
        """BEP 33: both filters, or neither when they do not fit: a stranger proves itself first."""
        fits = reply.left_bytes >= _FILTERS_BYTES
        counted = self._store.count_in(infohash, reply.now) if fits else None
        if counted is not None:
            seeds, peers = counted
            reply.values[b"BFsd"] = seeds.to_bytes()
            reply.values[b"BFpe"] = peers.to_bytes()
