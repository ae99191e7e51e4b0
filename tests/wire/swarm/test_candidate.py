"""How long an address is left alone after a failure (security R1). No BEP applies."""

import pytest

from torrentd.wire.formats.address import Address
from torrentd.wire.swarm.candidate import RANKS, Candidate, Source

ADDRESS = Address("20.0.0.1", 6881)


@pytest.mark.parametrize(
    ("source", "retries_s"),
    [("dht", [30.0, 1800.0, 1800.0, None]), ("manual", [30.0, 60.0, 120.0, 240.0, 480.0, 900.0])],
)
def test_longer_each_time_and_for_the_users_own_never_for_ever(
    source: Source, retries_s: list[float | None]
) -> None:
    candidate = Candidate(ADDRESS, source)
    for retry_s in retries_s:
        candidate.failures += 1
        assert candidate.retry_s() == retry_s


def test_one_that_made_room_is_the_last_of_all() -> None:
    assert Candidate(ADDRESS, "manual").rank == RANKS[0]
    assert Candidate(ADDRESS, "manual", replaced=True).rank == RANKS[-1]
