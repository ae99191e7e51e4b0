"""Sets of pieces as whole numbers, against sets (BEP 3, bitfield)."""

import random

from hypothesis import given
from hypothesis import strategies as st

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.swarm.piece_mask import (
    bitfield_of,
    full_mask,
    indices,
    mask_of,
    random_piece,
)

SETS = st.sets(st.integers(0, 200))


@given(SETS, st.integers(201, 220))
def test_a_bitfield_and_its_mask_hold_the_same_pieces(pieces: set[int], size: int) -> None:
    bitfield = Bitfield.of(size, pieces)
    mask = mask_of(bitfield)
    assert mask == sum(1 << piece for piece in pieces)
    assert list(indices(mask)) == sorted(pieces)
    assert bitfield_of(mask, size) == bitfield


def test_a_full_mask_is_a_full_bitfield() -> None:
    for size in range(40):
        assert mask_of(Bitfield.full(size)) == full_mask(size)


@given(SETS.filter(bool), st.integers())
def test_a_random_piece_is_one_of_them(pieces: set[int], seed: int) -> None:
    assert random_piece(sum(1 << piece for piece in pieces), random.Random(seed)) in pieces


def test_every_piece_is_chosen_now_and_then() -> None:
    rng = random.Random(1)
    counts = [0] * 20
    for _ in range(4000):
        counts[random_piece(full_mask(20), rng)] += 1
    assert min(counts) > 120
    assert max(counts) < 280
