"""Small swarms of the kind that `make bench-swarm` measures at length, in virtual time (BEP 3).

One seed gives one run, so the figures are exact. The bounds leave room for honest change: with the
regular slots dealt by turn instead of by rate, giving is worth 0.85 and not 2 times as much.
"""

import pytest

from tests.sim.crowd import giving, one_copy, payload, rank_correlation, scale

RATES = [20e3] * 2 + [40e3] * 4 + [80e3] * 4 + [120e3] * 5


@pytest.mark.parametrize("seed", [1, 2])
def test_giving_pays(seed: int) -> None:
    """ "The choking algorithm … tit-for-tat-ish" (BEP 3): a quarter of 20 peers gives nothing."""
    result = giving(payload(16 * 1024, 16), RATES, 5, 150e3, seed=seed)
    assert result.advantage >= 2.0
    assert result.correlation >= 0.8
    assert max(result.first_pieces_s) <= 60.0


@pytest.mark.parametrize(
    ("leechers", "size_mib", "seed_bytes_per_s", "bytes_per_s"),
    [(1, 8, 100e3, 100e3), (8, 12, 100e3, 100e3), (4, 8, 500e3, 50e3), (16, 8, 500e3, 50e3)],
)
def test_the_last_of_many_is_done_near_the_lower_bound(
    leechers: int, size_mib: int, seed_bytes_per_s: float, bytes_per_s: float
) -> None:
    torrent = payload(size_mib * 1024, 16)
    result = scale(torrent, leechers, seed_bytes_per_s, bytes_per_s, seed=1)
    assert result.bound_s <= result.last_s <= 1.3 * result.bound_s


@pytest.mark.parametrize("seed", range(1, 7))
def test_one_copy_is_enough(seed: int) -> None:
    """The seed leaves when every piece is out: rarest first sees to it that this is soon, and that
    no piece is ever without a holder, nor, once that is known, without one to whom lacks it."""
    result = one_copy(payload(2 * 1024, 16), 8, 100e3, seed, news_s=4.0)
    assert result.complete
    assert result.holders_least >= 1 and result.counted_least >= 1
    assert result.copies_sent <= 1.8


def test_ranks_are_compared_not_values() -> None:
    assert rank_correlation([1.0, 2.0, 3.0], [1.0, 10.0, 1000.0]) == pytest.approx(1.0)
    assert rank_correlation([1.0, 2.0, 2.0, 3.0], [4.0, 3.0, 3.0, 1.0]) == pytest.approx(-1.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_that_seeds_super_sends_hardly_more_than_one_copy(seed: int) -> None:
    """BEP 16: "after only uploading 105% of the data"."""
    torrent = payload(4 * 1024, 64)
    plain = one_copy(torrent, 8, 100e3, seed)
    shown = one_copy(torrent, 8, 100e3, seed, super_seeding=True)
    assert plain.complete and shown.complete
    assert shown.copies_sent <= 1.1 < plain.copies_sent
