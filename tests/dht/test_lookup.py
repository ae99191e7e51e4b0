"""One lookup (BEP 5, Overview; BEP 42, Enforcement; D4, D11, T28)."""

import random

from tests.dht.makers import LOCAL, NOW, PUBLIC, address, node_id
from torrentd.dht.candidate import SOFT_TIMEOUT_S, Candidate, State
from torrentd.dht.lookup import (
    LOOKUP_S,
    MISFITS_MAX,
    NEIGHBOURS_MAX,
    NODES_PER_REPLY,
    PATIENCE_S,
    QUERIES_MAX,
    WINDOW,
    WINDOW_WITH_PEERS,
    Lookup,
)
from torrentd.dht.node_id import NodeId, distance, node_id_for, random_node_id
from torrentd.wire.formats.address import Address

TARGET = node_id(0)


def make(*, wants_peers: bool = True) -> Lookup:
    return Lookup(TARGET, "ipv4", PUBLIC, wants_peers=wants_peers)


def fitting(index: int, rng: random.Random) -> tuple[NodeId, Address]:
    where = address(index)
    return node_id_for(where.host, rng), where


def near(index: int, rng: random.Random, *, zero_bits: int) -> tuple[NodeId, Address]:
    """A node that many addresses were tried for: its id fits and begins with zeros."""
    while True:
        where = Address(f"{30 + index}.{rng.randrange(250)}.{rng.randrange(250)}.1", 6881)
        who = node_id_for(where.host, rng)
        if distance(who, TARGET) >> (160 - zero_bits) == 0:
            return who, where


def offer(lookup: Lookup, count: int, start: int = 0) -> None:
    rng = random.Random(start)
    for index in range(start, start + count):
        who, where = fitting(index, rng)
        assert lookup.offer(where, who)


def answer(lookup: Lookup, candidate: Candidate, nodes: list[tuple[NodeId, Address]]) -> None:
    assert candidate.node_id is not None
    lookup.answered(candidate, candidate.node_id, nodes, b"token")


class TestOverview:
    def test_the_closest_are_asked_first_and_six_at_once(self) -> None:
        lookup = make()
        offer(lookup, 30)
        asked = lookup.next_queries(NOW)
        distances = [candidate.distance for candidate in asked]
        assert len(asked) == WINDOW and distances == sorted(distances)
        assert lookup.next_queries(NOW) == []

    def test_who_is_named_nearer_is_asked_at_once_whoever_else_is_awaited(
        self,
    ) -> None:
        lookup, rng = make(), random.Random(3)
        offer(lookup, 30)
        first = lookup.next_queries(NOW)
        nearer = [near(100 + index, rng, zero_bits=9) for index in range(8)]
        answer(lookup, first[0], nearer)
        asked = {candidate.address for candidate in lookup.next_queries(NOW)}
        assert asked == {where for _, where in nearer}

    def test_once_peers_are_found_one_at_a_time_is_enough(self) -> None:
        """Downloading begins; what is left is to learn who is closest, for the announce."""
        lookup = make()
        offer(lookup, 30)
        first = lookup.next_queries(NOW)
        lookup.has_peers = True
        for candidate in first:
            lookup.failed(candidate)
        answer(lookup, first[0], [])
        assert len(lookup.next_queries(NOW)) == WINDOW_WITH_PEERS
        assert not lookup.is_finished(NOW)

    def test_once_peers_are_found_slow_nodes_are_waited_for(self) -> None:
        lookup = make()
        offer(lookup, 30)
        lookup.has_peers = True
        lookup.next_queries(NOW)
        assert lookup.next_deadline() == NOW + PATIENCE_S

    def test_a_silent_node_frees_its_place_and_its_late_answer_counts(self) -> None:
        lookup = make()
        offer(lookup, 2 * WINDOW)
        first = lookup.next_queries(NOW)
        assert lookup.next_deadline() == NOW + SOFT_TIMEOUT_S
        lookup.tick(NOW + SOFT_TIMEOUT_S)
        assert len(lookup.next_queries(NOW + SOFT_TIMEOUT_S)) == WINDOW
        answer(lookup, first[0], [])
        lookup.failed(first[1])
        answer(lookup, first[1], [])  # even after the hard time-out
        assert lookup.responses == 2 and first[1] in lookup.closest()

    def test_a_node_known_to_be_fast_is_given_less_time(self) -> None:
        lookup, rng = make(), random.Random(1)
        for index, rtt_s in enumerate((0.01, 0.15, 2.0, None)):
            who, where = fitting(index, rng)
            lookup.offer(where, who, rtt_s=rtt_s)
        waits = {c.address: c.deadline - NOW for c in lookup.next_queries(NOW)}
        assert [round(waits[address(index)], 3) for index in range(4)] == [0.1, 0.3, 0.5, 0.5]

    def test_it_ends_when_the_eight_closest_have_answered(self) -> None:
        lookup = make()
        offer(lookup, 30)
        while not lookup.is_finished(NOW):
            for candidate in lookup.next_queries(NOW):
                answer(lookup, candidate, [])
        assert lookup.queries == WINDOW
        truth = sorted(
            distance(fitting(i, rng)[0], TARGET) for rng in [random.Random(0)] for i in range(30)
        )
        assert [c.distance for c in lookup.closest()] == truth[:8]

    def test_closer_nodes_in_answers_are_asked(self) -> None:
        lookup, rng = make(), random.Random(1)
        who, where = fitting(1, rng)
        lookup.offer(where, who)
        [first] = lookup.next_queries(NOW)
        answer(lookup, first, [fitting(index, rng) for index in range(10, 15)])
        assert {c.address for c in lookup.next_queries(NOW)} == {address(i) for i in range(10, 15)}

    def test_nobody_to_ask_is_waiting_and_not_the_end(self) -> None:
        lookup = make()
        assert lookup.next_queries(NOW) == [] and lookup.is_waiting
        assert not lookup.is_finished(NOW + 3600) and lookup.next_deadline() is None
        offer(lookup, 1)
        assert lookup.next_queries(NOW + 3600)

    def test_when_everyone_failed_a_search_hopes_on_and_upkeep_gives_up(self) -> None:
        for wants_peers in (True, False):
            lookup = make(wants_peers=wants_peers)
            offer(lookup, 3)
            for candidate in lookup.next_queries(NOW):
                lookup.failed(candidate)
            assert lookup.is_finished(NOW + 5) is not wants_peers
            assert lookup.is_finished(NOW + LOOKUP_S)

    def test_it_ends_after_60_seconds(self) -> None:
        lookup = make()
        offer(lookup, 20)
        lookup.next_queries(NOW)
        assert not lookup.is_finished(NOW + LOOKUP_S - 1)
        assert lookup.is_finished(NOW + LOOKUP_S) and not lookup.next_queries(NOW + LOOKUP_S)


class TestSeeds:
    def test_seeds_are_asked_at_once_beyond_the_window_and_again_each_second(self) -> None:
        lookup = make(wants_peers=False)
        for index in range(12):
            lookup.offer(address(index), None)
        assert len(lookup.next_queries(NOW)) == 12
        for second in (1.0, 2.0):
            lookup.tick(NOW + second)
            assert len(lookup.next_queries(NOW + second)) == 12
        lookup.tick(NOW + 3)
        assert not lookup.next_queries(NOW + 3)
        assert lookup.queries == 36

    def test_a_seed_that_was_asked_again_fails_only_when_every_query_did(self) -> None:
        lookup = make(wants_peers=False)
        lookup.offer(address(1), None)
        [seed] = lookup.next_queries(NOW)
        lookup.tick(NOW + 1)
        assert lookup.next_queries(NOW + 1) == [seed]
        lookup.failed(seed)
        assert seed.state is State.ASKED
        lookup.answered(seed, node_id(5), [], None)
        assert lookup.closest() == [] or lookup.closest()[0].node_id == node_id(5)

    def test_whom_a_seed_named_is_asked_whoever_else_is_closer(self) -> None:
        """Liars close by are all of one mind, and first to answer."""
        rng = random.Random(1)
        lookup = Lookup(TARGET, "ipv4", PUBLIC, wants_peers=False, hears_everybody=True)
        for index in range(3):
            lookup.offer(address(index), None)
        liars = [near(index, rng, zero_bits=6) for index in range(1, 20)]
        honest = [fitting(index, rng) for index in range(20, 41)]
        for index, seed in enumerate(lookup.next_queries(NOW)):
            named = [liars[index], *honest[7 * index : 7 * index + 7]]
            lookup.answered(seed, random_node_id(rng), named, None)
        asked: set[Address] = set()
        while not lookup.is_finished(NOW):
            for candidate in lookup.next_queries(NOW):
                asked.add(candidate.address)
                is_liar = candidate.address in [where for _, where in liars]
                answer(lookup, candidate, liars if is_liar else [])
        assert asked >= {where for _, where in honest}

    def test_a_failed_seed_that_is_given_again_is_asked_again(self) -> None:
        lookup = make(wants_peers=False)
        lookup.offer(address(1), None)
        [seed] = lookup.next_queries(NOW)
        lookup.failed(seed)
        assert lookup.offer(address(1), None)
        assert lookup.next_queries(NOW + 5) == [seed]


class TestLies:
    """A node answers anything; nothing of it may cost more than its due."""

    def test_endless_closer_nodes_end_at_100_queries(self) -> None:
        """On one machine every id fits, so that nothing else stops them."""
        lookup, port, now = Lookup(TARGET, "ipv4", LOCAL, wants_peers=True), 1, NOW
        lookup.offer(Address("127.0.0.1", port), node_id(2**159))
        while not lookup.is_finished(now):
            for candidate in lookup.next_queries(now):
                closer = []
                for index in range(20):
                    port += 1
                    fake = node_id(candidate.distance * 9 // 10 - index)
                    closer.append((fake, Address("127.0.0.1", port)))
                answer(lookup, candidate, closer)
            now += 0.1
        assert lookup.queries == 100 == QUERIES_MAX and now < NOW + LOOKUP_S

    def test_ids_that_do_not_fit_get_only_a_share_and_never_end_it(self) -> None:
        """BEP 42: "must not be considered to have sent a valid response when checking the
        termination condition"."""
        lookup = make()
        for index in range(1000, 1200):
            assert lookup.offer(address(index), node_id(index))
        offer(lookup, 8)
        misfits = 0
        while not lookup.is_finished(NOW):
            for candidate in lookup.next_queries(NOW):
                misfits += not candidate.fits_host
                answer(lookup, candidate, [])
        assert misfits == MISFITS_MAX
        assert sum(c.fits_host for c in lookup.closest()) == 8

    def test_an_answer_adds_at_most_eight_nodes_the_closest(self) -> None:
        lookup, rng = make(), random.Random(3)
        offer(lookup, 1)
        [first] = lookup.next_queries(NOW)
        named = [fitting(index, rng) for index in range(10, 30)]
        answer(lookup, first, named)
        asked: list[Candidate] = []
        while batch := lookup.next_queries(NOW):
            asked += batch
            for candidate in batch:
                lookup.failed(candidate)
        closest = sorted(named, key=lambda node: distance(node[0], TARGET))[:NODES_PER_REPLY]
        assert [(c.node_id, c.address) for c in asked] == closest

    def test_the_same_node_eight_times_is_asked_once(self) -> None:
        lookup, rng = make(), random.Random(4)
        offer(lookup, 1)
        [first] = lookup.next_queries(NOW)
        answer(lookup, first, [fitting(9, rng)] * 8)
        assert len(lookup.next_queries(NOW)) == 1

    def test_of_a_network_one_node_is_asked_and_few_are_kept(self) -> None:
        lookup = make()
        taken = [lookup.offer(Address(f"30.1.1.{i}", 6881), node_id(i)) for i in range(1, 65)]
        assert taken.count(True) == NEIGHBOURS_MAX
        [first] = lookup.next_queries(NOW)
        answer(lookup, first, [])
        assert lookup.next_queries(NOW) == [] and lookup.is_finished(NOW)
        assert not lookup.offer(Address("30.1.1.99", 6881), node_id(99))

    def test_a_neighbour_is_asked_when_the_first_is_silent(self) -> None:
        lookup = make()
        for number in (1, 2):
            lookup.offer(Address(f"30.1.1.{number}", 6881), node_id(number))
        [first] = lookup.next_queries(NOW)
        lookup.tick(NOW + SOFT_TIMEOUT_S)
        [second] = lookup.next_queries(NOW + SOFT_TIMEOUT_S)
        answer(lookup, second, [])
        answer(lookup, first, [fitting(5, random.Random(1))])  # late: the other one counts
        assert lookup.closest() == [second] and first.state is State.FAILED
        assert lookup.is_finished(NOW + SOFT_TIMEOUT_S)

    def test_dead_nodes_named_beside_an_honest_one_do_not_keep_it_out(self) -> None:
        lookup, rng = make(), random.Random(8)
        honest = Address("30.1.1.1", 6881)
        for index in range(2, 30):
            lookup.offer(Address(f"30.1.1.{index}", 6881), node_id(index))
        assert lookup.offer(honest, node_id_for(honest.host, rng))  # BEP 42 counts for more
        asked: list[Candidate] = []
        now = NOW
        while honest not in {c.address for c in asked}:
            asked += lookup.next_queries(now)
            now += SOFT_TIMEOUT_S
            lookup.tick(now)
        assert len(asked) <= NEIGHBOURS_MAX

    def test_an_address_named_under_a_false_id_is_asked_and_has_the_id_it_tells(self) -> None:
        lookup, rng = make(), random.Random(8)
        honest, true_id = Address("30.1.1.1", 6881), node_id_for("30.1.1.1", rng)
        lookup.offer(honest, node_id(1))
        [candidate] = lookup.next_queries(NOW)
        lookup.answered(candidate, true_id, [], b"token")
        assert lookup.closest() == [candidate]
        assert candidate.node_id == true_id and candidate.fits_host
        assert candidate.distance == distance(true_id, TARGET)

    def test_of_two_ids_said_of_an_address_the_better_is_believed(self) -> None:
        lookup, rng = make(), random.Random(8)
        true_id = node_id_for("30.1.1.1", rng)
        where = Address("30.1.1.1", 6881)
        assert lookup.offer(where, node_id(1)) and lookup.offer(where, true_id)
        assert not lookup.offer(where, node_id(2)) and not lookup.offer(where, true_id)
        assert [c.node_id for c in lookup.next_queries(NOW)] == [true_id]

    def test_a_machine_with_many_nodes_in_a_local_network(self) -> None:
        lookup = Lookup(TARGET, "ipv4", LOCAL, wants_peers=True)
        assert all(lookup.offer(Address("127.0.0.1", port), node_id(port)) for port in range(1, 9))

    def test_who_names_only_dead_nodes_is_believed_last(self) -> None:
        lookup, rng = make(), random.Random(5)
        offer(lookup, 2)
        liar, honest = lookup.next_queries(NOW)
        dead = [(node_id(2 + index), address(50 + index)) for index in range(8)]
        answer(lookup, liar, dead)
        first = lookup.next_queries(NOW)
        for candidate in first[:4]:
            lookup.failed(candidate)
        answer(lookup, honest, [fitting(200 + index, rng) for index in range(4)])
        lookup.tick(NOW + 1)
        later = lookup.next_queries(NOW + 1)
        assert [c.source for c in later[:4]] == [honest] * 4

    def test_eight_fast_liars_do_not_end_it_before_the_honest_were_heard(self) -> None:
        """They name each other, closer than anyone; whom the slow ones name is still asked."""
        lookup, rng = make(), random.Random(9)
        for index in (1, 2):
            lookup.offer(address(index), node_id_for(address(index).host, rng))
        liar, honest = lookup.next_queries(NOW)
        liars = [near(index, rng, zero_bits=8) for index in range(100, 108)]
        answer(lookup, liar, liars)
        while fast := lookup.next_queries(NOW):
            for candidate in fast:
                answer(lookup, candidate, liars)
        assert len(lookup.closest()) == 8 and not lookup.is_finished(NOW)
        named = near(50, rng, zero_bits=4)
        answer(lookup, honest, [named])
        assert [c.address for c in lookup.next_queries(NOW)] == [named[1]]
        assert not lookup.is_finished(NOW)

    def test_a_node_that_answers_under_another_id_has_failed(self) -> None:
        lookup = make()
        offer(lookup, 1)
        [first] = lookup.next_queries(NOW)
        lookup.failed(first, wrong_id=True)
        assert first.state is State.FAILED and lookup.closest() == []


class TestEnforcement:
    def test_nodes_whose_id_fits_are_announced_to_first(self) -> None:
        lookup = make()
        for index in range(300, 310):
            lookup.offer(address(index), node_id(index))
        offer(lookup, 5)
        while not lookup.is_finished(NOW):
            for candidate in lookup.next_queries(NOW):
                answer(lookup, candidate, [])
        closest = lookup.closest()
        assert [c.fits_host for c in closest] == [True] * 5 + [False] * 3


def test_a_query_that_could_not_be_sent_comes_again() -> None:
    lookup = make()
    offer(lookup, 3)
    asked = lookup.next_queries(NOW)
    lookup.not_sent(asked[0])
    assert lookup.queries == 2
    assert lookup.next_queries(NOW) == [asked[0]]


def test_when_it_is_over_nothing_is_asked() -> None:
    lookup = make()
    offer(lookup, 20)
    [first, *_] = lookup.next_queries(NOW)
    lookup.is_over = True
    answer(lookup, first, [])
    assert lookup.next_queries(NOW + 1) == [] and lookup.next_deadline() is None
    assert not lookup.is_hungry


def test_candidates_stay_in_order_through_any_history() -> None:
    rng = random.Random(6)
    for _ in range(30):
        lookup, now = make(), NOW
        offer(lookup, 10, start=rng.randrange(100))
        open_ones: list[Candidate] = []
        for index in range(200):
            now += rng.random() / 5
            lookup.tick(now)
            open_ones += lookup.next_queries(now)
            if not open_ones:
                break
            candidate = open_ones.pop(rng.randrange(len(open_ones)))
            if rng.random() < 0.5:
                named = [(random_node_id(rng), address(200 + index * 3 + i)) for i in range(3)]
                answer(lookup, candidate, named)
            else:
                lookup.failed(candidate)
            distances = [c.distance for c in lookup.closest() if c.fits_host]
            assert distances == sorted(distances)
        assert lookup.queries <= QUERIES_MAX
