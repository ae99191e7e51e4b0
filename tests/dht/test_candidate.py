"""Whom a search asks before whom (BEP 5, Overview)."""

import random

from tests.dht.makers import address
from torrentd.dht.candidate import (
    DEAD_TIPS_MAX,
    RTT_S,
    SEED_TIMEOUT_S,
    SOFT_TIMEOUT_S,
    SOFT_TIMEOUT_S_MIN,
    Candidate,
    rank,
    worth,
)
from torrentd.dht.node_id import NodeId, node_id_for
from torrentd.wire.formats.address import Address

TARGET = bytes(20)


def candidate(
    bits: int | None, *, rtt_s: float | None = None, source: Candidate | None = None, index: int = 1
) -> Candidate:
    """`bits`: the length of its distance; None: a seed."""
    node_id = None if bits is None else NodeId((1 << bits - 1).to_bytes(20))
    return Candidate(address(index), node_id, TARGET, source, rtt_s)


def test_seeds_come_first_then_the_nearer_and_last_whom_a_liar_named() -> None:
    liar = candidate(150)
    liar.dead_tips = DEAD_TIPS_MAX
    seed, near, far = candidate(None), candidate(140), candidate(150)
    doubtful = candidate(100, source=liar)
    assert sorted([doubtful, far, near, seed], key=rank) == [seed, near, far, doubtful]
    liar.live_tips = 1
    assert rank(doubtful) < rank(near)


def test_a_short_round_trip_outweighs_a_few_bits_and_no_more() -> None:
    quick, slow, unknown = (candidate(150, rtt_s=rtt_s) for rtt_s in (0.02, 0.5, None))
    assert rank(quick) < rank(unknown) < rank(slow)
    assert rank(candidate(150, rtt_s=RTT_S)) == rank(unknown)
    assert rank(candidate(140, rtt_s=0.5)) > rank(quick) > rank(candidate(110, rtt_s=0.5))


def test_an_id_that_follows_bep_42_is_worth_more_than_a_near_one() -> None:
    where = Address("30.1.1.1", 6881)
    fitting = Candidate(where, node_id_for(where.host, random.Random(1)), TARGET, None, None)
    assert fitting.fits_host
    assert worth(fitting) < worth(candidate(20))


def test_how_long_it_may_be_silent_follows_its_round_trip() -> None:
    assert candidate(None).soft_timeout_s == SEED_TIMEOUT_S
    assert candidate(9).soft_timeout_s == SOFT_TIMEOUT_S
    assert candidate(9, rtt_s=0.1).soft_timeout_s == 0.2
    assert candidate(9, rtt_s=0.01).soft_timeout_s == SOFT_TIMEOUT_S_MIN
    assert candidate(9, rtt_s=3.0).soft_timeout_s == SOFT_TIMEOUT_S
