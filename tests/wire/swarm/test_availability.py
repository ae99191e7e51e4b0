"""Counts of peers by piece, against a list of numbers (BEP 3, rarest first)."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.wire.swarm.stand_ins import stand_in
from torrentd.wire.swarm.availability import Availability
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import indices

SIZE = 40
MASKS = st.lists(st.integers(0, (1 << SIZE) - 1), max_size=20)


class Naive:
    """What `Availability` promises, a piece at a time."""

    def __init__(self, peers: list[Peer]) -> None:
        self.counts = [sum(peer.mask >> i & 1 for peer in peers) for i in range(SIZE)]

    def rarest(self, mask: int) -> int:
        pieces = list(indices(mask))
        least = min((self.counts[i] for i in pieces), default=0)
        return sum(1 << i for i in pieces if self.counts[i] == least)

    def held(self, mask: int) -> int:
        return sum(1 << i for i in indices(mask) if self.counts[i])


def check(availability: Availability, peers: list[Peer], rng: random.Random) -> None:
    naive = Naive(peers)
    assert [availability.count(i) for i in range(SIZE)] == naive.counts
    for _ in range(5):
        mask = rng.getrandbits(SIZE)
        assert availability.rarest(mask) == naive.rarest(mask)
        assert availability.held(mask) == naive.held(mask)


@given(MASKS, st.integers(0, 2**32))
def test_counts_and_choices_are_those_of_a_naive_count(masks: list[int], seed: int) -> None:
    rng = random.Random(seed)
    availability = Availability(SIZE)
    peers = []
    for number, mask in enumerate(masks):
        peer = stand_in(number)
        peer.mask = mask if rng.random() < 0.8 else (1 << SIZE) - 1
        availability.count_peer(peer)
        peers.append(peer)
    check(availability, peers, rng)
    for peer in peers:
        for piece_index in rng.sample(range(SIZE), 5):
            if not peer.mask >> piece_index & 1:
                peer.mask |= 1 << piece_index
                availability.count_piece(peer, piece_index)
    check(availability, peers, rng)
    for peer in peers:
        for piece_index in rng.sample(range(SIZE), 5):
            if peer.mask >> piece_index & 1:
                peer.mask &= ~(1 << piece_index)
                availability.lost_piece(peer, piece_index)
    check(availability, peers, rng)
    while peers:
        availability.leave(peers.pop(rng.randrange(len(peers))))
        check(availability, peers, rng)


def test_a_bitfield_that_comes_again_replaces_the_first() -> None:
    availability = Availability(3)
    peer = stand_in(1, 0, 1)
    availability.count_peer(peer)
    peer.mask = 0b100
    availability.count_peer(peer)
    assert [availability.count(i) for i in range(3)] == [0, 0, 1]


def test_who_never_came_may_leave() -> None:
    Availability(3).leave(stand_in(1, 0))


def test_a_hundred_thousand_pieces_cost_no_walk() -> None:
    """Sixty bitfields of 100,000 pieces: what a walk over pieces would take seconds for."""
    rng = random.Random(1)
    availability = Availability(100_000)
    for number in range(60):
        peer = stand_in(number)
        peer.mask = rng.getrandbits(100_000)
        availability.count_peer(peer)
    rarest = availability.rarest((1 << 100_000) - 1)
    least = min(availability.count(i) for i in range(0, 100_000, 50))
    assert availability.count(next(indices(rarest))) <= least
