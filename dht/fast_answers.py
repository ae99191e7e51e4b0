"""The common queries, recognised by their shape and answered from prepared parts (BEP 5).

Nearly all queries of the mainline DHT are ping, find_node and get_peers, spelled by a few clients
in a few ways. One regular expression takes such a query apart, and the response is put together
from pieces that were encoded before: a seventh of the time that decoding and encoding take. All the
rest goes the slow way: unusual spelling, other queries, a source that may enter the table, an
infohash for which peers are stored.

Invariant: what it answers, the slow way (`DhtNode` and `Responder`) would answer to the last byte,
with the same effect on the table, the budget and the counters; what it does not answer, it has not
touched. tests/dht/test_fast_answers.py holds the two against each other.
"""

import re
from functools import lru_cache
from typing import Final

from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.hearsay import Hearsay
from torrentd.dht.krpc import SENT_BYTES_MAX, encode_response
from torrentd.dht.network import Network
from torrentd.dht.outputs import Output, SendDatagram
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.rate_limit import Budget, ProvenAddresses
from torrentd.dht.responder import AMPLIFICATION_MAX, NODE_BYTES, NODES_KEY
from torrentd.dht.stats import DhtStats, Family
from torrentd.dht.tokens import TOKEN_BYTES, Tokens
from torrentd.wire.formats.address import Address, is_ipv6, pack_address

# Keys in canonical order, nothing but what BEP 5 demands, and a `v` of four bytes. Groups: id,
# info_hash, target (neither: a ping), transaction id with its length.
_QUERY: Final = re.compile(
    rb"d1:ad2:id20:(.{20})"
    rb"(?:9:info_hash20:(.{20})e1:q9:get_peers|6:target20:(.{20})e1:q9:find_node|e1:q4:ping)"
    rb"1:t(1:.|2:..|4:.{4}|8:.{8})(?:1:v4:.{4})?1:y1:qe",
    re.DOTALL,
)
_SOURCES_CACHED: Final = 4096  # a busy node hears some hundreds at a time
_OWN_ID: Final = b"<the id of this node>"[:20]
_TRANSACTION_ID: Final = b"16:<transaction id>"
_TOKEN_KEY: Final = b"5:token%d:" % TOKEN_BYTES
_packed: Final = lru_cache(_SOURCES_CACHED)(pack_address)


class _Template:
    """The responses of one network without what differs from query to query."""

    def __init__(self, network: Network) -> None:
        family = network.family
        to = Address("::", 0) if family == "ipv6" else Address("0.0.0.0", 0)
        encoded = encode_response(_TRANSACTION_ID[3:], {b"id": _OWN_ID}, to)
        self.network: Final = network
        self.before_ip, rest = encoded.split(pack_address(to), 1)
        self.before_id, rest = rest.split(_OWN_ID, 1)
        self.before_transaction_id, self.end = rest.split(_TRANSACTION_ID)
        self.size_bytes: Final = len(encoded) - len(_TRANSACTION_ID)
        key = NODES_KEY[family]
        self.nodes_room_bytes: Final = len(key) + 6  # as the Responder reckons
        self.node_bytes: Final = NODE_BYTES[family]
        lengths = [count * self.node_bytes for count in range(BUCKET_SIZE + 1)]
        self.nodes_keys: Final = {size: b"%d:%b%d:" % (len(key), key, size) for size in lengths}

    def nodes(self, target: bytes, room_bytes: int, now: float) -> bytes:
        """The entry `nodes` or `nodes6` with as many of the closest as the Responder lets in."""
        closest = self.network.table.good_nodes.compact(target, now)
        room_bytes -= self.nodes_room_bytes
        if len(closest) > room_bytes:
            closest = closest[: max(room_bytes, 0) // self.node_bytes * self.node_bytes]
        return self.nodes_keys[len(closest)] + closest


class FastAnswers:
    def __init__(
        self,
        networks: dict[Family, Network],
        hearsay: Hearsay,
        tokens: Tokens,
        store: PeerStore,
        proven: ProvenAddresses,
        budget: Budget,
        stats: DhtStats,
        *,
        listen_port: int,
        read_only: bool,
    ) -> None:
        self._anchor: Final = next(iter(networks.values()))  # as the Responder has it
        self._hearsay: Final = hearsay
        self._tokens: Final = tokens
        self._store: Final = store
        self._proven: Final = proven
        self._budget: Final = budget
        self._stats: Final = stats
        self._listen_port: Final = listen_port
        self._read_only: Final = read_only
        self._templates: Final = {
            family: _Template(network) for family, network in networks.items()
        }

    def answer(self, data: bytes, source: Address, now: float) -> list[Output] | None:
        """The datagram that answers, [] if the budget does not allow it; None: not for us."""
        query = _QUERY.fullmatch(data)
        if query is None or self._read_only:
            return None
        node_id, infohash, target, transaction_id = query.groups()
        template = self._templates["ipv6" if is_ipv6(source.host) else "ipv4"]
        network = template.network
        if (
            node_id == network.own_id
            or (source.port == self._listen_port and self._hearsay.is_own(source))
            or network.wants_to_hear_of(node_id, source)
            or (infohash is not None and self._store.has(infohash))
        ):
            return None
        stats = self._stats
        stats.queries_received += 1
        stats.replies_sent += 1
        network.table.queried(node_id, source, now)
        proven = self._proven.is_proven(source, now)
        room = SENT_BYTES_MAX if proven else min(AMPLIFICATION_MAX * len(data), SENT_BYTES_MAX)
        room -= template.size_bytes + len(transaction_id)
        token = nodes = b""
        if infohash is not None:
            target = infohash
            token = self._token(infohash, source, now)
        if target is not None:
            nodes = template.nodes(target, room - len(token), now)
        reply = b"".join(
            (
                template.before_ip,
                _packed(source),
                template.before_id,
                network.own_id,
                nodes,
                token,
                template.before_transaction_id,
                transaction_id,
                template.end,
            )
        )
        if not self._budget.take(len(reply), now, proven=proven):
            stats.dropped_budget += 1
            return []
        stats.datagrams_sent += 1
        stats.bytes_sent += len(reply)
        return [SendDatagram(reply, source)]

    def _token(self, infohash: bytes, source: Address, now: float) -> bytes:
        if not self._store.takes(infohash, self._anchor.own_id):
            return b""
        return _TOKEN_KEY + self._tokens.token(source.host, infohash, now)
