"""BEP 42, Bootstrapping: our address by vote (D18)."""

import random

import pytest

from tests.dht.makers import NOW
from torrentd.dht.external_address import CHANGE_S, LEAD_S, SETTLE_S, ExternalAddressVote

HOST, OTHER = "5.6.7.8", "9.9.9.9"


def say(vote: ExternalAddressVote, voter: str, host: str, now: float) -> bool:
    """One votes, and the votes are counted. True: our address changed."""
    vote.add(voter, host, now)
    return vote.elect(now) is not None


def elected(host: str, at: float = NOW) -> ExternalAddressVote:
    """Three voters were of one mind, long enough."""
    vote = ExternalAddressVote()
    for index in range(3):
        vote.add(f"30.{index}.1.1", host, at)
    assert vote.elect(at + SETTLE_S) == vote.host == host
    return vote


def test_three_voters_of_different_16s_elect() -> None:
    vote = ExternalAddressVote()
    for voter in ("30.1.1.1", "30.2.1.1"):
        vote.add(voter, HOST, NOW)
    assert vote.elect(NOW + SETTLE_S) is None
    assert say(vote, "30.3.1.1", HOST, NOW + SETTLE_S)
    assert vote.host == HOST
    assert not say(vote, "30.4.1.1", HOST, NOW + SETTLE_S)  # nothing new


def test_eight_votes_ahead_are_enough_at_once() -> None:
    vote = ExternalAddressVote()
    for index in range(4):
        assert not say(vote, f"31.{index}.1.1", OTHER, NOW)
    told = [say(vote, f"30.{index}.1.1", HOST, NOW) for index in range(12)]
    assert told == [False] * 11 + [True] and vote.host == HOST


def test_where_a_third_lie_the_first_choice_is_hardly_ever_theirs() -> None:
    """Three of one mind would be the liars one time in nine."""
    rng, wrong = random.Random(5), 0
    for _ in range(500):
        vote = ExternalAddressVote()
        for index in range(200):
            said = OTHER if rng.random() < 1 / 3 else HOST
            if say(vote, f"{30 + index // 250}.{index % 250}.1.1", said, NOW):
                break
        assert vote.host is not None
        wrong += vote.host == OTHER
    assert wrong <= 5


def test_those_who_speak_first_wait_for_the_others() -> None:
    """Liars close by answer in no time, and name each other."""
    vote = ExternalAddressVote()
    assert not any(say(vote, f"31.{index}.1.1", OTHER, NOW + 0.1) for index in range(3))
    assert not any(say(vote, f"30.{index}.1.1", HOST, NOW + 0.4) for index in range(6))
    assert vote.settles_at == NOW + 0.1 + SETTLE_S
    assert vote.elect(vote.settles_at) == HOST


def test_less_than_two_thirds_are_not_enough() -> None:
    vote = ExternalAddressVote()
    for index in range(9):
        vote.add(f"30.{index}.1.1", HOST if index < 5 else OTHER, NOW)
    assert vote.elect(NOW + SETTLE_S) is None
    assert say(vote, "30.5.1.1", HOST, NOW + SETTLE_S)


def test_a_first_choice_that_was_the_liars_is_set_right_after_ten_minutes() -> None:
    vote = elected(OTHER, NOW - SETTLE_S)
    for index in range(3, 30):  # a fifth of all lie
        assert not say(vote, f"30.{index}.1.1", OTHER if index % 5 == 0 else HOST, NOW)
    assert vote.elect(NOW + LEAD_S - 1) is None
    assert vote.elect(NOW + LEAD_S) == vote.host == HOST


def test_voters_of_one_network_are_one_voter() -> None:
    vote = ExternalAddressVote()
    for index in range(200):
        assert not say(vote, f"30.1.{index}.1", HOST, NOW + index)
        assert not say(vote, f"2a00:1:{index:x}::1", "2a00:5::1", NOW + index)
    assert vote.host is None


def test_begun_anew_three_voters_elect_another_address() -> None:
    """The machine's network changed: whoever spoke before knows nothing of it."""
    vote = elected(HOST)
    for index in range(20):
        vote.add(f"30.{index}.1.1", HOST, NOW + SETTLE_S)
    assert not any(say(vote, f"31.{index}.1.1", OTHER, NOW + 10) for index in range(3))
    vote.begin_anew()
    assert vote.host == HOST, "until others say otherwise"
    assert not any(say(vote, f"32.{index}.1.1", OTHER, NOW + 11) for index in range(3))
    assert vote.elect(NOW + 11 + SETTLE_S) == vote.host == OTHER


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_liars_cannot_change_the_address_that_we_have(share: float) -> None:
    vote, rng = elected(HOST), random.Random(1)
    for index in range(5000):
        said = OTHER if rng.random() < share else HOST
        voter = f"{rng.randrange(30, 99)}.{rng.randrange(250)}.1.1"
        assert not say(vote, voter, said, NOW + 10 + index)
    assert vote.host == HOST


def test_at_most_one_change_in_ten_minutes() -> None:
    vote = elected(HOST, NOW - SETTLE_S)
    changed = [say(vote, f"31.{index}.1.1", OTHER, NOW + 1) for index in range(40)]
    assert not any(changed) and vote.host == HOST
    assert say(vote, "32.1.1.1", OTHER, NOW + CHANGE_S)
    assert vote.host == OTHER


def test_a_real_change_of_address_is_noticed() -> None:
    vote = elected(HOST)
    for index in range(32):
        vote.add(f"30.{index}.1.1", HOST, NOW + SETTLE_S)
    changed = [say(vote, f"30.{index}.1.1", OTHER, NOW + 3600) for index in range(32)]
    assert changed.count(True) == 1 and vote.host == OTHER
    assert vote.voters(OTHER) == 32


def test_who_voted_for_what_is_told_each_network_once() -> None:
    vote = ExternalAddressVote()
    for voter, host in [("30.1.1.1", HOST), ("30.2.1.1", OTHER), ("30.1.9.9", HOST)]:
        vote.add(voter, host, NOW)
    assert vote.votes() == {OTHER: ["30.2.1.1"], HOST: ["30.1.9.9"]}
