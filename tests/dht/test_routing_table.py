"""BEP 5, Routing Table; each override of kademlia's table against brute force."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dht.makers import LOCAL, NOW, PUBLIC, address, address6, node_id
from tests.vectors.dht import NEIGHBOURS
from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.contact import FAILURES_BAD, Contact, NodeState
from torrentd.dht.node_id import NodeId, distance, random_node_id
from torrentd.dht.routing_table import RoutingTable
from torrentd.wire.formats.address import Address, AddressPolicy, network_key

QUARTER_S = 15 * 60
OWN = node_id(0)


def make_table(own: NodeId = OWN, policy: AddressPolicy = PUBLIC) -> RoutingTable:
    return RoutingTable(own, policy, NOW)


def fill(table: RoutingTable, count: int, rng: random.Random, now: float = NOW) -> None:
    for index in range(count):
        table.replied(random_node_id(rng), address(index), now, 0.1)


def check(table: RoutingTable) -> None:
    """The invariants of the module's docstring."""
    buckets = table.buckets
    assert buckets[0].range[0] == 0 and buckets[-1].range[1] == 2**160 - 1
    for before, after in pairwise(buckets):
        assert before.range[1] + 1 == after.range[0]
    own = [bucket for bucket in buckets if bucket.has_in_range(table.node)]
    assert len(own) == 1 and own[0].bits == max(bucket.bits for bucket in buckets)
    everyone: list[Contact] = []
    for bucket in buckets:
        assert len(bucket.nodes) <= BUCKET_SIZE and len(bucket.replacement_nodes) <= BUCKET_SIZE
        assert bucket.range[1] - bucket.range[0] + 1 == 1 << (160 - bucket.bits)
        assert bucket.pinged is None or bucket.pinged in bucket.nodes
        inside = [*bucket.nodes.values(), *bucket.replacement_nodes.values()]
        assert all(bucket.has_in_range(c) for c in inside)
        everyone += inside
    assert len({c.id for c in everyone}) == len(everyone)
    assert len({c.address for c in everyone}) == len(everyone)
    assert len({network_key(c.ip) for c in everyone}) == len(everyone)
    assert all(table.at(c.address) is c for c in everyone)
    assert table.own_id not in {c.id for c in everyone}


class TestRoutingTable:
    def test_an_empty_table_has_one_bucket(self) -> None:
        table = make_table()
        assert [bucket.range for bucket in table.buckets] == [(0, 2**160 - 1)]
        assert table.is_empty and not len(table)

    def test_only_the_bucket_with_our_id_splits(self) -> None:
        """ "no more nodes may be added unless our own node ID falls within the range" """
        table = make_table()
        for index in range(9):
            table.replied(node_id((1 << 159) + index), address(index), NOW, None)
        assert len(table.buckets) == 2 and len(table.buckets[1].nodes) == 8
        check(table)
        table.replied(node_id((1 << 159) + 99), address(99), NOW, None)
        assert len(table.buckets) == 2 and len(table) == 8  # full of good nodes: discarded
        assert not table.buckets[1].replacement_nodes
        check(table)

    def test_crafted_ids_from_many_networks_cannot_blow_it_up(self) -> None:
        """kademlia's own table takes a minute for these, and makes 28,000 buckets."""
        table = make_table(node_id(2**160 - 1))
        started = time.process_time()
        for index in range(1800):
            table.replied(node_id(index), address(index), NOW, None)
        assert time.process_time() - started < 1.0
        assert len(table.buckets) <= 3 and len(table) <= 16
        check(table)

    def test_ids_at_a_bucket_midpoint_are_found_again(self) -> None:
        table = make_table()
        middle = node_id(1 << 159)
        for index in range(20):
            table.replied(node_id((1 << 159) - index), address(index), NOW, None)
        assert not table.is_new_node(Contact(middle, address(0)))
        assert sum(c.id == middle for c in table) == 1
        check(table)

    def test_our_own_id_never_enters(self) -> None:
        table = make_table()
        table.replied(OWN, address(1), NOW, None)
        assert table.is_empty


class TestReplacement:
    def full(self) -> RoutingTable:
        """A full bucket away from our id, its nodes last heard of in the order 0 … 7."""
        table = make_table()
        for index in range(9):
            table.replied(node_id((1 << 159) + index), address(index), NOW + index, None)
        assert len(table.buckets[1].nodes) == 8
        return table

    def test_questionable_node_is_pinged_before_it_is_replaced(self) -> None:
        table, late = self.full(), NOW + QUARTER_S + 100
        first = table.replied(node_id((1 << 159) + 50), address(50), late, None)
        assert first is not None and first.address == address(0)
        again = table.failed(address(0), late + 5)
        assert again is first  # "suggested to try once more before discarding"
        after = table.failed(address(0), late + 10)
        assert table.at(address(0)) is None
        assert address(50) in {c.address for c in table}
        assert after is None  # nobody waits any more
        check(table)

    def test_if_it_answers_the_next_questionable_one_is_pinged(self) -> None:
        table, late = self.full(), NOW + QUARTER_S + 100
        newcomer = node_id((1 << 159) + 50)
        pinged = table.replied(newcomer, address(50), late, None)
        for index in range(8):
            assert pinged is not None and pinged.address == address(index)
            pinged = table.replied(pinged.id, pinged.address, late, None)
        assert pinged is None  # "until … all of the nodes in the bucket are known to be good"
        assert table.count(NodeState.GOOD, late) == 8
        check(table)

    def test_one_ping_in_flight_a_bucket(self) -> None:
        table, late = self.full(), NOW + QUARTER_S + 100
        assert table.replied(node_id((1 << 159) + 50), address(50), late, None) is not None
        for index in range(51, 80):
            fresh = node_id((1 << 159) + index)
            assert table.replied(fresh, address(index), late, None) is None
        check(table)

    def test_a_ping_that_was_not_sent_may_be_asked_for_again(self) -> None:
        table, late = self.full(), NOW + QUARTER_S + 100
        first = table.replied(node_id((1 << 159) + 50), address(50), late, None)
        assert first is not None
        table.ping_not_sent(first)
        assert table.questionable_to_ping(late) is first

    def test_a_bad_node_is_replaced_at_once(self) -> None:
        table = self.full()
        for _ in range(FAILURES_BAD):
            table.failed(address(4), NOW + 20)
        assert table.at(address(4)) is not None  # nobody waits: it may come back
        table.replied(node_id((1 << 159) + 50), address(50), NOW + 21, None)
        assert table.at(address(4)) is None and table.at(address(50)) is not None
        check(table)

    def test_a_bad_node_that_answers_is_good_again(self) -> None:
        table = self.full()
        for _ in range(5):
            table.failed(address(4), NOW + 20)
        known = table.at(address(4))
        assert known is not None and known.state(NOW + 20) is NodeState.BAD
        table.replied(known.id, known.address, NOW + 21, None)
        assert known.state(NOW + 21) is NodeState.GOOD


class TestOneEntryANetwork:
    def test_one_node_of_an_ipv4_24_and_of_an_ipv6_64(self) -> None:
        table = make_table()
        for index in range(1, 60):
            table.replied(node_id(index << 100), Address(f"30.1.1.{index}", 6881), NOW, None)
            table.replied(node_id(index << 90), Address(f"2a00:1::{index:x}", 6881), NOW, None)
        assert sorted(c.ip for c in table) == ["2a00:1::1", "30.1.1.1"]
        check(table)

    @pytest.mark.parametrize(("a", "b", "same"), NEIGHBOURS)
    def test_what_counts_as_one_network(self, a: str, b: str, same: bool) -> None:
        table = make_table()
        table.replied(node_id(1), Address(a, 1), NOW, None)
        table.replied(node_id(2), Address(b, 2), NOW, None)
        assert len(table) == (1 if same else 2)

    def test_a_neighbour_takes_the_place_of_a_bad_node(self) -> None:
        table = make_table()
        table.replied(node_id(1), Address("30.1.1.1", 1), NOW, None)
        for _ in range(FAILURES_BAD):
            table.failed(Address("30.1.1.1", 1), NOW)
        table.replied(node_id(2), Address("30.1.1.2", 1), NOW, None)
        assert [c.ip for c in table] == ["30.1.1.2"]
        check(table)

    def test_many_nodes_of_one_machine_where_local_addresses_are_allowed(self) -> None:
        table = make_table(policy=LOCAL)
        rng = random.Random(3)
        for port in range(1, 9):
            table.replied(random_node_id(rng), Address("127.0.0.1", port), NOW, None)
        assert len(table) == 8

    def test_public_addresses_keep_the_rule_in_a_local_network(self) -> None:
        table = make_table(policy=LOCAL)
        table.replied(node_id(1), Address("30.1.1.1", 1), NOW, None)
        table.replied(node_id(2), Address("30.1.1.2", 1), NOW, None)
        assert len(table) == 1


class TestIdTakeover:
    def test_an_id_from_another_address_does_not_replace_its_node(self) -> None:
        table = make_table()
        table.replied(node_id(5), address(1), NOW, None)
        table.replied(node_id(5), address(2), NOW, None)
        assert [c.address for c in table] == [address(1)]
        check(table)

    def test_an_address_that_changes_its_id_is_dropped(self) -> None:
        table = make_table()
        table.replied(node_id(5), address(1), NOW, None)
        table.replied(node_id(6), address(1), NOW, None)
        assert table.is_empty and table.id_mismatches == 1
        table.replied(node_id(6), address(1), NOW, None)
        assert [c.id for c in table] == [node_id(6)]
        check(table)

    def test_a_query_brings_nobody_in_and_keeps_only_the_same_id_good(self) -> None:
        table = make_table()
        table.queried(node_id(5), address(1), NOW)
        assert table.is_empty
        table.replied(node_id(5), address(1), NOW, None)
        table.queried(node_id(6), address(1), NOW + 1000)
        assert table.count(NodeState.GOOD, NOW + 1000) == 0
        table.queried(node_id(5), address(1), NOW + 1000)
        assert table.count(NodeState.GOOD, NOW + 1000) == 1


class TestRefresh:
    def test_buckets_not_changed_in_15_minutes_are_lonely(self) -> None:
        table = make_table()
        fill(table, 40, random.Random(1))
        assert not table.lonely_buckets(NOW + QUARTER_S - 1)
        assert table.lonely_buckets(NOW + QUARTER_S) == table.buckets
        first = next(iter(table))
        table.replied(first.id, first.address, NOW + 60, None)
        assert len(table.lonely_buckets(NOW + QUARTER_S)) == len(table.buckets) - 1

    def test_a_strangers_question_does_not_freshen_a_bucket(self) -> None:
        table = make_table()
        fill(table, 40, random.Random(1))
        table.closest_nodes(node_id(77), 8, NOW + 500, good_only=True)
        table.find_neighbors(Contact(node_id(77), address(1)))
        assert table.lonely_buckets(NOW + QUARTER_S) == table.buckets

    def test_refresh_targets_lie_in_the_bucket(self) -> None:
        table, rng = make_table(), random.Random(1)
        fill(table, 200, rng)
        for bucket in table.buckets:
            low, high = bucket.range
            targets = [int.from_bytes(table.refresh_target(bucket, rng), "big") for _ in range(20)]
            assert all(low <= target <= high for target in targets)
            assert len(set(targets)) > 1


operations = st.lists(
    st.tuples(
        st.sampled_from(["reply", "reply", "reply", "fail", "query", "swap", "later", "ping"]),
        st.integers(0, 60),  # whose address
        st.integers(0, 30),  # which id: clustered at our own and at a few far ones
    ),
    max_size=150,
)


def _crowded_id(number: int) -> NodeId:
    """Half of the ids crowd next to ours, so that buckets are deep as well as full."""
    return node_id((1 << number % 16) + number if number % 2 else (number << 152) + number)


@given(operations, st.integers(0, 2**160 - 1))
def test_any_history_keeps_the_invariants_and_closest_nodes_is_exact(
    history: list[tuple[str, int, int]], target: int
) -> None:
    table, now = make_table(), NOW
    key = node_id(target)
    for what, who, number in history:
        where = Address(f"40.{who % 40}.{who % 3}.{who}", 6881)
        match what:
            case "reply":
                table.replied(_crowded_id(number + who), where, now, 0.1)
            case "swap":
                table.replied(_crowded_id(number), where, now, 0.1)
            case "fail":
                table.failed(where, now)
            case "query":
                table.queried(_crowded_id(number + who), where, now)
            case "later":
                now += 20 * number
            case _:
                table.questionable_to_ping(now)
        check(table)
        for good_only in (False, True):
            allowed = [
                c
                for c in table
                if c.state(now) is NodeState.GOOD
                or (not good_only and c.state(now) is not NodeState.BAD)
            ]
            expected = sorted(allowed, key=lambda c: distance(c.id, key))
            for count in (1, 8, 20):
                found = table.closest_nodes(key, count, now, good_only=good_only)
                assert found == expected[:count]


def test_find_neighbors_is_exact_where_kademlias_is_not() -> None:
    table, rng = make_table(random_node_id(random.Random(9))), random.Random(4)
    fill(table, 2000, rng)
    for _ in range(200):
        asked = Contact(random_node_id(rng), address(9999))
        expected = sorted(table, key=lambda c: distance(c.id, asked.id))[:8]
        assert table.find_neighbors(asked) == expected
        nearest = expected[0]
        assert nearest not in table.find_neighbors(asked, k=8, exclude=nearest)


def test_restored_nodes_are_questionable_and_never_push_anyone_out() -> None:
    table, rng = make_table(), random.Random(5)
    fill(table, 60, rng)
    before = list(table)
    for index in range(100, 300):
        table.restore(Contact(random_node_id(rng), address(index)), NOW)
    check(table)
    assert set(before) <= set(table)
    assert table.count(NodeState.GOOD, NOW) == len(before)


def test_whoever_enters_had_room() -> None:
    table, rng = make_table(), random.Random(6)
    entered = 0
    for index in range(400):
        who = random_node_id(rng)
        room = table.has_room(who, address(index))
        table.replied(who, address(index), NOW, None)
        assert room or table.at(address(index)) is None
        entered += room
    assert entered >= len(table)
    assert not table.has_room(OWN, address(500))
    assert not table.has_room(node_id(3), address(0)._replace(port=9))
    assert table.has_room(node_id(3), address6(1))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_remembered_of_room_holds_after_every_change(seed: int) -> None:
    table, rng = make_table(random_node_id(random.Random(seed))), random.Random(seed)
    for step in range(400):
        who, where = random_node_id(rng), address(rng.randrange(300))
        room = table.has_room(who, where)
        table._roomy = None  # now it looks again
        assert table.has_room(who, where) == room
        known = rng.choice([*table, Contact(who, where)])
        if rng.random() < 0.4:
            table.failed(known.address, NOW + step)
        else:
            table.replied(known.id if rng.random() < 0.9 else who, known.address, NOW + step, 0.1)


def test_time_to_insert_grows_with_the_count_and_not_faster() -> None:
    """Ids chosen so that int keys would collide: they are bytes wherever they are keys."""
    prime = 2**61 - 1

    def seconds(count: int) -> float:
        table = make_table(node_id(2**159))
        started = time.process_time()
        for index in range(count):
            table.replied(node_id(index * prime), address(index), NOW, None)
        return time.process_time() - started

    seconds(500)
    # four times as many: 16 times as long if it were quadratic
    assert min(seconds(8000) for _ in range(2)) < 10 * min(seconds(2000) for _ in range(2))
