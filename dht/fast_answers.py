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
from typing import Final

from torrentd.dht.hearsay import Hearsay
from torrentd.dht.krpc import SENT_BYTES_MAX, encode_response
from torrentd.dht.network import Network
from torrentd.dht.outputs import Output, SendDatagram
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.rate_limit import Budget, ProvenAddresses
from torrentd.dht.responder import AMPLIFICATION_MAX, NODE_BYTES, NODES_KEY, anchor_id
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
_OWN_ID: Final = b"<the id of this node>"[:20]
_TRANSACTION_ID: Final = b"<transaction id>"


class _Template:
    """A response of one family without what differs from query to query."""

    def __init__(self, family: Family) -> None:
        to = Address("::", 0) if family == "ipv6" else Address("0.0.0.0", 0)
        encoded = encode_response(_TRANSACTION_ID, {b"id": _OWN_ID}, to)
        self.before_ip, rest = encoded.split(pack_address(to), 1)
        self.before_id, rest = rest.split(_OWN_ID, 1)
        self.before_transaction_id, self.end = rest.split(
            b"%d:" % len(_TRANSACTION_ID) + _TRANSACTION_ID
        )
        self.nodes_key = b"%d:%b" % (len(NODES_KEY[family]), NODES_KEY[family])
        self.node_bytes = NODE_BYTES[family]
        self.nodes_room_bytes = len(NODES_KEY[family]) + 6  # as the Responder reckons
        self.size_bytes = len(encoded) - len(_TRANSACTION_ID) - len(b"16:")

    def nodes(self, closest: bytes, room_bytes: int) -> bytes:
        """The entry `nodes` or `nodes6` with as many of the closest as the Responder lets in."""
        count = max(room_bytes - self.nodes_room_bytes, 0) // self.node_bytes
        told = closest[: count * self.node_bytes]
        return b"%b%d:%b" % (self.nodes_key, len(told), told)


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
        read_only: bool,
    ) -> None:
        self._networks: Final = networks
        self._hearsay: Final = hearsay
        self._tokens: Final = tokens
        self._store: Final = store
        self._proven: Final = proven
        self._budget: Final = budget
        self._stats: Final = stats
        self._read_only: Final = read_only
        self._templates: Final = {family: _Template(family) for family in networks}

    def answer(self, data: bytes, source: Address, now: float) -> list[Output] | None:
        """The datagram that answers, [] if the budget does not allow it; None: not for us."""
        query = _QUERY.fullmatch(data)
        if query is None or self._read_only:
            return None
        node_id, infohash, target, transaction_id = query.groups()
        family: Family = "ipv6" if is_ipv6(source.host) else "ipv4"
        network = self._networks[family]
        if (
            node_id == network.own_id
            or self._hearsay.is_own(source)
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
        reply = self._reply(family, infohash, target, transaction_id, source, room, now)
        if not self._budget.take(len(reply), now, proven=proven):
            stats.dropped_budget += 1
            return []
        stats.datagrams_sent += 1
        stats.bytes_sent += len(reply)
        return [SendDatagram(reply, source)]

    def _reply(
        self,
        family: Family,
        infohash: bytes | None,
        target: bytes | None,
        transaction_id: bytes,
        source: Address,
        room_bytes: int,
        now: float,
    ) -> bytes:
        """`transaction_id` as in the query, its length before it."""
        template, network = self._templates[family], self._networks[family]
        nodes = token = b""
        if infohash is not None:
            if self._store.takes(infohash, anchor_id(self._networks)):
                token = b"5:token%d:%b" % (
                    TOKEN_BYTES,
                    self._tokens.token(source.host, infohash, now),
                )
            target = infohash
        if target is not None:
            room_bytes -= template.size_bytes + len(transaction_id) + len(token)
            nodes = template.nodes(network.table.good_nodes.compact(target, now), room_bytes)
        return b"".join(
            (
                template.before_ip,
                pack_address(source),
                template.before_id,
                network.own_id,
                nodes,
                token,
                template.before_transaction_id,
                transaction_id,
                template.end,
            )
        )
