"""BEP 5, Routing Table: one bucket."""

from hypothesis import given
from hypothesis import strategies as st

from tests.dht.makers import NOW, contact
from torrentd.dht.bucket import BUCKET_SIZE, Bucket
from torrentd.dht.contact import NodeState

QUARTER_S = 15 * 60


def full_bucket() -> Bucket:
    bucket = Bucket(0, 0, NOW)
    for index in range(BUCKET_SIZE):
        assert bucket.add_node(contact(index, index, NOW + index))
    return bucket


class TestRoutingTable:
    def test_a_bucket_holds_eight(self) -> None:
        bucket = full_bucket()
        assert not bucket.add_node(contact(99, 99))
        assert len(bucket.nodes) == 8 and bucket.is_full

    def test_a_known_node_moves_to_the_most_recently_seen_end(self) -> None:
        bucket = full_bucket()
        assert bucket.add_node(contact(0, 0))
        assert [c.long_id for c in bucket.nodes.values()] == [1, 2, 3, 4, 5, 6, 7, 0]

    def test_the_least_recently_seen_questionable_node_is_pinged(self) -> None:
        bucket = full_bucket()
        assert bucket.node_to_ping(NOW + 10) is None
        late = NOW + QUARTER_S + 2  # the first three are questionable by now
        pinged = bucket.node_to_ping(late)
        assert pinged is not None and pinged.long_id == 0

    def test_one_ping_at_a_time(self) -> None:
        bucket = full_bucket()
        bucket.pinged = next(iter(bucket.nodes))
        assert bucket.node_to_ping(NOW + 2 * QUARTER_S) is None

    def test_a_bad_node_is_replaced_first(self) -> None:
        bucket = full_bucket()
        list(bucket.nodes.values())[5].failures = 2
        leaving = bucket.node_to_replace(contact(99, 99))
        assert leaving is not None and leaving.long_id == 5

    def test_good_nodes_whose_id_does_not_fit_yield_to_one_that_does(self) -> None:
        """BEP 42 ids are preferred, not demanded."""
        bucket = full_bucket()
        newcomer = contact(99, 99)
        assert not newcomer.fits_host and bucket.node_to_replace(newcomer) is None
        newcomer.fits_host = True  # type: ignore[misc]  # a chosen id fits no chosen host
        leaving = bucket.node_to_replace(newcomer)
        assert leaving is not None and leaving.long_id == 0

    def test_a_removed_node_gives_its_place_to_the_newest_replacement(self) -> None:
        bucket = full_bucket()
        for number in (20, 21, 22):
            assert bucket.keep_replacement(contact(number, number)) is None
        bucket.remove_node(bucket.nodes[contact(3, 3).id])
        assert [c.long_id for c in bucket.nodes.values()] == [0, 1, 2, 4, 5, 6, 7, 22]
        assert [c.long_id for c in bucket.replacement_nodes.values()] == [20, 21]

    def test_replacements_are_bounded_and_the_oldest_goes(self) -> None:
        bucket = full_bucket()
        dropped = [bucket.keep_replacement(contact(n, n)) for n in range(20, 40)]
        assert [c.long_id for c in dropped if c is not None] == list(range(20, 32))
        assert len(bucket.replacement_nodes) == 8

    def test_bad_is_not_pinged_and_good_is_not_either(self) -> None:
        bucket = full_bucket()
        nodes = list(bucket.nodes.values())
        nodes[0].failures = 2
        assert {c.state(NOW) for c in nodes[1:]} == {NodeState.GOOD}
        assert bucket.node_to_ping(NOW) is None


@given(st.lists(st.integers(0, 2**160 - 1), unique=True, max_size=8), st.integers(0, 20))
def test_a_split_distributes_every_node_by_the_next_bit(numbers: list[int], bits: int) -> None:
    """ "two new buckets each with half the range of the old bucket" """
    numbers = [number >> bits for number in numbers]
    bucket = Bucket(0, bits, NOW)
    for number in dict.fromkeys(numbers):
        bucket.add_node(contact(number, number % 1000))
    low, high = bucket.split(NOW)
    assert (low.range[0], high.range[1]) == bucket.range and low.range[1] + 1 == high.range[0]
    assert low.range[1] - low.range[0] == high.range[1] - high.range[0]
    for half in (low, high):
        assert all(half.has_in_range(c) for c in half.nodes.values())
    kept = [c.long_id for half in (low, high) for c in half.nodes.values()]
    assert sorted(kept) == sorted(dict.fromkeys(numbers))
