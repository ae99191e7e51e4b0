"""DhtNode: a node of the mainline DHT (BEP 5, 32, 42, 43), both families in one object.

It ties the rooms together: the gate lets a datagram in, a query goes to the responder, a response
to the transaction it answers and from there to the routing table and the searches. Each input is
one call and returns what to send and to tell; at most one datagram goes to a source for one of its
datagrams, except where that was the answer to a query of ours. Nothing that comes from outside can
raise.

Differs from the BEP: a node that queries us is pinged, later and seldom, before it may enter the
table; two nodes of one network (IPv4 /24, IPv6 /48) never are in it together.
"""

import random
from typing import Final

from torrentd.config.schema import Limits
from torrentd.dht.asker import Asker
from torrentd.dht.contact import Contact
from torrentd.dht.fast_answers import FastAnswers
from torrentd.dht.gate import Gate
from torrentd.dht.hearsay import Hearsay
from torrentd.dht.item_store import ItemStore
from torrentd.dht.krpc import (
    PING_BYTES,
    AnnouncePeer,
    ErrorReply,
    PutItem,
    Query,
    Response,
    decode_arguments,
    encode_error,
)
from torrentd.dht.network import Network
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import (
    BootstrapWanted,
    ExternalAddressChanged,
    Output,
    PingEnded,
    SendDatagram,
)
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.rate_limit import Budget, ProvenAddresses
from torrentd.dht.recovery import Recovery
from torrentd.dht.responder import AMPLIFICATION_MAX, Responder, asks_for_more
from torrentd.dht.sampling import InfohashSample
from torrentd.dht.search import PeerSearch, Search
from torrentd.dht.searches import Searches
from torrentd.dht.signatures import Signatures
from torrentd.dht.snapshot import encode_snapshot, restore_networks
from torrentd.dht.stats import DhtStats, Family, NodeStats, SearchStats
from torrentd.dht.tokens import Tokens
from torrentd.dht.transactions import PENDING_MAX, Transaction, Transactions
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6
from torrentd.wire.formats.errors import KrpcError
from torrentd.wire.formats.ids import InfoHash

EXPIRE_S: Final = 60.0  # between two looks for peers that expired


class DhtNode:
    def __init__(
        self,
        *,
        limits: Limits,
        policy: AddressPolicy,
        families: tuple[Family, ...],
        listen_port: int,
        read_only: bool,
        rng: random.Random,
        secret_rng: random.Random,
        now: float,
        snapshot: bytes | None = None,
    ) -> None:
        """Call `tick` at once: it begins the bootstrap. A damaged `snapshot` counts as none."""
        self._policy: Final = policy
        self._read_only: Final = read_only
        self._listen_port: Final = listen_port
        self._stats: Final = DhtStats()
        self._networks: Final[dict[Family, Network]] = {
            family: Network(family, policy, rng, secret_rng, now) for family in families
        }
        self._hearsay: Final = Hearsay(self._networks, policy, listen_port, self._stats)
        if snapshot is not None:
            restore_networks(self._networks, snapshot, self._hearsay.may_ask, now)
        self._tokens: Final = Tokens(secret_rng, now)
        self._store: Final = PeerStore(limits, policy, rng)
        self._items: Final = ItemStore(policy)
        self.signatures: Final = Signatures(now)  # for who looks for items
        sample = InfohashSample(self._store, rng, now)
        self._responder: Final = Responder(
            self._networks, self._tokens, self._store, self._items, self.signatures, sample, policy
        )
        self._transactions: Final = Transactions(secret_rng)
        self._asker: Final = Asker(
            self._networks, self._transactions, policy, self._stats, read_only=read_only
        )
        networks, asker, store = self._networks, self._asker, self._store
        self._searches: Final = Searches(networks, asker, store, policy, limits, now)
        self._recovery: Final = Recovery(self._networks, self._searches, self._asker)
        self._budget: Final = Budget(limits.dht_upload_bytes_per_s_max, now)
        self._proven: Final = ProvenAddresses()
        proven, budget, stats = self._proven, self._budget, self._stats
        self._gate: Final = Gate(
            limits, families, policy, self._transactions, proven, budget, stats, secret_rng, now
        )
        self._fast_answers: Final = FastAnswers(
            self._networks, self._hearsay, self._tokens, self._store, proven, budget, stats,
            listen_port=listen_port, read_only=read_only,
        )  # fmt: skip
        self._expire_at = now + EXPIRE_S
        self._deadline: float | None = now  # None: to be found out

    # Input and commands.

    def receive_datagram(self, data: bytes, source: Address, now: float) -> list[Output]:
        """`source` is canonical (`Address`), as the socket told it."""
        if not self._gate.admits(data, source, now):
            return []
        answered = self._fast_answers.answer(data, source, now)
        if answered is not None:
            return answered
        message = self._gate.decode(data)
        match message:
            case None:
                return []
            case Query():
                return self._on_query(message, source, len(data), now)
            case Response():
                return self._on_response(message, source, now)
            case ErrorReply():
                return self._on_error(message, source, now)

    def get_peers(
        self,
        infohash: InfoHash,
        now: float,
        announce_port: int | None = None,
        *,
        is_seed: bool = False,
        is_partial: bool = False,
    ) -> list[Output]:
        """Search both DHTs, and announce `announce_port` to the closest nodes at the end. The first
        queries are in what this returns; with no node known the search waits for the first one.
        Whoever announced himself to us is told at once: in a small DHT nobody else may know him."""
        self._deadline = None
        search = PeerSearch(infohash, announce_port, is_seed=is_seed, is_partial=is_partial)
        return self._searches.get_peers(search, now)

    def search(self, search: Search, now: float) -> list[Output]:
        """Any other search, as a Scrape; what it found is told at its end. Of equal ones one runs
        at a time, and its end is told once."""
        self._deadline = None
        return self._searches.begin(search, now)

    def drop_search(self, search: Search) -> None:
        self._searches.drop(search)

    def cancel_search(self, infohash: InfoHash) -> None:
        self._searches.cancel(infohash)

    def bootstrap(self, addresses: list[Address], now: float) -> list[Output]:
        """Ask these addresses, all at once, for the nodes closest to us."""
        self._deadline = None
        usable = [address for address in addresses if self._hearsay.may_ask(address)]
        self._recovery.remember(usable)
        return self._searches.bootstrap(usable, now)

    def rejoin(self, now: float, slept_s: float = 0.0) -> list[Output]:
        """The machine's network changed, or the machine slept so long: ask everybody known."""
        self._deadline = None
        return self._recovery.rejoin(now, slept_s)

    def add_node(self, address: Address, now: float) -> list[Output]:
        """A node is said to be at this address (PORT message, `nodes` of a torrent): ping it. A
        peer that names many leaves room for the searches."""
        if not self._hearsay.may_ask(address):
            return []
        self._recovery.remember([address])
        if self._transactions.is_asked(address) or self._transactions.room <= PENDING_MAX // 2:
            return []
        self._deadline = None
        return self._asker.ping(address, now)

    def ping(self, address: Address, now: float) -> list[Output]:
        """Ping it and tell what came of it (PingEnded); [] when we may not, or ask too many."""
        if not self._hearsay.may_ask(address):
            return []
        self._deadline = None
        return self._asker.ping(address, now, is_told=True)

    def tick(self, now: float) -> list[Output]:
        self._deadline = None
        out: list[Output] = []
        for transaction in self._transactions.expired(now):
            self._stats.timeouts += 1
            out += self._on_timeout(transaction, now)
        out += self._recovery.tick(now)
        silent = self._recovery.nobody_answers()
        due = [n.is_bootstrap_due(now, nobody_answers=silent) for n in self._networks.values()]
        if any(due):
            out += [BootstrapWanted(), *self._searches.bootstrap(self._recovery.named(), now)]
        out += self._searches.tick(now)
        for network in self._networks.values():
            for whom in network.pings_due(now):
                out += self._ping(whom, network, now)
            host = network.elect(now)
            if host is not None:
                out.append(ExternalAddressChanged(host))
        if now >= self._expire_at:
            self._expire_at = now + EXPIRE_S
            self._store.expire(now)
            self._items.expire(now)
        return out

    def next_deadline(self) -> float | None:
        if self._deadline is None:
            deadlines = [network.next_deadline() for network in self._networks.values()]
            deadlines += [self._expire_at, self._recovery.next_deadline()]
            for deadline in (self._transactions.next_deadline(), self._searches.next_deadline()):
                if deadline is not None:
                    deadlines.append(deadline)
            self._deadline = min(deadlines)
        return self._deadline

    def snapshot(self, now: float) -> bytes:
        """For the next start: our ids and the nodes that answered last."""
        return encode_snapshot(self._networks, now)

    def stats(self, now: float) -> DhtStats:
        """The live counters, with the figures of the moment filled in."""
        stats = self._stats
        stats.families = [network.stats(now) for network in self._networks.values()]
        stats.nodes_good = sum(family.nodes_good for family in stats.families)
        stats.nodes_questionable = sum(family.nodes_questionable for family in stats.families)
        stats.nodes_bad = sum(family.nodes_bad for family in stats.families)
        stats.queries_pending = len(self._transactions)
        stats.searches_running = len(self._searches)
        stats.peers_stored = len(self._store)
        stats.items_stored = len(self._items)
        return stats

    @property
    def online_since(self) -> float | None:
        return self._recovery.online_since

    @property
    def replies_sent(self) -> int:
        return self._stats.replies_sent

    def node_stats(self, now: float) -> list[NodeStats]:
        """Every contact of the routing tables, in the order of their ids."""
        return [node for network in self._networks.values() for node in network.node_stats(now)]

    def search_stats(self) -> list[SearchStats]:
        return self._searches.stats()

    # Queries of others.

    def _on_query(self, query: Query, source: Address, size: int, now: float) -> list[Output]:
        network = self._network_of(source)
        if query.node_id == network.own_id or self._hearsay.is_own(source):
            self._stats.dropped_own += 1  # an echo of our own, or someone who plays us
            return []
        if self._read_only:
            self._stats.dropped_read_only += 1
            return []
        self._stats.queries_received += 1
        room = AMPLIFICATION_MAX * size
        if query.node_id is not None and not query.read_only:
            network.table.queried(query.node_id, source, now)
            if network.heard_of(query.node_id, source):
                self._deadline = None
                room -= PING_BYTES
        return self._reply(query, source, room, now)

    def _reply(self, query: Query, source: Address, room: int, now: float) -> list[Output]:
        """`room`: what a stranger may get, four times his bytes with the ping that is to come."""
        proven = self._proven.is_proven(source, now)
        out: list[Output] = []
        try:
            arguments = decode_arguments(query)
            if proven:
                room = 1 << 16
            elif asks_for_more(arguments) and self._network_of(source).prove(source):
                self._deadline = None
                room -= PING_BYTES
            data = self._responder.answer(
                query.transaction_id, arguments, source, room, now, proven=proven
            )
        except KrpcError as error:
            self._stats.announces_refused += query.method == b"announce_peer"
            self._stats.puts_refused += query.method == b"put"
            data = encode_error(query.transaction_id, error.code, error.reason)
            self._stats.errors_sent += 1
        else:
            self._stats.replies_sent += 1
            if isinstance(arguments, PutItem):
                self._stats.puts_accepted += 1
                self._proven.add(source, now)  # as by an announce: a token came back
            if isinstance(arguments, AnnouncePeer):
                out += self._on_announce(arguments.infohash, source, now)
        return out + self._send_reply(data, source, room, now, proven=proven)

    def _on_announce(self, infohash: InfoHash, source: Address, now: float) -> list[Output]:
        """A token that came back proves that the source receives what is sent to it; and whoever
        looks for the same as we do is a peer."""
        self._stats.announces_accepted += 1
        self._proven.add(source, now)
        return self._searches.tell_stored(infohash, now)

    def _send_reply(
        self, data: bytes, source: Address, room: int, now: float, *, proven: bool
    ) -> list[Output]:
        if len(data) > room:
            self._stats.dropped_amplifying += 1
            return []
        if not self._budget.take(len(data), now, proven=proven):
            self._stats.dropped_budget += 1
            return []
        self._stats.datagrams_sent += 1
        self._stats.bytes_sent += len(data)
        return [SendDatagram(data, source)]

    # Answers to ours.

    def _on_response(self, response: Response, source: Address, now: float) -> list[Output]:
        transaction = self._transactions.take(source, response.transaction_id)
        if transaction is None:
            self._stats.dropped_unasked += 1
            return []
        self._deadline = None
        self._stats.replies_received += 1
        self._stats.last_reply_at = now
        self._proven.add(source, now)
        network = self._network_of(source)
        out = self._tell_table(network, response.node_id, transaction, now)
        out += self._recovery.answered(network, now)
        if transaction.is_told:
            rtt_s = now - transaction.sent_at
            out.append(PingEnded(source, rtt_s, response.node_id, response.external))
        self._stats.id_mismatches += transaction.node_id not in (None, response.node_id)
        if response.node_id == network.own_id or not transaction.may_answer(response.node_id):
            return out + self._searches.failed(transaction, now, wrong_id=True)
        out += self._hear_external(network, response, source, now)
        nodes = self._hearsay.nodes(response.nodes)
        peers = self._hearsay.peers(response.peers)
        return out + self._searches.answered(transaction, response, nodes, peers, now)

    def _tell_table(
        self, network: Network, node_id: NodeId, transaction: Transaction, now: float
    ) -> list[Output]:
        rtt_s = now - transaction.sent_at
        whom = network.replied(node_id, transaction.address, now, rtt_s)
        return self._ping(whom, network, now) if whom is not None else []

    def _hear_external(
        self, network: Network, response: Response, source: Address, now: float
    ) -> list[Output]:
        """BEP 42: `ip` in a response to our own query is one vote on what our address is."""
        external = response.external
        if external is None or is_ipv6(external.host) != is_ipv6(source.host):
            return []
        if not self._policy.allows_node(Address(external.host, self._listen_port)):
            return []
        host = network.heard_external(source, external.host, now)
        return [ExternalAddressChanged(host)] if host is not None else []

    def _on_error(self, error: ErrorReply, source: Address, now: float) -> list[Output]:
        """The node lives, but does not serve us. Nothing is ever answered to an error."""
        transaction = self._transactions.take(source, error.transaction_id)
        if transaction is None:
            self._stats.dropped_unasked += 1
            return []
        self._deadline = None
        self._stats.errors_received += 1
        told = self._recovery.answered(self._network_of(source), now)
        if transaction.is_told:
            told.append(PingEnded(source, now - transaction.sent_at))
        told += self._searches.failed(transaction, now, error_code=error.code)
        return told + self._searches.settle(now)

    def _on_timeout(self, transaction: Transaction, now: float) -> list[Output]:
        network = self._network_of(transaction.address)
        out = self._searches.failed(transaction, now)
        if transaction.is_told:
            out.append(PingEnded(transaction.address))
        whom = network.failed(transaction.address, now)
        return out + (self._ping(whom, network, now) if whom is not None else [])

    # Parts.

    def _ping(self, whom: Contact | Address, network: Network, now: float) -> list[Output]:
        if isinstance(whom, Contact):
            return self._asker.ping_contact(whom, network, now)
        return self._asker.ping(whom, now)

    def _network_of(self, address: Address) -> Network:
        return self._networks["ipv6" if is_ipv6(address.host) else "ipv4"]
