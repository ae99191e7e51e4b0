"""How many slots there are: found by trying, round by round (BEP 3)."""

from collections.abc import Callable

import pytest

from torrentd.wire.swarm.unchoke_slots import LEAST, START, UnchokeSlots

ROUND_S = 10.0


def rounds(
    slots: UnchokeSlots, rate_of: Callable[[int], float], count: int, interested: int = 100
) -> list[int]:
    """The slots of each of these rounds, when the upload rate is `rate_of(slots)`."""
    sent_bytes = float(slots.uploaded_bytes)
    seen = []
    for _ in range(count):
        sent_bytes += rate_of(slots.count) * ROUND_S
        seen.append(slots.deal(int(sent_bytes), ROUND_S, interested))
    return seen


def test_a_fixed_number_stays() -> None:
    slots = UnchokeSlots(7)
    assert set(rounds(slots, lambda n: 50_000.0 * n, 50)) == {7}


def test_it_starts_with_those_of_the_bep() -> None:
    assert UnchokeSlots(0).count == START == 4


def test_slots_are_added_while_each_brings_its_share() -> None:
    seen = rounds(UnchokeSlots(0), lambda n: min(n, 30) * 50_000.0, 40)
    assert seen[0] == 5 and max(seen) <= 45
    assert next(i for i, n in enumerate(seen) if n >= 28) <= 18, "within minutes"
    assert 22 <= sorted(seen[20:])[10] <= 38


def test_a_full_upload_is_tried_again_only_now_and_then() -> None:
    seen = rounds(UnchokeSlots(0), lambda n: 1_000_000.0, 100)
    assert set(seen) == {4, 5}
    assert seen.count(5) <= 40


def test_slots_that_bring_nothing_any_more_are_taken_back() -> None:
    slots = UnchokeSlots(0)
    first = rounds(slots, lambda n: 20_000.0 * n, 30)
    later = rounds(slots, lambda n: 5_000_000.0, 60)
    assert first[-1] > 20
    assert later[-1] <= 6


@pytest.mark.parametrize(("rate", "least"), [(3_000.0, 2), (16_000.0, 3), (27_000.0, 4)])
def test_a_trickle_is_not_cut_into_crumbs(rate: float, least: int) -> None:
    """At 16 kB/s four peers would wait more than four seconds for each block."""
    seen = rounds(UnchokeSlots(0), lambda n: rate, 60)
    assert min(seen) == least >= LEAST


def test_while_not_every_slot_is_taken_nothing_is_tried() -> None:
    seen = rounds(UnchokeSlots(0), lambda n: 80_000.0, 30, interested=3)
    assert set(seen) == {START}


def test_there_are_no_more_slots_than_takers() -> None:
    seen = rounds(UnchokeSlots(0), lambda n: 50_000.0 * min(n, 11), 60, interested=11)
    assert max(seen) == 11


def test_what_fills_the_queue_of_a_new_peer_is_not_taken_for_upload() -> None:
    """The upload is full at 200 kB/s; each new peer at once has 128 KiB waiting for it."""
    slots, sent_bytes, known = UnchokeSlots(0), 0, 4
    for _ in range(100):
        sent_bytes += 2_000_000 + max(slots.count - known, 0) * 131_072
        known = slots.count
        assert slots.deal(sent_bytes, ROUND_S, 100) <= 5
