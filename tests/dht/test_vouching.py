"""Which nodes of the table were found by lookups, and asked again."""

import random

from tests.dht.makers import NOW, PUBLIC, address
from torrentd.dht.bucket import BUCKET_SIZE, Bucket
from torrentd.dht.candidate import Candidate
from torrentd.dht.contact import Contact
from torrentd.dht.node_id import NodeId, node_id_for, random_node_id
from torrentd.dht.routing_table import RoutingTable
from torrentd.dht.vouching import FOUND_MAX, FOUND_PER_LOOKUP, LOOKUPS_MAX, VOUCH_S, Vouching

RNG = random.Random(5)


def found(count: int, first: int = 0) -> list[Candidate]:
    """What a lookup ended with."""
    return [
        Candidate(address(first + index), random_node_id(RNG), bytes(20), None, None)
        for index in range(count)
    ]


def full_bucket(low: int = 0, vouched: int = 0) -> Bucket:
    bucket = Bucket(low << 159, 1, NOW)
    for index in range(BUCKET_SIZE):
        node_id = NodeId(bytes([low << 7 | index]) + bytes(19))
        contact = Contact(node_id, address(index))
        contact.vouched = index < vouched
        assert bucket.add_node(contact)
    return bucket


class TestWhoIsVouchedFor:
    def test_the_closest_two_of_a_lookup_are_asked_again_and_of_our_own_id_all(self) -> None:
        closest = found(BUCKET_SIZE)
        asked = Vouching(NOW).lookup_ended(closest, of_own_id=False)
        assert asked == [candidate.address for candidate in closest[:FOUND_PER_LOOKUP]]
        asked = Vouching(NOW).lookup_ended(closest, of_own_id=True)
        assert asked == [candidate.address for candidate in closest]

    def test_only_under_the_id_under_which_it_was_found(self) -> None:
        """BEP 42 leaves eight prefixes to an address: one for each target would be a crowd."""
        vouching = Vouching(NOW)
        same, other = found(2)
        vouching.lookup_ended([same, other], of_own_id=False)
        assert same.node_id is not None
        assert vouching.speaks_for(same.node_id, same.address)
        assert not vouching.speaks_for(random_node_id(RNG), other.address)
        assert not vouching.speaks_for(random_node_id(RNG), address(99)), "nobody found it"

    def test_what_waits_is_bounded_and_the_latest_stay(self) -> None:
        vouching = Vouching(NOW)
        rounds = [found(2, 2 * index) for index in range(FOUND_MAX)]
        for closest in rounds:
            vouching.lookup_ended(closest, of_own_id=False)
        heard = [
            candidate.node_id is not None
            and vouching.speaks_for(candidate.node_id, candidate.address)
            for closest in rounds
            for candidate in closest
        ]
        assert heard == [False] * FOUND_MAX + [True] * FOUND_MAX


class TestWhereToLook:
    def test_full_buckets_with_others_in_them_in_turn_and_seldom(self) -> None:
        vouching = Vouching(NOW)
        one, two, done = full_bucket(0), full_bucket(1, vouched=3), full_bucket(0, vouched=8)
        looked = [vouching.bucket_due([one, two, done], NOW + VOUCH_S * at) for at in range(4)]
        assert looked == [one, two, one, two]
        assert vouching.bucket_due([one, two], NOW + VOUCH_S * 3.9) is None

    def test_a_small_network_is_not_searched_for_what_it_has_not(self) -> None:
        lonely = Bucket(0, 1, NOW)
        lonely.add_node(Contact(NodeId(bytes(20)), address(1)))
        assert Vouching(NOW).bucket_due([lonely], NOW) is None

    def test_no_bucket_is_looked_into_for_ever(self) -> None:
        vouching, bucket, now, looks = Vouching(NOW), full_bucket(), NOW, 0
        for _ in range(3 * LOOKUPS_MAX):
            looks += vouching.bucket_due([bucket], now) is not None
            now += VOUCH_S
        assert looks == LOOKUPS_MAX
        vouching.begin_anew()
        assert vouching.bucket_due([bucket], now) is bucket


def test_who_was_found_takes_the_place_of_the_least_recently_seen_of_the_others() -> None:
    own_id = NodeId(bytes(20))
    table = RoutingTable(own_id, PUBLIC, NOW)
    ids: list[NodeId] = []
    index = 0
    while len(ids) < BUCKET_SIZE + 3:  # all in the half that is not ours
        index += 1
        node_id = node_id_for(address(index).host, RNG)
        if node_id[0] >= 0x80:
            ids.append(node_id)
            vouched = len(ids) > BUCKET_SIZE + 1
            table.replied(node_id, address(index), NOW + len(ids), 0.1, vouched)
    kept = [contact.id for contact in table]
    assert ids[BUCKET_SIZE] not in kept, "a full bucket has no room for just anyone"
    assert kept == [*ids[2:BUCKET_SIZE], *ids[BUCKET_SIZE + 1 :]]
