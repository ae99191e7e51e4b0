"""BEP 44: the items that are stored with us (D15)."""

import pytest

from tests.dht.makers import LOCAL, NOW, PUBLIC, address, node_id, signed
from torrentd.dht import item_store
from torrentd.dht.item_store import ITEM_S, ITEMS_PER_HOST_MAX, ItemStore
from torrentd.dht.items import ImmutableItem, Item
from torrentd.dht.node_id import distance
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import KrpcError

OWN = node_id(0)


def item(number: int) -> ImmutableItem:
    return ImmutableItem(b"i%de" % number)


def put(store: ItemStore, what: Item, index: int = 1, now: float = NOW) -> bool:
    if not store.takes(what.target, address(index), OWN):
        return False
    store.add(what, address(index), OWN, now)
    return True


def code(store: ItemStore, what: Item, cas: int | None = None) -> int | None:
    try:
        store.check(what, cas, NOW)
    except KrpcError as error:
        return error.code
    return None


def test_an_item_stays_for_two_hours_and_longer_when_put_again() -> None:
    store = ItemStore(PUBLIC)
    assert put(store, item(1)) and put(store, item(2))
    assert put(store, item(1), index=5, now=NOW + 3600)
    store.expire(NOW + ITEM_S)
    assert store.get(item(1).target, NOW + ITEM_S) == item(1)
    assert store.get(item(2).target, NOW + ITEM_S) is None and len(store) == 1
    store.expire(NOW + ITEM_S + 3600)
    assert len(store) == 0 and store._of_host == {}


def test_seq_only_grows_and_the_same_item_may_come_again() -> None:
    store = ItemStore(PUBLIC)
    put(store, signed(b"1:x", seq=5))
    assert code(store, signed(b"1:y", seq=4)) == 302 == code(store, signed(b"1:y", seq=5))
    assert code(store, signed(b"1:x", seq=5)) is None
    assert store.holds(signed(b"1:x", seq=5), NOW)
    assert not store.holds(signed(b"1:x", seq=5, bits=1), NOW)  # it would be verified
    assert code(store, signed(b"1:y", seq=6)) is None


def test_cas_counts_only_against_what_is_there() -> None:
    store = ItemStore(PUBLIC)
    assert code(store, signed(b"1:y", seq=6), cas=4) is None
    put(store, signed(b"1:x", seq=5))
    assert code(store, signed(b"1:y", seq=6), cas=4) == 301
    assert code(store, signed(b"1:y", seq=6), cas=5) is None
    assert code(store, signed(b"1:y", seq=6, owner=2), cas=4) is None


def test_one_host_takes_few_places_and_may_refresh_what_it_has() -> None:
    store = ItemStore(PUBLIC)
    assert sum(put(store, item(number)) for number in range(200)) == ITEMS_PER_HOST_MAX
    assert put(store, item(0)) and not put(store, item(300)) and put(store, item(300), index=2)


def test_in_a_local_network_each_port_is_a_host() -> None:
    store = ItemStore(LOCAL)
    for number in range(2 * ITEMS_PER_HOST_MAX):
        where = Address("127.0.0.1", 7000 + number % 2)
        assert store.takes(item(number).target, where, OWN)
        store.add(item(number), where, OWN, NOW)


def test_when_full_the_farthest_from_our_id_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_store, "ITEMS_MAX", 20)
    store = ItemStore(PUBLIC)
    taken = [number for number in range(300) if put(store, item(number), index=number)]
    assert len(store) == 20 and len(taken) < 300
    closest = sorted(range(300), key=lambda number: distance(item(number).target, OWN))[:20]
    assert all(store.get(item(number).target, NOW) for number in closest)
