"""Asker: our queries, from their arguments to the datagram (BEP 5, DHT Queries; `want` of BEP 32,
`ro` of BEP 43). The one place from which a query leaves."""

from typing import Final

from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.candidate import Candidate
from torrentd.dht.contact import Contact
from torrentd.dht.krpc import encode_query, want_argument
from torrentd.dht.lookup import Lookup
from torrentd.dht.network import Network
from torrentd.dht.outputs import Output, SendDatagram
from torrentd.dht.search import Search
from torrentd.dht.stats import DhtStats, Family
from torrentd.dht.transactions import Transaction, Transactions
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6
from torrentd.wire.formats.bencode import Bencoded


class Asker:
    def __init__(
        self,
        networks: dict[Family, Network],
        transactions: Transactions,
        policy: AddressPolicy,
        stats: DhtStats,
        *,
        read_only: bool,
    ) -> None:
        self._networks: Final = networks
        self._transactions: Final = transactions
        self._policy: Final = policy
        self._stats: Final = stats
        self._read_only: Final = read_only

    def ping(self, address: Address, now: float, *, is_told: bool = False) -> list[Output]:
        """Ping whoever is there; the address is past the policy. `is_told`: how it ends."""
        transaction = self._transactions.begin(address, None, now)
        if transaction is not None:
            transaction.is_told = is_told
        return self._send(transaction, b"ping", {})

    def ping_contact(self, contact: Contact, network: Network, now: float) -> list[Output]:
        """Ping a contact for its bucket, which is told if that was not possible."""
        transaction = self._transactions.begin(contact.address, contact.id, now)
        if transaction is None:
            network.table.ping_not_sent(contact)
        return self._send(transaction, b"ping", {})

    def ask(
        self, lookup: Lookup, candidate: Candidate, search: Search | None, now: float
    ) -> list[Output]:
        """The query of a lookup: what its search asks, or find_node."""
        transaction = self._transactions.begin(candidate.address, candidate.node_id, now)
        if transaction is None:
            lookup.not_sent(candidate)
            return self._send(None, b"", {})
        transaction.lookup = lookup
        transaction.candidate = candidate
        transaction.search = search
        if search is None:
            method: bytes = b"find_node"
            arguments: dict[bytes, Bencoded] = {b"target": lookup.target}
        else:
            method, arguments = search.query(candidate, now)
        want = self._want(lookup.family)
        if want:
            arguments[b"want"] = want_argument(want)
        return self._send(transaction, method, arguments)

    def tell(
        self, candidate: Candidate, search: Search, arguments: dict[bytes, Bencoded], now: float
    ) -> list[Output]:
        """One of a search's last queries."""
        transaction = self._transactions.begin(candidate.address, candidate.node_id, now)
        if transaction is not None:
            transaction.search = search
        return self._send(transaction, search.last_method, arguments)

    def _want(self, family: Family) -> tuple[Family, ...]:
        """BEP 32: while the other table is short of nodes, ask for nodes of both."""
        for other, network in self._networks.items():
            if other != family and len(network.table) < BUCKET_SIZE:
                return (family, other)
        return ()

    def _send(
        self, transaction: Transaction | None, method: bytes, arguments: dict[bytes, Bencoded]
    ) -> list[Output]:
        if transaction is None or self._policy.is_blocked(transaction.address.host):
            self._stats.queries_not_sent += 1  # one that was blocked later is silent for us
            return []
        address = transaction.address
        assert self._policy.allows_node(address), "every address passes the policy on its way in"
        arguments[b"id"] = self._networks["ipv6" if is_ipv6(address.host) else "ipv4"].own_id
        data = encode_query(
            transaction.transaction_id, method, arguments, read_only=self._read_only
        )
        self._stats.queries_sent += 1
        self._stats.datagrams_sent += 1
        self._stats.bytes_sent += len(data)
        return [SendDatagram(data, address)]
