"""Which datagrams are looked at (D9, D16, T26)."""

import random

import pytest

from tests.dht.makers import INFOHASH, LOCAL, NOW, PUBLIC, THEIR_ID, address, address6, query
from tests.vectors.addresses import NEVER_CONTACT
from torrentd.config.schema import Limits
from torrentd.dht.gate import Gate
from torrentd.dht.krpc import Query, encode_response
from torrentd.dht.rate_limit import WINDOW_S, Budget, ProvenAddresses
from torrentd.dht.stats import DhtStats
from torrentd.dht.transactions import Transactions
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.blocks import Blocks, host_set

PING = query(b"ping", {})


class Entrance:
    """A gate with what it needs."""

    def __init__(self, policy: AddressPolicy = PUBLIC, limits: Limits | None = None) -> None:
        rng = random.Random(1)
        self.stats = DhtStats()
        self.transactions = Transactions(rng)
        self.proven = ProvenAddresses()
        self.budget = Budget(1000, NOW)
        self.gate = Gate(
            limits or Limits(),
            ("ipv4",),
            policy,
            self.transactions,
            self.proven,
            self.budget,
            self.stats,
            rng,
            NOW,
        )

    def lets_in(self, data: bytes, source: Address) -> bool:
        admitted = self.gate.admits(data, source, NOW)
        return admitted and isinstance(self.gate.decode(data), Query)


def test_a_query_of_a_public_address_comes_in() -> None:
    entrance = Entrance()
    assert entrance.lets_in(PING, address(1))
    assert entrance.stats.bytes_received == len(PING)
    assert entrance.stats.datagrams_dropped == 0


def test_what_is_no_krpc_is_dropped_before_any_decode() -> None:
    entrance = Entrance()
    for data in (b"", b"d", b"\x41\x00" + bytes(18), b"d" + bytes(3000) + b"e"):
        assert not entrance.lets_in(data, address(1))
    assert entrance.stats.dropped_not_krpc == 4 == entrance.stats.datagrams_dropped


def test_malformed_is_counted() -> None:
    entrance = Entrance()
    assert not entrance.lets_in(b"d1:t2:aa1:y1:qi5e4:xxxxe", address(1))
    assert entrance.stats.dropped_malformed == 1


@pytest.mark.parametrize("host", [host for host, _ in NEVER_CONTACT])
def test_forbidden_sources_are_not_answered(host: str) -> None:
    entrance = Entrance()
    assert not entrance.lets_in(PING, Address(host, 6881))
    assert entrance.stats.dropped_source == 1


def test_who_is_blocked_is_not_answered_from_that_moment_on() -> None:
    blocks = Blocks()
    entrance = Entrance(AddressPolicy(allow_local=False, blocks=blocks))
    assert entrance.lets_in(PING, address(1)), "and the gate remembers him"
    blocks.ban(host_set([address(1).host]))
    assert not entrance.lets_in(PING, address(1))
    assert entrance.stats.dropped_source == 1 == blocks.refused
    blocks.ban(host_set([]))
    assert entrance.lets_in(PING, address(1))


def test_port_0_and_the_family_that_we_have_not_are_dropped() -> None:
    entrance = Entrance()
    assert not entrance.lets_in(PING, address(1, port=0))
    assert not entrance.lets_in(PING, address6(1))
    assert entrance.stats.dropped_source == 2


def test_a_flood_from_one_host_is_dropped_whatever_its_ports() -> None:
    entrance = Entrance()
    heard = [entrance.lets_in(PING, address(1, port=1 + index)) for index in range(200)]
    assert sum(heard) == 5 * WINDOW_S
    assert entrance.stats.dropped_flood == 200 - 5 * WINDOW_S
    assert entrance.lets_in(PING, address(2))


def test_what_one_host_may_send_is_configured() -> None:
    entrance = Entrance(limits=Limits(dht_datagrams_per_source_per_s_max=5000))
    assert sum(entrance.lets_in(PING, address(1)) for _ in range(50_100)) == 50_000


def test_an_answer_that_we_wait_for_is_heard_in_any_flood() -> None:
    """Whoever floods us in the name of a node that we asked does not know the transaction id."""
    entrance = Entrance()
    transaction = entrance.transactions.begin(address(1), None, NOW)
    assert transaction is not None
    answer = encode_response(transaction.transaction_id, {b"id": THEIR_ID}, address(2))
    guess = encode_response(b"abcd", {b"id": THEIR_ID}, address(2))
    for _ in range(200):
        entrance.lets_in(PING, address(1))
    assert not entrance.lets_in(PING, address(1))
    assert not entrance.gate.admits(guess, address(1), NOW)
    assert not entrance.gate.admits(answer, address(1, port=7), NOW)
    assert entrance.gate.admits(answer, address(1), NOW)


def test_the_answers_to_our_queries_leave_a_node_its_share_of_queries() -> None:
    entrance = Entrance()
    for _ in range(200):
        transaction = entrance.transactions.begin(address(1), None, NOW)
        assert transaction is not None
        answer = encode_response(transaction.transaction_id, {b"id": THEIR_ID}, address(2))
        assert entrance.gate.admits(answer, address(1), NOW)
        entrance.transactions.take(address(1), transaction.transaction_id)
    assert sum(entrance.lets_in(PING, address(1)) for _ in range(200)) == 5 * WINDOW_S


def spend(entrance: Entrance, *, proven: bool = False) -> None:
    while entrance.budget.take(50, NOW, proven=proven):
        pass


def test_with_nothing_left_to_answer_with_strangers_cost_no_more_than_that() -> None:
    """Neither the policy is asked, nor is anything counted for the source (D9)."""
    entrance = Entrance()
    spend(entrance)
    assert not entrance.lets_in(PING, Address("127.0.0.1", 1))
    assert not any(entrance.lets_in(PING, address(1)) for _ in range(200))
    assert entrance.stats.dropped_budget == 201 == entrance.stats.datagrams_dropped
    assert entrance.gate.admits(PING, address(1), NOW + 1)


def test_whoever_has_proven_himself_is_heard_until_the_reserve_is_spent_too() -> None:
    entrance = Entrance()
    spend(entrance)
    entrance.proven.add(address(1), NOW)
    assert entrance.lets_in(PING, address(1))
    spend(entrance, proven=True)
    assert not entrance.lets_in(PING, address(1))


def test_answers_to_ours_and_announces_need_no_budget() -> None:
    entrance = Entrance()
    spend(entrance, proven=True)
    given: dict[bytes, Bencoded] = {b"info_hash": INFOHASH, b"port": 7000, b"token": b"12345678"}
    assert entrance.lets_in(query(b"announce_peer", given), address(1))
    transaction = entrance.transactions.begin(address(2), None, NOW)
    assert transaction is not None
    answer = encode_response(transaction.transaction_id, {b"id": THEIR_ID}, address(3))
    assert entrance.gate.admits(answer, address(2), NOW)
    assert not entrance.gate.admits(answer, address(4), NOW)


def test_in_a_local_network_each_port_is_a_source() -> None:
    entrance = Entrance(LOCAL)
    sources = [Address("127.0.0.1", 7000 + index) for index in range(200)]
    assert all(entrance.lets_in(PING, source) for source in sources)
