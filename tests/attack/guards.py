"""Every defence of the DHT (design, security b8): what switches it off, and the attack that it
stops (BEP 5, 32, 42).

A guard is a constant or a question of the code. Switched off it is as if nobody had thought of it,
and then the attack must succeed: an attack that fails either way would prove nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from math import inf

import pytest

from tests.attack import attacks, lookup_attacks
from torrentd.dht.node_id import NodeId
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.routing_table import RoutingTable
from torrentd.dht.transactions import Transaction, Transactions
from torrentd.wire.formats.address import Address, host_key, pack_address, pack_host

Attack = Callable[[], bool]
HUGE = 10**6


@dataclass(frozen=True)
class Guard:
    """`off` maps what is replaced to what it is replaced with."""

    defence: str
    attack: Attack
    off: dict[str, object]

    def switch_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.off.items():
            monkeypatch.setattr(f"torrentd.{name}", value)


def yes(*_: object, **__: object) -> bool:
    return True


def no(*_: object, **__: object) -> bool:
    return False


def _unbound_token(secret: blake2b, host: str, infohash: bytes) -> bytes:
    digest = secret.copy()
    digest.update(host_key(host))
    return digest.digest()


def _take_by_id_alone(
    self: Transactions, address: Address, transaction_id: bytes
) -> Transaction | None:
    for asked, open_id in list(self._pending):
        if open_id == transaction_id:
            return self._pending.pop((asked, open_id))
    return None


def _take_in_whoever_asks(self: RoutingTable, node_id: bytes, address: Address, now: float) -> None:
    self.replied(NodeId(node_id), address, now, None)


def _key_of_the_port(self: PeerStore, peer: Address) -> bytes:
    return pack_address(peer)


def _every_host_its_network(host: str) -> bytes:
    return blake2b(host.encode(), digest_size=4).digest()


GUARDS: list[Guard] = [
    Guard(
        "D1",
        attacks.amplifies,
        {"dht.node.AMPLIFICATION_MAX": 1000, "dht.fast_answers.AMPLIFICATION_MAX": 1000},
    ),
    Guard("D1", attacks.amplifies, {"dht.node.PING_BYTES": 0}),
    Guard("D1", attacks.many_values_for_padding, {"dht.responder.STRANGER_VALUES_MAX": 1000}),
    Guard("D1", attacks.proof_lasts, {"dht.rate_limit.PROVEN_S": inf}),
    Guard("D1", attacks.out_of_budget, {"dht.rate_limit.Budget.take": yes}),
    Guard("D1", attacks.strangers_silence_friends, {"dht.rate_limit.RESERVE": 0.0}),
    Guard("D2", attacks.token_replayed, {"dht.tokens.SECRET_S": inf}),
    Guard("D2", attacks.token_of_another_host, {"dht.tokens.host_key": lambda host: b""}),
    Guard(
        "D2",
        attacks.token_of_another_infohash,
        {"dht.tokens.Tokens._make": staticmethod(_unbound_token)},
    ),
    Guard("D2", attacks.token_guessed, {"dht.tokens.TOKEN_BYTES": 1}),
    Guard("D2", attacks.token_guessed, {"dht.tokens.compare_digest": yes}),
    Guard("D3", lookup_attacks.chosen_ids_end_a_search, {"dht.candidate.id_fits_host": yes}),
    Guard("D3", lookup_attacks.chosen_ids_use_up_the_queries, {"dht.lookup.MISFITS_MAX": HUGE}),
    Guard(
        "D4",
        lookup_attacks.one_network_takes_all_places,
        {"dht.lookup.Lookup._neighbour_is": no, "dht.lookup.Lookup._has_room": yes},
    ),
    Guard("D4", lookup_attacks.named_beside_an_honest_node, {"dht.lookup.Lookup._give_way": no}),
    Guard(
        "D4", lookup_attacks.fast_liars_end_a_search, {"dht.lookup.Lookup._unheard": lambda _: []}
    ),
    Guard("D5", attacks.transaction_id_guessed, {"dht.transactions.TRANSACTION_ID_BYTES": 1}),
    Guard(
        "D5",
        attacks.answered_from_elsewhere,
        {"dht.transactions.Transactions.take": _take_by_id_alone},
    ),
    Guard("D5", attacks.answered_by_another, {"dht.transactions.Transaction.may_answer": yes}),
    Guard("D5", attacks.queries_without_bound, {"dht.transactions.PENDING_MAX": HUGE}),
    Guard("D5", attacks.peers_name_nodes_until_searches_starve, {"dht.node.PENDING_MAX": -HUGE}),
    Guard(
        "D6",
        attacks.ports_of_other_services,
        {"wire.formats.address.AddressPolicy.allows_peer": yes},
    ),
    Guard("D6", attacks.many_ports_of_a_host, {"dht.peer_store.PeerStore._key": _key_of_the_port}),
    Guard(
        "D7",
        attacks.named_forbidden_nodes,
        {"wire.formats.address.AddressPolicy.allows_node": yes},
    ),
    Guard(
        "D7", attacks.told_forbidden_peers, {"wire.formats.address.AddressPolicy.allows_peer": yes}
    ),
    Guard("D7", lookup_attacks.one_answer_names_hundreds, {"dht.lookup.NODES_PER_REPLY": 1000}),
    Guard("D7", attacks.told_two_hundred_peers_more, {"dht.krpc.VALUES_MAX": 1000}),
    Guard("D8", attacks.infohashes_without_bound, {"dht.peer_store.PeerStore._is_full": False}),
    Guard("D8", attacks.peers_without_bound, {"dht.peer_store.PeerStore._has_room": yes}),
    Guard(
        "D8",
        attacks.a_network_pushes_out_the_peers_of_an_infohash,
        {"dht.peer_store.NEIGHBOURS_MAX": HUGE, "dht.peer_store.NETWORK_MAX": HUGE},
    ),
    Guard("D8", attacks.a_network_pushes_out_all_infohashes, {"dht.peer_store.NETWORK_MAX": HUGE}),
    Guard("D8", attacks.tokens_for_what_is_not_stored, {"dht.peer_store.PeerStore.takes": yes}),
    Guard("D9", attacks.one_host_floods, {"dht.rate_limit.SourceSketch.take": yes}),
    Guard(
        "D9",
        attacks.floods_in_the_name_of_a_node_that_was_asked,
        {"dht.transactions.Transactions.awaits": yes},
    ),
    Guard("D9", attacks.garbage_is_decoded, {"dht.gate.may_be_krpc": yes}),
    Guard(
        "D10",
        attacks.strangers_enter_the_table,
        {"dht.routing_table.RoutingTable.queried": _take_in_whoever_asks},
    ),
    Guard("D10", attacks.one_network_fills_the_table, {"dht.contact.network_key": pack_host}),
    Guard("D11", lookup_attacks.search_without_end, {"dht.lookup.QUERIES_MAX": HUGE}),
    Guard("D11", lookup_attacks.search_for_minutes, {"dht.lookup.LOOKUP_S": inf}),
    Guard("D11", attacks.sent_to_ourselves, {"dht.hearsay.Hearsay.is_own": no}),
    Guard("D12", attacks.our_own_answers_reflected, {"dht.hearsay.Hearsay.is_own": no}),
    Guard("D13", attacks.damaged_snapshot_is_believed, {"dht.snapshot._check": lambda body: b""}),
    Guard(
        "D13",
        attacks.nodes_in_a_hostile_snapshot,
        {"wire.formats.address.AddressPolicy.allows_node": yes},
    ),
    Guard(
        "D14",
        attacks.bootstrap_hosts_that_are_none,
        {"wire.formats.address.AddressPolicy.allows_node": yes},
    ),
    Guard(
        "D14",
        attacks.bootstrap_hosts_hammered,
        {"dht.network.BOOTSTRAP_S_MAX": 5.0, "dht.network.SILENT_BOOTSTRAP_S_MAX": 5.0},
    ),
    Guard("D16", attacks.many_addresses_of_a_64, {"dht.peer_store.host_key": pack_host}),
    Guard("D16", attacks.one_48_fills_the_table, {"dht.contact.network_key": host_key}),
    Guard("D18", attacks.one_liar_changes_our_address, {"dht.external_address.VOTERS_MIN": 1}),
    Guard(
        "D18",
        attacks.one_network_changes_our_address,
        {"dht.external_address.pack_host": _every_host_its_network},
    ),
    Guard("D18", attacks.our_address_flaps, {"dht.external_address.CHANGE_S": 0.0}),
    Guard("D18", attacks.half_of_the_voters_lie, {"dht.external_address.KEPT": 1.0}),
]
ELSEWHERE = {
    "D15": "BEP 44's limits, tested with its items",
    "D17": "no id is an int where it is a key: test_complexity.py",
}
DEFENCES = [f"D{number}" for number in range(1, 19)]
