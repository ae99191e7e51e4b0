"""What is remembered of the closest good nodes is what a search would find (BEP 5, `nodes`)."""

import random

import pytest

from tests.dht.makers import NOW, PUBLIC, address, node_id
from torrentd.dht.contact import GOOD_S, Contact
from torrentd.dht.good_nodes import CELL_BITS, GoodNodes
from torrentd.dht.node_id import NodeId, random_node_id
from torrentd.dht.routing_table import RoutingTable


class Counted(RoutingTable):
    """Counts the searches."""

    searches = 0

    def closest_nodes(
        self, target: bytes, count: int, now: float, *, good_only: bool
    ) -> list[Contact]:
        self.searches += 1
        return super().closest_nodes(target, count, now, good_only=good_only)


def table_of(rng: random.Random, count: int = 200) -> Counted:
    table = Counted(random_node_id(rng), PUBLIC, NOW)
    for index in range(count):
        table.replied(random_node_id(rng), address(index), NOW, 0.1)
    return table


def expected(table: RoutingTable, target: bytes, now: float) -> bytes:
    """By brute force, not by the table's own search."""
    key = int.from_bytes(target, "big")
    good = [contact for contact in table if contact.state(now).value == "good"]
    good.sort(key=lambda contact: contact.long_id ^ key)
    return b"".join(contact.compact for contact in good[:8])


def some_target(table: RoutingTable, rng: random.Random) -> bytes:
    """Anywhere, around our own id, or one of few that come again."""
    match rng.randrange(3):
        case 0:
            return rng.randbytes(20)
        case 1:
            kept = rng.randrange(20)
            return bytes(table.own_id[:kept]) + rng.randbytes(20 - kept)
        case _:
            return bytes([rng.randrange(256)]) * 20


def something_happens(table: RoutingTable, rng: random.Random, now: float) -> None:
    known = list(table)
    contact = rng.choice(known) if known else None
    match rng.randrange(6):
        case 0 if contact is not None:
            table.failed(contact.address, now)
        case 1 if contact is not None:
            table.replied(contact.id, contact.address, now, 0.1)
        case 2 if contact is not None:
            table.queried(contact.id, contact.address, now)
        case 3 if contact is not None:
            table.remove_contact(contact)
        case 4 if contact is not None:  # it changes its id
            table.replied(random_node_id(rng), contact.address, now, 0.1)
        case _:
            table.replied(random_node_id(rng), address(rng.randrange(400)), now, 0.1)


class TestOracle:
    @pytest.mark.parametrize("seed", range(8))
    def test_whatever_happens_the_answer_is_exact(self, seed: int) -> None:
        rng, now = random.Random(seed), NOW
        table = table_of(rng, count=rng.choice([0, 3, 9, 200]))
        for _ in range(120):
            for _ in range(rng.randrange(8)):
                target = some_target(table, rng)
                assert table.good_nodes.compact(target, now) == expected(table, target, now)
            now += rng.choice([0, 0.1, 60, GOOD_S / 3])
            if rng.random() < 0.8:
                something_happens(table, rng, now)

    def test_a_table_whose_changes_are_not_told_is_found_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The oracle is no formality."""
        table = table_of(random.Random(1))
        leaving = next(iter(table))
        table.good_nodes.compact(leaving.id, NOW)
        monkeypatch.setattr(GoodNodes, "changed", lambda *arguments: None)
        table.remove_contact(leaving)
        assert table.good_nodes.compact(leaving.id, NOW) != expected(table, leaving.id, NOW)


class TestRemembering:
    def test_targets_of_one_cell_cost_one_search(self) -> None:
        rng = random.Random(2)
        table = table_of(rng)
        for target in (bytes(table.own_id[:4]), bytes([table.own_id[0] ^ 0x80, 0x10, 0, 0])):
            searches = table.searches
            for _ in range(20):
                table.good_nodes.compact(target + rng.randbytes(16), NOW)
            assert table.searches == searches + 1

    def test_there_are_no_more_cells_than_that(self) -> None:
        rng = random.Random(3)
        table = table_of(rng)
        for _ in range(30_000):
            table.good_nodes.compact(rng.randbytes(20), NOW)
        assert table.searches <= 1 << CELL_BITS

    def test_a_change_near_us_leaves_most_cells_alone(self) -> None:
        rng = random.Random(4)
        table = table_of(rng)
        targets = [rng.randbytes(20) for _ in range(1000)]
        for target in targets:
            table.good_nodes.compact(target, NOW)
        table.remove_contact(
            next(iter(table.buckets[table.get_bucket_for(table.node)].nodes.values()))
        )
        searches = table.searches
        for target in targets:
            table.good_nodes.compact(target, NOW)
        assert table.searches - searches < 100

    def test_it_ends_when_a_node_is_no_longer_good(self) -> None:
        table = table_of(random.Random(5))
        target = bytes(20)
        assert table.good_nodes.compact(target, NOW)
        assert table.good_nodes.compact(target, NOW + GOOD_S) == b""

    def test_a_neighbourhood_that_shares_a_cell_is_sorted_for_each_target(self) -> None:
        own = NodeId(random.Random(6).randbytes(20))
        table = RoutingTable(own, PUBLIC, NOW)
        for index in range(30):
            table.replied(node_id(int.from_bytes(own, "big") ^ 1 << index), address(index), NOW, 1)
        for index in range(100):
            target = bytes(own[:18]) + index.to_bytes(2, "big")
            assert table.good_nodes.compact(target, NOW) == expected(table, target, NOW)
