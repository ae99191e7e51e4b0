"""Our queries (BEP 5, DHT Queries; BEP 32 want; BEP 43 ro)."""

import random

import pytest

from tests.dht.makers import (
    INFOHASH,
    NOW,
    PUBLIC,
    address,
    address6,
    node_id,
    queries,
)
from torrentd.dht.asker import Asker
from torrentd.dht.contact import Contact
from torrentd.dht.krpc import AnnouncePeer, FindNode, GetPeers, Ping, decode_arguments
from torrentd.dht.lookup import Lookup
from torrentd.dht.network import Network
from torrentd.dht.node_id import random_node_id
from torrentd.dht.search import PeerSearch
from torrentd.dht.stats import DhtStats, Family
from torrentd.dht.transactions import PENDING_MAX, Transactions
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.blocks import Blocks, host_set


class Desk:
    """An asker with what it needs."""

    def __init__(
        self, *, read_only: bool = False, full: bool = False, policy: AddressPolicy = PUBLIC
    ) -> None:
        rng = random.Random(1)
        families: tuple[Family, ...] = ("ipv4", "ipv6")
        self.networks = {family: Network(family, PUBLIC, rng, rng, NOW) for family in families}
        if full:
            for index in range(30):
                for where in (address(index), address6(index)):
                    family: Family = "ipv6" if ":" in where.host else "ipv4"
                    self.networks[family].table.replied(random_node_id(rng), where, NOW, 0.1)
        self.stats = DhtStats()
        self.transactions = Transactions(rng)
        self.asker = Asker(
            self.networks, self.transactions, policy, self.stats, read_only=read_only
        )

    def lookup(self, *, wants_peers: bool) -> Lookup:
        lookup = Lookup(INFOHASH, "ipv4", PUBLIC, wants_peers=wants_peers)
        lookup.offer(address(1), node_id(1))
        return lookup


def test_a_ping_tells_our_id_of_that_family() -> None:
    desk = Desk()
    for where, family in ((address(1), "ipv4"), (address6(1), "ipv6")):
        [(asked, to)] = queries(desk.asker.ping(where, NOW))
        own_id = next(n.own_id for f, n in desk.networks.items() if f == family)
        assert to == where and decode_arguments(asked) == Ping(own_id)
        assert desk.transactions.take(where, asked.transaction_id) is not None


def test_a_search_asks_get_peers_and_upkeep_asks_find_node() -> None:
    desk = Desk(full=True)
    own_id = desk.networks["ipv4"].own_id
    for wants_peers in (True, False):
        lookup = desk.lookup(wants_peers=wants_peers)
        [candidate] = lookup.next_queries(NOW)
        search = PeerSearch(INFOHASH, None) if wants_peers else None
        [(asked, _)] = queries(desk.asker.ask(lookup, candidate, search, NOW))
        arguments = decode_arguments(asked)
        if wants_peers:
            assert arguments == GetPeers(own_id, INFOHASH, ())
        else:
            assert isinstance(arguments, FindNode) and bytes(arguments.target) == bytes(INFOHASH)
        transaction = desk.transactions.take(address(1), asked.transaction_id)
        assert transaction is not None
        assert (transaction.lookup, transaction.search) == (lookup, search)


def test_while_the_other_table_is_short_both_families_are_wanted() -> None:
    """BEP 32, Bootstrapping: "it should request both IPv4 and IPv6 node information"."""
    desk = Desk()
    lookup = desk.lookup(wants_peers=True)
    [candidate] = lookup.next_queries(NOW)
    search = PeerSearch(INFOHASH, None)
    [(asked, _)] = queries(desk.asker.ask(lookup, candidate, search, NOW))
    arguments = decode_arguments(asked)
    assert isinstance(arguments, GetPeers) and arguments.want == ("ipv4", "ipv6")


def test_a_last_query_is_its_searchs() -> None:
    desk = Desk()
    lookup = desk.lookup(wants_peers=True)
    [candidate] = lookup.next_queries(NOW)
    search = PeerSearch(INFOHASH, 7000)
    given: dict[bytes, Bencoded] = {b"info_hash": INFOHASH, b"port": 7000, b"token": b"secret"}
    [(asked, to)] = queries(desk.asker.tell(candidate, search, given, NOW))
    own_id = desk.networks["ipv4"].own_id
    assert decode_arguments(asked) == AnnouncePeer(own_id, INFOHASH, 7000, b"secret")
    transaction = desk.transactions.take(to, asked.transaction_id)
    assert transaction is not None
    assert (transaction.lookup, transaction.search) == (None, search)


@pytest.mark.parametrize("read_only", [True, False])
def test_read_only_is_said_in_every_query(read_only: bool) -> None:
    """BEP 43: "In each outgoing query message the read-only DHT node places a 'ro' key"."""
    desk = Desk(read_only=read_only)
    [(asked, _)] = queries(desk.asker.ping(address(1), NOW))
    assert asked.read_only is read_only


def test_with_a_full_transaction_table_nothing_is_sent_or_lost() -> None:
    desk = Desk()
    for index in range(PENDING_MAX):
        desk.asker.ping(address(index), NOW)
    contact = Contact(node_id(5), address(2000))
    table = desk.networks["ipv4"].table
    table.add_contact(contact, NOW)
    pinged = table.questionable_to_ping(NOW)
    assert pinged is contact
    assert desk.asker.ping_contact(contact, desk.networks["ipv4"], NOW) == []
    assert table.questionable_to_ping(NOW) is contact
    lookup = desk.lookup(wants_peers=True)
    [candidate] = lookup.next_queries(NOW)
    assert desk.asker.ask(lookup, candidate, None, NOW) == []
    assert lookup.next_queries(NOW) == [candidate]
    assert desk.stats.queries_not_sent == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "224.0.0.1", "169.254.169.254"])
def test_a_forbidden_address_here_is_a_mistake_of_ours(host: str) -> None:
    with pytest.raises(AssertionError):
        Desk().asker.ping(Address(host, 6881), NOW)


def test_a_node_that_was_blocked_later_is_not_asked_and_counts_as_silent() -> None:
    blocks = Blocks()
    desk = Desk(policy=AddressPolicy(allow_local=False, blocks=blocks))
    assert len(queries(desk.asker.ping(address(1), NOW))) == 1
    blocks.ban(host_set([address(1).host]))
    assert desk.asker.ping(address(1), NOW) == []
    assert desk.stats.queries_not_sent == 1
    assert len(queries(desk.asker.ping(address(2), NOW))) == 1
