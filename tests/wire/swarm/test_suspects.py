"""Who is to blame for a piece that failed (security X1 to X3). No BEP applies."""

import random

import pytest

from tests.wire.swarm.stand_ins import stand_in
from torrentd.wire.formats.geometry import Geometry
from torrentd.wire.swarm import suspects as suspects_module
from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.suspects import FAILURES_MAX, FAILURES_WITHIN_S, Suspects

GEOMETRY = Geometry(65_536, 1_000_000)
GOOD = b"good"
BAD = b"evil"
A, B, C, D = (stand_in(i) for i in range(4))


def made_of(*blocks: tuple[Peer, bytes], piece_index: int = 0) -> Assembly:
    """A piece of four blocks: who sent each, and what."""
    assembly = Assembly(GEOMETRY.blocks(piece_index), bytearray(65_536), None, False)
    for block, (peer, fill) in zip(assembly.blocks, blocks, strict=True):
        assembly.receive(block.begin, memoryview(fill * (block.length // 4)), peer)
    return assembly


def whole(peer: Peer, fill: bytes = GOOD, piece_index: int = 0) -> Assembly:
    return made_of(*[(peer, fill)] * 4, piece_index=piece_index)


def test_who_sent_a_bad_piece_alone_is_convicted_at_once() -> None:
    suspects = Suspects()
    assert suspects.refused(whole(A, BAD), 0.0) == [A]
    assert 0 not in suspects, "the next attempt is an ordinary one"
    assert suspects.failures == 1


def test_of_several_nobody_is_convicted_before_the_truth_is_known() -> None:
    suspects = Suspects()
    mixed = made_of((A, GOOD), (B, BAD), (A, GOOD), (C, GOOD))
    assert suspects.refused(mixed, 0.0) == []
    assert 0 in suspects
    assert suspects.stored(whole(D)) == [B]
    assert 0 not in suspects


def test_the_truth_may_come_from_the_liar_itself() -> None:
    suspects = Suspects()
    suspects.refused(made_of((A, GOOD), (B, BAD), (A, GOOD), (A, GOOD)), 0.0)
    assert suspects.stored(whole(B)) == [B]


def test_several_liars_of_several_attempts_are_all_named() -> None:
    suspects = Suspects()
    suspects.refused(made_of((A, GOOD), (B, BAD), (C, GOOD), (D, GOOD)), 0.0)
    suspects.refused(made_of((D, BAD), (A, GOOD), (C, GOOD), (B, GOOD)), 0.0)
    assert suspects.stored(whole(C)) == [B, D]


def test_a_good_block_sent_later_does_not_wash_off_the_bad_one() -> None:
    suspects = Suspects()
    suspects.refused(made_of((B, BAD), (A, GOOD), (C, GOOD), (C, GOOD)), 0.0)
    suspects.refused(made_of((B, GOOD), (A, GOOD), (D, BAD), (C, GOOD)), 0.0)
    assert suspects.stored(whole(A)) == [B, D]


def test_random_histories_blame_exactly_the_liars() -> None:
    rng = random.Random(8)
    for _ in range(200):
        suspects = Suspects()
        liars = rng.sample([A, B, C], rng.randrange(1, 3))
        lied: dict[Peer, None] = {}
        for now in range(rng.randrange(1, 4)):
            senders = [rng.choice([A, B, C, D]) for _ in range(4)]
            blocks = [(p, BAD if p in liars and rng.random() < 0.6 else GOOD) for p in senders]
            if all(fill == GOOD for _, fill in blocks):
                continue
            convicted = suspects.refused(made_of(*blocks), float(now))
            if convicted:
                assert convicted[0] in liars
            else:
                lied |= {p: None for p, fill in blocks if fill == BAD}
        assert set(suspects.stored(whole(D))) == set(lied)


def test_first_choice_for_parole_is_neither_sender_nor_deserter() -> None:
    suspects = Suspects()
    suspects.refused(made_of((A, GOOD), (B, BAD), (A, GOOD), (A, GOOD)), 0.0)
    suspects.deserted(0, C)
    suspects.deserted(7, C)  # not a suspect: nothing to remember
    assert [suspects.prefers(0, peer) for peer in (A, B, C, D)] == [False, False, False, True]


def test_a_piece_that_fails_five_times_a_minute_rests_for_a_minute() -> None:
    suspects = Suspects()
    for at in range(FAILURES_MAX):
        assert not suspects.resting(0, at)
        suspects.refused(made_of((A, BAD), (B, BAD), (C, BAD), (D, BAD)), float(at))
    last = FAILURES_MAX - 1.0
    assert suspects.resting(0, last)
    assert suspects.next_deadline() == last + FAILURES_WITHIN_S
    assert suspects.awake(last + FAILURES_WITHIN_S - 1) == []
    assert suspects.awake(last + FAILURES_WITHIN_S) == [0]
    assert suspects.awake(last + FAILURES_WITHIN_S) == []
    assert suspects.next_deadline() is None


def test_five_failures_in_an_hour_are_no_reason_to_rest() -> None:
    suspects = Suspects()
    for at in range(20):
        suspects.refused(made_of((A, BAD), (B, BAD), (C, BAD), (D, BAD)), at * 300.0)
    assert not suspects.resting(0, 19 * 300.0)


def test_the_digests_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects_module, "RECORDS_MAX", 100)
    suspects = Suspects()
    rng = random.Random(1)
    for at in range(200):
        fills = [(peer, rng.randbytes(4)) for peer in (A, B, C, D)]
        suspects.refused(made_of(*fills, piece_index=at % 15), at * 100.0)
        assert sum(len(s.digests) for s in suspects._pieces.values()) <= 100
    assert 4 in suspects, "the latest is kept"
