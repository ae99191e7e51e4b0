"""BEP 42, Bootstrapping: our address by vote (D18)."""

import random

import pytest

from tests.dht.makers import NOW
from torrentd.dht.external_address import CHANGE_S, ExternalAddressVote

HOST, OTHER = "5.6.7.8", "9.9.9.9"


def test_three_voters_of_different_16s_elect() -> None:
    vote = ExternalAddressVote()
    assert not vote.add("30.1.1.1", HOST, NOW)
    assert not vote.add("30.2.1.1", HOST, NOW)
    assert vote.add("30.3.1.1", HOST, NOW)
    assert vote.host == HOST
    assert not vote.add("30.4.1.1", HOST, NOW)  # nothing new


def test_voters_of_one_network_are_one_voter() -> None:
    vote = ExternalAddressVote()
    for index in range(200):
        assert not vote.add(f"30.1.{index}.1", HOST, NOW)
        assert not vote.add(f"2a00:1:{index:x}::1", "2a00:5::1", NOW)
    assert vote.host is None


def test_begun_anew_three_voters_elect_another_address_at_once() -> None:
    """The machine's network changed: whoever spoke before knows nothing of it."""
    vote = ExternalAddressVote()
    for index in range(20):
        vote.add(f"30.{index}.1.1", HOST, NOW)
    assert vote.host == HOST
    assert not any(vote.add(f"31.{index}.1.1", OTHER, NOW + 1) for index in range(3))
    vote.begin_anew()
    assert vote.host == HOST, "until others say otherwise"
    assert [vote.add(f"32.{index}.1.1", OTHER, NOW + 2) for index in range(3)] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_liars_cannot_change_the_address_that_we_have(share: float) -> None:
    vote, rng = ExternalAddressVote(), random.Random(1)
    changes = sum(vote.add(f"30.{index}.1.1", HOST, NOW) for index in range(3))
    for index in range(5000):
        lies = rng.random() < share
        said = OTHER if lies else HOST
        changes += vote.add(f"{rng.randrange(30, 99)}.{rng.randrange(250)}.1.1", said, NOW + index)
    assert changes == 1 and vote.host == HOST


def test_at_most_one_change_in_ten_minutes() -> None:
    vote = ExternalAddressVote()
    for index in range(3):
        vote.add(f"30.{index}.1.1", HOST, NOW)
    changed = [vote.add(f"31.{index}.1.1", OTHER, NOW + 1) for index in range(40)]
    assert not any(changed) and vote.host == HOST
    assert vote.add("32.1.1.1", OTHER, NOW + CHANGE_S)
    assert vote.host == OTHER


def test_a_real_change_of_address_is_noticed() -> None:
    vote = ExternalAddressVote()
    for index in range(32):
        vote.add(f"30.{index}.1.1", HOST, NOW)
    changed = [vote.add(f"30.{index}.1.1", OTHER, NOW + 3600) for index in range(32)]
    assert changed.count(True) == 1 and vote.host == OTHER
    assert vote.voters(OTHER) == 32


def test_who_voted_for_what_is_told_each_network_once() -> None:
    vote = ExternalAddressVote()
    for voter, host in [("30.1.1.1", HOST), ("30.2.1.1", OTHER), ("30.1.9.9", HOST)]:
        vote.add(voter, host, NOW)
    assert vote.votes() == {OTHER: ["30.2.1.1"], HOST: ["30.1.9.9"]}
