"""Who answered lately, and soon, begins a search (BEP 5, Routing Table)."""

import random

from hypothesis import given
from hypothesis import strategies as st

from torrentd.dht.near_nodes import CELL_BITS, FORGOTTEN_S, PER_CELL_MAX, NearNodes
from torrentd.dht.node_id import NodeId, distance, node_id_for, random_node_id
from torrentd.wire.formats.address import Address, network_key

RNG = random.Random(5)


def node(number: int) -> tuple[NodeId, Address]:
    """One of a network of its own."""
    address = Address(f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}.9", 6881)
    return node_id_for(address.host, RNG), address


def nodes_of_cell(first_byte: int, count: int) -> list[tuple[NodeId, Address]]:
    found: list[tuple[NodeId, Address]] = []
    number = 0
    while len(found) < count:
        node_id, address = node(number)
        if node_id[0] >> 8 - CELL_BITS == first_byte >> 8 - CELL_BITS:
            found.append((node_id, address))
        number += 1
    return found


def addresses(near: NearNodes) -> set[Address]:
    return {each.address for each in near}


class TestWhoIsKept:
    def test_the_slowest_makes_room_for_one_that_is_faster(self) -> None:
        near = NearNodes()
        nodes = nodes_of_cell(0x40, PER_CELL_MAX + 2)
        for place, (node_id, address) in enumerate(nodes[:PER_CELL_MAX]):
            near.heard(node_id, address, 0.1 + place / 1000, 0.0)
        near.heard(*nodes[-2], 0.5, 1.0)
        assert addresses(near) == {address for _, address in nodes[:PER_CELL_MAX]}
        near.heard(*nodes[-1], 0.01, 1.0)
        assert nodes[-1][1] in addresses(near)
        assert nodes[PER_CELL_MAX - 1][1] not in addresses(near)

    def test_whom_we_have_not_heard_of_for_hours_makes_room_for_anyone(self) -> None:
        near = NearNodes()
        nodes = nodes_of_cell(0x40, PER_CELL_MAX + 1)
        for node_id, address in nodes[:-1]:
            near.heard(node_id, address, 0.02, 0.0)
        for node_id, address in nodes[1:-1]:
            near.heard(node_id, address, 0.02, FORGOTTEN_S)
        near.heard(*nodes[-1], 2.0, FORGOTTEN_S + 1)
        assert addresses(near) == {address for _, address in nodes[1:]}

    def test_one_of_a_network(self) -> None:
        near = NearNodes()
        for last in (1, 2, 3):
            host = f"93.7.7.{last}"
            near.heard(node_id_for(host, RNG), Address(host, 6881), 0.05, 0.0)
        assert addresses(near) == {Address("93.7.7.1", 6881)}

    def test_nobody_whose_id_does_not_follow_bep_42(self) -> None:
        near = NearNodes()
        near.heard(random_node_id(RNG), Address("93.7.7.1", 6881), 0.01, 0.0)
        assert len(near) == 0

    def test_an_address_that_changes_its_id_is_forgotten(self) -> None:
        near = NearNodes()
        node_id, address = node(1)
        near.heard(node_id, address, 0.05, 0.0)
        near.heard(node_id_for(address.host, RNG), address, 0.05, 1.0)
        assert len(near) == 0

    def test_who_leaves_a_query_unanswered_is_forgotten_and_no_neighbour_of_his(self) -> None:
        near = NearNodes()
        node_id, address = node(1)
        near.heard(node_id, address, 0.05, 0.0)
        near.failed(address._replace(port=1))
        assert len(near) == 1
        near.failed(address)
        assert len(near) == 0

    def test_the_round_trip_is_a_mean_in_which_the_last_one_has_three_tenths(self) -> None:
        near = NearNodes()
        node_id, address = node(1)
        near.heard(node_id, address, 0.1, 0.0)
        near.heard(node_id, address, 0.2, 1.0)
        assert [round(each.rtt_s, 3) for each in near] == [0.13]


class TestWhoIsAround:
    @given(seed=st.integers(0, 2**32), known=st.integers(0, 600), count=st.integers(1, 80))
    def test_nobody_else_is_closer(self, seed: int, known: int, count: int) -> None:
        """All that share some first bits: whoever is left out is farther than each of them."""
        rng = random.Random(seed)
        near = NearNodes()
        for number in rng.sample(range(100_000), known):
            node_id, address = node(number)
            near.heard(node_id, address, rng.random(), 0.0)
        target = rng.randbytes(20)
        found = near.around(target, count, 1.0)
        assert len(found) >= min(count, len(near))
        chosen = {each.address for each in found}
        left_out = [each for each in near if each.address not in chosen]
        farthest = max((distance(each.node_id, target) for each in found), default=0)
        assert all(distance(each.node_id, target) > farthest for each in left_out)

    def test_who_was_not_heard_of_for_hours_is_left_out(self) -> None:
        near = NearNodes()
        for number in range(10):
            near.heard(*node(number), 0.05, 100.0 * number)
        assert len(near.around(bytes(20), 10, FORGOTTEN_S)) == 9

    def test_a_sleep_of_the_machine_counts(self) -> None:
        near = NearNodes()
        near.heard(*node(1), 0.05, 0.0)
        near.age(FORGOTTEN_S)
        assert near.around(bytes(20), 10, 1.0) == []


def test_there_is_an_end_to_them() -> None:
    near = NearNodes()
    for number in range(6000):
        near.heard(*node(number), RNG.random(), 0.0)
    assert len(near) == PER_CELL_MAX << CELL_BITS
    assert len({network_key(each.address.host) for each in near}) == len(near)
