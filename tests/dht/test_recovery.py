"""Back into the DHT after an outage: whom it asks, what it forgives, what it tells (BEP 5, 42)."""

import random

from tests.dht.makers import (
    NOW,
    address,
    address6,
    befriend,
    dht_node,
    friends,
    queries,
    response,
)
from torrentd.dht.health import SILENT_S
from torrentd.dht.lookup import WINDOW
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import id_fits_host, random_node_id
from torrentd.dht.outputs import (
    BootstrapWanted,
    ExternalAddressChanged,
    Output,
    RejoinBegan,
    SilenceEnded,
)
from torrentd.dht.recovery import NAMED_MAX
from torrentd.wire.formats.address import Address, pack_address

FIRST, SECOND = "5.6.7.8", "99.1.2.3"


def silent(node: DhtNode, duration_s: float, start: float = NOW) -> list[Output]:
    """Let time pass in which nobody answers; all that the node says."""
    out: list[Output] = []
    now = start
    while now < start + duration_s:
        now = min(max(node.next_deadline() or now, now + 0.01), start + duration_s)
        out += node.tick(now)
    return out


def asked(outputs: list[Output]) -> set[Address]:
    return {to for _, to in queries(outputs)}


def state(node: DhtNode, now: float) -> str:
    return node.stats(now).families[0].health


class TestSilence:
    def test_it_is_told_and_everybody_is_asked_again(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        out = silent(node, SILENT_S + 10)
        began = [output for output in out if isinstance(output, RejoinBegan)]
        assert began == [RejoinBegan("ipv4", NOW)]
        after = out[out.index(began[0]) :]
        assert BootstrapWanted() in after
        assert set(known) <= asked(after + silent(node, 30, NOW + SILENT_S + 10))
        assert state(node, NOW + 100) == "silent"

    def test_a_saved_node_that_never_answered_is_asked_again_too(self) -> None:
        first = dht_node()
        befriend(first, friends(30))
        saved = {told.address for told in first.node_stats(NOW)}
        node = dht_node(snapshot=first.snapshot(NOW))
        silent(node, 3600)
        assert saved <= {str(to) for to in asked(silent(node, 600, NOW + 3600))}

    def test_nodes_that_were_named_are_asked_again_though_they_never_answered(self) -> None:
        """PORT messages, the `nodes` of a torrent, bootstrap hosts while no name resolves."""
        node, port, router = dht_node(), address(100), address(101)
        node.add_node(port, NOW)
        node.bootstrap([router], NOW)
        assert {port, router} <= asked(silent(node, 60, NOW + 3600))

    def test_only_so_many_named_ones_are_remembered(self) -> None:
        node = dht_node()
        for index in range(NAMED_MAX + 50):
            node.add_node(address(index), NOW)
        assert len(node._recovery.named()) == NAMED_MAX
        assert address(NAMED_MAX + 49) in node._recovery.named()

    def test_while_nobody_answers_the_hosts_are_wanted_every_few_seconds(self) -> None:
        """Whoever comes back after an hour must not wait five minutes more."""
        node = dht_node()
        silent(node, 3600)
        count = sum(isinstance(o, BootstrapWanted) for o in silent(node, 600, NOW + 3600))
        assert count >= 600 / 25

    def test_a_family_that_never_answers_beside_one_that_does_is_let_be(self) -> None:
        node, known = dht_node(families=("ipv4", "ipv6")), friends(20)
        befriend(node, known)
        out: list[Output] = []
        now = NOW
        while now < NOW + 900:
            now += 1
            for query, to in queries(node.tick(now)):
                if to in known:
                    out += node.receive_datagram(response(query, {b"id": known[to]}), to, now)
        assert [o for o in out if isinstance(o, RejoinBegan)] == []
        late = [o for o in node.tick(now + 1) if isinstance(o, BootstrapWanted)]
        assert len(late) <= 1


class TestReturn:
    def test_the_first_answer_ends_it_and_a_lookup_follows_at_once(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        silent(node, 3600)
        back = NOW + 3600
        out: list[Output] = []
        while not out:
            back += 1
            for query, to in queries(node.tick(back))[:1]:
                out = node.receive_datagram(response(query, {b"id": known[to]}), to, back)
        assert SilenceEnded("ipv4", NOW) in out
        asked = [query for query, _ in queries(out) if query.method == b"find_node"]
        assert len(asked) >= WINDOW - 1
        assert state(node, back) == "online"

    def test_what_failed_during_it_is_questionable_and_asked_once_more(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        silent(node, 3600)
        assert {told.state for told in node.node_stats(NOW + 3600)} == {"bad"}
        back, where = NOW + 3601, next(iter(known))
        befriend(node, {where: known[where]}, back)
        assert {told.state for told in node.node_stats(back)} == {"good", "questionable"}

    def test_an_ordinary_start_is_no_return(self) -> None:
        node = dht_node()
        assert not any(isinstance(o, SilenceEnded) for o in befriend(node, friends(5), NOW + 2))


class TestRejoin:
    def test_everybody_is_asked_at_once_and_the_hosts_are_wanted(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        node.bootstrap([address(100)], NOW)
        silent(node, 6)
        out = node.rejoin(NOW + 10)
        assert BootstrapWanted() in out
        assert len(asked(out) & set(known)) >= 8 and address(100) in asked(out)

    def test_after_a_long_sleep_no_node_counts_as_good(self) -> None:
        node = dht_node()
        befriend(node, friends(20))
        node.rejoin(NOW + 1, slept_s=8 * 3600)
        assert {told.state for told in node.node_stats(NOW + 1)} == {"questionable"}

    def test_three_voters_are_enough_for_the_new_address_and_the_id_follows_it(self) -> None:
        """BEP 42. Without a rejoin, nearly all of those that spoke must agree, ten minutes on."""
        node = dht_node()
        befriend(node, friends(20), ip=pack_address(Address(FIRST, 6881)))
        rng = random.Random(3)
        fresh = {address(index): random_node_id(rng) for index in range(50, 53)}
        now_at = pack_address(Address(SECOND, 6881))
        assert ExternalAddressChanged(SECOND) not in befriend(node, fresh, NOW + 60, ip=now_at)
        assert not id_fits_host(bytes.fromhex(node.stats(NOW).families[0].node_id), SECOND)
        node.rejoin(NOW + 61)
        others = {address(index): random_node_id(rng) for index in range(60, 63)}
        assert ExternalAddressChanged(SECOND) in befriend(node, others, NOW + 62, ip=now_at)
        assert id_fits_host(bytes.fromhex(node.stats(NOW).families[0].node_id), SECOND)

    def test_each_family_asks_its_own(self) -> None:
        node = dht_node(families=("ipv4", "ipv6"))
        node.bootstrap([address(1), address6(2)], NOW)
        silent(node, 20)
        assert asked(node.rejoin(NOW + 30)) == {address(1), address6(2)}
