"""Which blocks are asked of whom, against a naive rarest-first (BEP 3, 6)."""

import random
from collections import Counter

import pytest

from tests.wire.swarm.stand_ins import seed, stand_in
from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.swarm.buffer_pool import BufferPool
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.picker import RANDOM_PIECES, Picker
from torrentd.wire.swarm.piece_mask import full_mask, indices
from torrentd.wire.swarm.wish import Order

GEOMETRY = Geometry(40_000, 1_181_000)  # 30 pieces of three blocks, the last one of two
COUNT = GEOMETRY.piece_count
ALL = full_mask(COUNT)


def picker_of(
    *,
    had: int = 0,
    wanted: int = ALL,
    ranks: tuple[int, ...] = (),
    sequential: bool = False,
    memory: int = 1 << 30,
    rng_seed: int = 1,
) -> Picker:
    order = Order(wanted, ranks or (wanted,), sequential)
    return Picker(GEOMETRY, had, order, BufferPool(memory).share(), random.Random(rng_seed))


def order_of_all(piece_count: int) -> Order:
    return Order(full_mask(piece_count), (full_mask(piece_count),), sequential=False)


def join(picker: Picker, *peers: Peer, verified: int = 1) -> None:
    for peer in peers:
        peer.verified = verified
        picker.join(peer)


def receive(picker: Picker, peer: Peer, blocks: list[BlockRef], fill: bytes = b"x") -> list[int]:
    """The blocks come; the pieces that are full."""
    full = []
    for block in blocks:
        assembly = picker.assemblies.get(block.piece_index)
        if assembly is None:
            continue
        assembly.receive(block.begin, memoryview(fill * block.length), peer)
        if assembly.is_full:
            picker.filled(assembly)
            full.append(block.piece_index)
    return full


def fetch(picker: Picker, peer: Peer, count: int) -> list[int]:
    """Whole pieces from one peer, stored; which."""
    pieces: list[int] = []
    while len(pieces) < count:
        for piece_index in receive(picker, peer, picker.pick(peer, 3)):
            picker.stored(piece_index)
            pieces.append(piece_index)
    return pieces


class TestOrder:
    def test_the_first_pieces_are_random(self) -> None:
        """A newcomer must not wait for the rarest piece of the one slow peer that has it."""
        firsts: Counter[int] = Counter()
        for rng_seed in range(30):
            picker = picker_of(rng_seed=rng_seed)
            common = seed(1, GEOMETRY)
            join(picker, common, *(stand_in(n, *range(1, COUNT)) for n in range(2, 8)))
            firsts.update(fetch(picker, common, RANDOM_PIECES))
        assert firsts[0] < 15, "the rarest had no precedence"
        assert len(firsts) > 20

    def test_then_the_rarest_comes_first(self) -> None:
        picker = picker_of(had=0b1111)
        giver = seed(1, GEOMETRY)
        join(picker, giver, stand_in(2, *range(10)), stand_in(3, *range(20)))
        order = fetch(picker, giver, COUNT - 4)
        assert set(order[:10]) == set(range(20, COUNT))
        assert set(order[10:20]) == set(range(10, 20))
        assert set(order[20:]) == set(range(4, 10))

    def test_among_equals_the_choice_is_random(self) -> None:
        orders = set()
        for rng_seed in range(10):
            picker, peer = picker_of(rng_seed=rng_seed), seed(1, GEOMETRY)
            join(picker, peer)
            orders.add(tuple(fetch(picker, peer, 5)))
        assert len(orders) == 10

    def test_a_piece_begun_is_finished_before_another_begins(self) -> None:
        picker = picker_of()
        one, two = seed(1, GEOMETRY), seed(2, GEOMETRY)
        join(picker, one, two)
        (first,) = picker.pick(one, 1)
        rest = picker.pick(two, 3)
        assert [block.piece_index for block in rest[:2]] == [first.piece_index] * 2
        assert rest[2].piece_index != first.piece_index
        assert len(picker.assemblies) == 2

    @pytest.mark.parametrize(("memory", "begins"), [(80_000, True), (79_999, False)])
    def test_a_seed_is_asked_for_what_only_it_has_before_a_common_piece_is_finished(
        self, memory: int, begins: bool
    ) -> None:
        """Else the one seed of a swarm spends its upload on pieces that everybody has; but begun
        pieces are memory, and when there is none left they are finished."""
        picker = picker_of(had=0b1111, memory=memory)
        giver, leecher = seed(1, GEOMETRY), stand_in(2, *range(20))
        join(picker, giver, leecher)
        (first,) = picker.pick(leecher, 1)
        picker.lost([first], leecher)
        (block, *_) = picker.pick(giver, 1)
        assert (block.piece_index >= 20) is begins

    def test_higher_ranks_come_first_and_the_rarest_first_within_each(self) -> None:
        high, usual = 0b11 << 8 | 0b11 << 20, ALL & ~(0b1111 << 26)
        picker = picker_of(had=0b1111, ranks=(high, usual, ALL))
        giver = seed(1, GEOMETRY)
        join(picker, giver, stand_in(2, *range(15), 27), stand_in(3, *range(15), 27))
        order = fetch(picker, giver, COUNT - 4)
        assert set(order[:2]) == {20, 21} and set(order[2:4]) == {8, 9}
        assert set(order[4:13]) == {*range(15, 26)} - {20, 21}, "the rarest of the usual ones"
        assert set(order[13:22]) == {*range(4, 15)} - {8, 9}
        assert set(order[22:25]) == {26, 28, 29} and order[25] == 27

    def test_in_sequence_pieces_come_one_after_the_other_from_whomever(self) -> None:
        picker = picker_of(ranks=(1 << (COUNT - 1), ALL), sequential=True)
        one, two = seed(1, GEOMETRY), seed(2, GEOMETRY)
        join(picker, one, two, stand_in(3, *range(20)))
        assert fetch(picker, one, 5) == [COUNT - 1, 0, 1, 2, 3]
        (begun,) = picker.pick(one, 1)
        assert begun.piece_index == 4
        assert [block.piece_index for block in picker.pick(two, 2)] == [4, 5], "it helps first"

    def test_another_order_counts_for_what_is_asked_next(self) -> None:
        picker = picker_of(had=0b1111)
        peer = seed(1, GEOMETRY)
        join(picker, peer)
        (begun,) = picker.pick(peer, 1)
        rank = 1 << 7 | 1 << 9
        assert picker.change_order(Order(ALL, (rank, ALL), sequential=False)) == []
        pieces = [block.piece_index for block in picker.pick(peer, 8)]
        assert pieces[:2] == [begun.piece_index] * 2, "what was begun is finished"
        assert set(pieces[2:]) == {7, 9}
        picker.check()

    def test_a_piece_that_only_one_has_is_not_asked_of_another(self) -> None:
        picker = picker_of()
        peer = stand_in(1, 3, 7)
        join(picker, peer, seed(2, GEOMETRY))
        blocks = picker.pick(peer, 100)
        assert {block.piece_index for block in blocks} == {3, 7}
        assert len(blocks) == 6

    def test_only_wanted_pieces_are_asked_for(self) -> None:
        picker = picker_of(wanted=0b1010)
        peer = seed(1, GEOMETRY)
        join(picker, peer)
        assert {block.piece_index for block in picker.pick(peer, 100)} == {1, 3}

    def test_the_last_piece_and_the_odd_block_are_asked_for_in_their_size(self) -> None:
        picker = picker_of(wanted=1 << COUNT - 1)
        peer = seed(1, GEOMETRY)
        join(picker, peer)
        assert picker.pick(peer, 9) == [BlockRef(29, 0, 16384), BlockRef(29, 16384, 4616)]

    def test_while_choked_only_allowed_fast_pieces_are_asked_for(self) -> None:
        """BEP 6: "If you ask for this piece, I'll give it to you even if you're choked"."""
        picker = picker_of()
        peer = stand_in(1, *range(COUNT), choking=True)
        join(picker, peer)
        assert picker.pick(peer, 9) == []
        peer.fast_mask = 1 << 5
        peer.starved_at = -1
        assert {block.piece_index for block in picker.pick(peer, 9)} == {5}

    def test_a_piece_that_the_peer_declined_is_not_asked_of_it(self) -> None:
        picker = picker_of(wanted=0b11)
        peer = seed(1, GEOMETRY)
        peer.declined = 0b01
        join(picker, peer)
        assert {block.piece_index for block in picker.pick(peer, 9)} == {1}


class TestTrust:
    """X4: ten thousand strangers who each spoil one block must not each spoil another's piece."""

    def test_a_stranger_gets_pieces_of_its_own(self) -> None:
        picker = picker_of()
        one, two = seed(1, GEOMETRY), seed(2, GEOMETRY)
        join(picker, one, two, verified=0)
        first, second = picker.pick(one, 1), picker.pick(two, 1)
        assert first[0].piece_index != second[0].piece_index
        assert picker.pick(one, 2) == GEOMETRY.blocks(first[0].piece_index)[1:]

    def test_who_is_trusted_leaves_a_strangers_piece_alone(self) -> None:
        picker = picker_of()
        stranger, friend = seed(1, GEOMETRY), seed(2, GEOMETRY)
        join(picker, stranger, verified=0)
        join(picker, friend)
        (first,) = picker.pick(stranger, 1)
        assert first.piece_index not in {b.piece_index for b in picker.pick(friend, 9)}

    def test_a_stored_piece_makes_a_friend(self) -> None:
        picker = picker_of()
        stranger = seed(1, GEOMETRY)
        join(picker, stranger, verified=0)
        fetch(picker, stranger, 1)
        assert stranger.verified == 1

    @pytest.mark.parametrize("event", ["leave", "lost", "stalled"])
    def test_a_piece_whose_owner_does_not_serve_is_everybodys(self, event: str) -> None:
        picker = picker_of(wanted=1)
        stranger, friend = seed(1, GEOMETRY), seed(2, GEOMETRY)
        join(picker, stranger, verified=0)
        blocks = picker.pick(stranger, 2)
        join(picker, friend)
        match event:
            case "leave":
                picker.leave(stranger)
            case "lost":
                picker.lost(blocks, stranger)
            case _:
                picker.stalled(stranger)
        expected = blocks[2:] + GEOMETRY.blocks(0)[2:] if event == "stalled" else None
        found = picker.pick(friend, 9)
        assert set(expected or GEOMETRY.blocks(0)) <= set(found)

    def test_strangers_share_when_memory_is_short(self) -> None:
        picker = picker_of(memory=40_000)
        one, two = seed(1, GEOMETRY), seed(2, GEOMETRY)
        join(picker, one, two, verified=0)
        (first,) = picker.pick(one, 1)
        assert [block.piece_index for block in picker.pick(two, 2)] == [first.piece_index] * 2


class TestEndgame:
    def fill(self, picker: Picker, peer: Peer) -> list[BlockRef]:
        return picker.pick(peer, 1000)

    def test_what_one_owes_is_asked_of_a_second_and_of_no_third(self) -> None:
        picker = picker_of(wanted=0b11)
        one, two, three = (seed(n, GEOMETRY) for n in range(3))
        join(picker, one, two, three)
        owed = self.fill(picker, one)
        assert len(owed) == 6
        assert picker.pick(two, 4) == owed[:4]
        assert picker.pick(three, 9) == owed[4:]
        assert picker.pick(one, 9) == []

    def test_not_while_a_block_is_left_that_somebody_has(self) -> None:
        picker = picker_of(wanted=0b11)
        one, two = seed(1, GEOMETRY), stand_in(2, 0)
        join(picker, one, two)
        picker.pick(one, 5)
        left = GEOMETRY.block_count(0) + GEOMETRY.block_count(1) - 5
        assert left == 1
        found = picker.pick(two, 9)
        assert len(found) <= left

    def test_a_piece_that_nobody_has_does_not_hold_up_the_end(self) -> None:
        """The trap of "stuck at 99 %": the rest is not had, and nobody here can give it."""
        picker = picker_of(wanted=0b111)
        one, two = stand_in(1, 0, 1), stand_in(2, 0, 1)
        join(picker, one, two)
        owed = self.fill(picker, one)
        assert picker.pick(two, 9) == owed

    def test_who_has_nothing_to_do_is_woken_when_the_end_begins(self) -> None:
        picker = picker_of(wanted=0b1)
        one, two = seed(1, GEOMETRY), stand_in(2)
        join(picker, one, two)
        two.mask = 1
        picker.pieces_changed(two)
        picker.freed = False
        self.fill(picker, one)
        assert picker.freed

    def test_alone_there_is_no_end(self) -> None:
        picker = picker_of(wanted=0b1)
        one = seed(1, GEOMETRY)
        join(picker, one)
        self.fill(picker, one)
        assert picker.pick(one, 9) == []


class TestParole:
    def spoil(self, picker: Picker, *peers: Peer) -> int:
        """A piece made by all of these fails; which."""
        (first,) = picker.pick(peers[0], 1)
        piece_index = first.piece_index
        receive(picker, peers[0], [first])
        for peer in peers[1:-1]:
            receive(picker, peer, picker.pick(peer, 1))
        taken = picker.assemblies[piece_index].take(9, peers[-1])
        assert taken == GEOMETRY.blocks(piece_index)[len(peers) - 1 :]
        assert receive(picker, peers[-1], taken) == [piece_index]
        assert picker.refused(piece_index, 0.0) == [], "nobody is accused yet"
        return piece_index

    def test_a_failed_piece_is_fetched_whole_from_a_peer_that_had_no_part_in_it(self) -> None:
        picker = picker_of()
        one, two, three = (seed(n, GEOMETRY) for n in range(3))
        join(picker, one, two, three)
        bad = self.spoil(picker, one, two)
        assert bad not in {b.piece_index for b in picker.pick(one, 1000)}
        blocks = picker.pick(three, 2)
        assert {block.piece_index for block in blocks} == {bad}
        assert picker.assemblies[bad].owner is three
        assert bad not in {b.piece_index for b in picker.pick(two, 1000)}

    def test_with_nobody_else_it_is_fetched_from_one_of_those(self) -> None:
        picker = picker_of(wanted=0b1)
        one, two = seed(1, GEOMETRY), seed(2, GEOMETRY)
        join(picker, one, two)
        self.spoil(picker, one, two)
        assert picker.pick(two, 9) == GEOMETRY.blocks(0)
        assert picker.pick(one, 9) == [], "not in the endgame either"

    def test_the_peer_on_parole_comes_back_to_what_it_lost(self) -> None:
        picker = picker_of()
        one, two, three = (seed(n, GEOMETRY) for n in range(3))
        join(picker, one, two, three)
        bad = self.spoil(picker, one, two)
        blocks = picker.pick(three, 3)
        assert {block.piece_index for block in blocks} == {bad}
        picker.pick(three, 3)  # it has moved on to another piece
        picker.lost(blocks[1:], three)
        assert set(picker.pick(three, 2)) == set(blocks[1:])

    @pytest.mark.parametrize("event", ["choke", "declined", "leave"])
    def test_one_that_does_not_serve_is_relieved_and_the_piece_begins_again(
        self, event: str
    ) -> None:
        picker = picker_of()
        one, two, three, four = (seed(n, GEOMETRY) for n in range(4))
        join(picker, one, two, three, four)
        bad = self.spoil(picker, one, two)
        blocks = picker.pick(three, 3)
        receive(picker, three, blocks[:1])
        match event:
            case "leave":
                picker.leave(three)
            case "choke":
                three.connection.peer_choking = True
                picker.lost(blocks[1:], three)
                picker.stalled(three)
            case _:
                three.declined = 1 << bad
                picker.lost(blocks[1:], three)
        assert set(picker.pick(four, 3)) == set(GEOMETRY.blocks(bad)), "whole"
        assert picker.assemblies[bad].owner is four
        picker.check()


class Model:
    """A picker under random traffic, watched by a naive one."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.picker = picker_of(memory=rng.choice([1 << 30, 200_000]), rng_seed=rng.getrandbits(9))
        self.peers: list[Peer] = []
        self.owed: dict[Peer, list[BlockRef]] = {}
        self.number = 0

    def counts(self) -> Counter[int]:
        return Counter(i for peer in self.peers for i in indices(peer.mask))

    def step(self) -> None:
        rng = self.rng
        if not self.peers or rng.random() < 0.05:
            self.number += 1
            pieces = rng.sample(range(COUNT), rng.randrange(COUNT + 1))
            peer = stand_in(self.number, *pieces)
            self.peers.append(peer)
            self.owed[peer] = []
            join(self.picker, peer, verified=rng.randrange(2))
            return
        peer = rng.choice(self.peers)
        match rng.randrange(12):
            case 0:
                self.peers.remove(peer)
                del self.owed[peer]
                self.picker.leave(peer)
            case 1 | 2:
                self.lose(peer)
            case 3:
                self.gain(peer)
            case 4 | 5 | 6 | 7:
                self.pick(peer)
            case _:
                self.deliver(peer)

    def lose(self, peer: Peer) -> None:
        lost = self.rng.sample(self.owed[peer], self.rng.randrange(len(self.owed[peer]) + 1))
        self.owed[peer] = [block for block in self.owed[peer] if block not in lost]
        self.picker.lost(lost, peer)

    def gain(self, peer: Peer) -> None:
        piece_index = self.rng.randrange(COUNT)
        if not peer.mask >> piece_index & 1:
            peer.mask |= 1 << piece_index
            self.picker.has_piece(peer, piece_index)

    def pick(self, peer: Peer) -> None:
        picker = self.picker
        before = dict(picker.assemblies)
        candidates = picker._candidates & peer.mask & ~picker._suspected
        requested = {block for blocks in self.owed.values() for block in blocks}
        few = picker.had.bit_count() < RANDOM_PIECES
        blocks = picker.pick(peer, self.rng.randrange(1, 8))
        begun = [i for i in picker.assemblies if i not in before]
        assert all(peer.mask >> block.piece_index & 1 for block in blocks)
        assert len(blocks) == len(set(blocks))
        if len(begun) == 1 and not few and not picker.assemblies[begun[0]].parole:
            counts = self.counts()
            assert counts[begun[0]] == min(counts[i] for i in indices(candidates))
        assert not set(blocks) & set(self.owed[peer])
        if any(block in requested for block in blocks):
            counts = self.counts()
            left = [a for a in picker.assemblies.values() if a.unrequested and not a.parole]
            assert not [a for a in left if counts[a.piece_index]], "the endgame came too early"
            assert not [i for i in indices(picker._candidates) if counts[i]]
        self.owed[peer] += blocks
        twice = Counter(block for owed in self.owed.values() for block in owed)
        assert max(twice.values(), default=0) <= 2

    def deliver(self, peer: Peer) -> None:
        rng, owed = self.rng, self.owed[peer]
        if not owed:
            return
        block = owed.pop(rng.randrange(len(owed)))
        assembly = self.picker.assemblies.get(block.piece_index)
        if assembly is None:
            return
        asked = assembly.receive(block.begin, memoryview(bytes(block.length)), peer)
        for other, cancelled in asked or ():
            assert cancelled == block
            if other is not peer:
                self.owed[other].remove(block)
        if assembly.is_full:
            self.picker.filled(assembly)
            self.answer(block.piece_index)

    def answer(self, piece_index: int) -> None:
        match self.rng.randrange(10):
            case 0:
                self.picker.refused(piece_index, float(self.number))
            case 1:
                self.picker.store_failed(piece_index)
            case _:
                assembly = self.picker.stored(piece_index)
                self.picker.suspects.stored(assembly)
        for owed in self.owed.values():  # the connection forgets what its swarm cancelled
            owed[:] = [block for block in owed if block.piece_index != piece_index]


def test_random_traffic_against_a_naive_rarest_first() -> None:
    for rng_seed in range(60):
        model = Model(random.Random(rng_seed))
        for _ in range(250):
            model.step()
            model.picker.check()


def test_a_hundred_thousand_pieces_are_picked_without_a_walk() -> None:
    """100,000 pieces of one block: each pick is some operations on whole numbers. Were it a walk
    over pieces, this would take minutes."""
    geometry = Geometry(16_384, 16_384 * 100_000)
    picker = Picker(
        geometry,
        0b1111,
        order_of_all(100_000),
        BufferPool(1 << 26).share(),
        random.Random(1),
    )
    peers = [seed(n, geometry) for n in range(2)]
    join(picker, *peers)
    for _ in range(200):
        for peer in peers:
            for piece_index in receive(picker, peer, picker.pick(peer, 5)):
                picker.stored(piece_index)
    assert picker.had.bit_count() == 4 + 2 * 200 * 5
