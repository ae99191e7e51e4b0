"""Whoever chooses ids and the order of his messages cannot make us slow (T15, D17).

The hash of an int is its value modulo 2^61 - 1, so chosen 160-bit ints collide in a dict: 20,000 of
them take seconds. Bytes hash under a secret of the process. Ids are therefore bytes wherever they
are keys, and time grows as the count does.
"""

import random
import time
from collections.abc import Callable, Iterator

import pytest

from tests.attack.attacks import LAVISH, announce
from tests.dht.makers import NOW, PUBLIC, address, befriend, dht_node, friends, node_id
from torrentd.config.schema import Limits
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.routing_table import RoutingTable
from torrentd.dht.transactions import Transactions
from torrentd.wire.formats.ids import InfoHash

PRIME = 2**61 - 1
SMALL_INT = 2**32  # ports, counters and bits may be keys
COUNT = 2000


def insert_colliding_ids(count: int) -> None:
    table = RoutingTable(node_id(2**159), PUBLIC, NOW)
    for index in range(count):
        table.replied(node_id(index * PRIME), address(index), NOW, None)


def announce_colliding_infohashes(count: int) -> None:
    store = PeerStore(Limits(), PUBLIC, random.Random(1))
    for index in range(count):
        store.add(node_id(index * PRIME), address(index), node_id(0), NOW)


def announce_ever_closer(count: int) -> None:
    """Each one pushes out the farthest."""
    store = PeerStore(Limits(dht_infohashes_stored_max=500), PUBLIC, random.Random(1))
    for index in range(count, 0, -1):
        store.add(node_id(index), address(index), node_id(0), NOW)


def announce_for_one_infohash(count: int) -> None:
    store = PeerStore(Limits(), PUBLIC, random.Random(1))
    for index in range(count):
        store.add(node_id(1), address(index), node_id(0), NOW)


def ask_and_time_out(count: int) -> None:
    transactions = Transactions(random.Random(1))
    for index in range(count):
        transactions.begin(address(index), None, NOW + index)
        transactions.expired(NOW + index)


WORK: list[Callable[[int], None]] = [
    insert_colliding_ids,
    announce_colliding_infohashes,
    announce_ever_closer,
    announce_for_one_infohash,
    ask_and_time_out,
]


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_time_grows_with_the_count_and_not_faster(work: Callable[[int], None]) -> None:
    """CPU seconds, least of some runs: for four times as many 16 times as long if it were
    quadratic."""

    def seconds(count: int) -> float:
        began = time.process_time()
        work(count)
        return time.process_time() - began

    work(COUNT // 4)
    assert min(seconds(4 * COUNT) for _ in range(3)) < 9 * min(seconds(COUNT) for _ in range(3))


def test_ints_as_keys_would_be_slow() -> None:
    """Why: the same ids in a dict, as ints and as bytes."""

    def seconds(keys: list[int] | list[bytes]) -> float:
        began = time.process_time()
        dict.fromkeys(keys)
        return time.process_time() - began

    chosen = [index * PRIME for index in range(1, 2001)]
    as_bytes = [number.to_bytes(20, "big") for number in chosen]
    assert seconds(chosen) > 10 * min(seconds(as_bytes) for _ in range(3))


def test_no_key_in_a_node_that_works_is_a_large_int() -> None:
    """Of everything that a node holds after queries, searches and announces."""
    node = dht_node(limits=LAVISH)
    befriend(node, friends(60))
    for index in range(50):
        assert announce(node, address(500 + index), infohash=bytes([index]) * 20)
    node.get_peers(InfoHash(bytes(20)), NOW)
    node.tick(NOW)
    keys = list(keys_in(node))
    assert sum(isinstance(key, bytes) for key in keys) > 100  # the walk saw the ids
    assert [key for key in keys if isinstance(key, int) and key >= SMALL_INT] == []


def keys_in(root: object) -> Iterator[object]:
    """Keys of all dicts and members of all sets that can be reached from `root`."""
    seen: dict[int, object] = {}
    waiting: list[object] = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, str | bytes | int | float | type | None):
            continue
        seen[id(each)] = each
        if isinstance(each, dict):
            yield from each
            waiting += each.values()
        elif isinstance(each, set | frozenset):
            yield from each
        elif isinstance(each, list | tuple):
            waiting += each
        if type(each).__module__.startswith(("torrentd", "kademlia", "collections")):
            waiting += fields_of(each)


def fields_of(each: object) -> list[object]:
    slots = [name for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*getattr(each, "__dict__", {}).values(), *(getattr(each, name, None) for name in slots)]
