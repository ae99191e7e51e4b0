"""BEP 5, announce_peer: the peers that are stored with us (T27)."""

import random
from collections import Counter

import pytest

from tests.dht.makers import INFOHASH, LOCAL, NOW, PUBLIC, node_id
from torrentd.config.schema import Limits
from torrentd.dht import peer_store
from torrentd.dht.peer_store import NEIGHBOURS_MAX, NETWORK_MAX, PEER_S, PeerStore
from torrentd.wire.formats.address import (
    Address,
    AddressPolicy,
    pack_address,
    pack_host,
    unpack_address,
    unpack_host,
)

OWN = node_id(0)


def make_store(policy: AddressPolicy = PUBLIC, **limits: int) -> PeerStore:
    return PeerStore(Limits(**limits), policy, random.Random(1))


def peer(index: int, port: int = 6881) -> Address:
    """Each in a /24 of its own."""
    return Address(f"{50 + (index >> 16)}.{index >> 8 & 255}.{index & 255}.9", port)


def neighbour(index: int) -> Address:
    """All in one /16."""
    return Address(f"49.1.{index >> 8 & 255}.{index & 255}", 6881)


def sample(store: PeerStore, infohash: bytes = INFOHASH, now: float = NOW) -> list[Address]:
    return [unpack_address(compact) for compact in store.sample(infohash, 6, 1000, now)]


def test_a_peer_is_returned_for_30_minutes() -> None:
    store = make_store()
    assert store.add(INFOHASH, peer(1), OWN, NOW)
    assert sample(store) == [peer(1)]
    assert sample(store, now=NOW + PEER_S - 1) == [peer(1)]
    assert sample(store, now=NOW + PEER_S) == []
    store.expire(NOW + PEER_S)
    assert len(store) == 0 and store.infohash_count == 0


def test_announcing_again_extends_the_stay() -> None:
    store = make_store()
    store.add(INFOHASH, peer(1), OWN, NOW)
    store.add(INFOHASH, peer(2), OWN, NOW)
    store.add(INFOHASH, peer(1), OWN, NOW + 900)
    store.expire(NOW + PEER_S)
    assert sample(store, now=NOW + PEER_S) == [peer(1)] and len(store) == 1


def test_one_port_a_host() -> None:
    """libtorrent keeps as many as it is told."""
    store = make_store()
    for port in range(1, 1000):
        store.add(INFOHASH, peer(1, port), OWN, NOW)
        store.add(INFOHASH, Address(f"2a00:1::{port:x}", port), OWN, NOW)
    assert sample(store) == [peer(1, 999)] and len(store) == 2


def test_in_a_local_network_each_port_is_a_peer() -> None:
    store = make_store(LOCAL)
    for port in range(7000, 7010):
        store.add(INFOHASH, Address("127.0.0.1", port), OWN, NOW)
    assert len(sample(store)) == 10


def test_families_are_told_apart() -> None:
    """BEP 32: "no IPv6 data is stored in the IPv4 DHT"."""
    store = make_store()
    six = Address("2a00:1::1", 6881)
    store.add(INFOHASH, peer(1), OWN, NOW)
    store.add(INFOHASH, six, OWN, NOW)
    assert store.sample(INFOHASH, 6, 10, NOW) == [pack_address(peer(1))]
    assert store.sample(INFOHASH, 18, 10, NOW) == [pack_address(six)]


def test_peers_of_an_infohash_are_capped_and_the_oldest_goes() -> None:
    store = make_store()
    for index in range(250):
        store.add(INFOHASH, peer(index), OWN, NOW + index)
    assert sorted(sample(store)) == sorted(peer(index) for index in range(50, 250))
    assert len(store) == 200


def test_when_full_the_infohash_farthest_from_our_id_makes_room() -> None:
    store = make_store(dht_infohashes_stored_max=10)
    for number in range(100, 110):
        assert store.add(node_id(number), peer(1), OWN, NOW)
    assert not store.takes(node_id(200), OWN)  # no token is given for it
    assert not store.add(node_id(200), peer(1), OWN, NOW)
    assert store.takes(node_id(105), OWN)  # it is there already
    assert store.add(node_id(50), peer(1), OWN, NOW)
    assert not sample(store, node_id(109)) and sample(store, node_id(50))
    assert store.infohash_count == 10 == len(store)


def test_a_flood_of_announces_stays_within_the_caps() -> None:
    store, rng = make_store(), random.Random(2)
    for index in range(30_000):
        store.add(rng.randbytes(20), peer(index), OWN, NOW)
    assert store.infohash_count == 2000 and len(store) == 2000
    for index in range(5_000):
        store.add(INFOHASH, peer(index), OWN, NOW)
    assert len(sample(store)) in (0, 200)


def test_the_peers_in_all_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_store, "PEERS_MAX", 500)
    store = make_store()
    for number in range(1, 20):
        for index in range(100):
            store.add(node_id(number), peer(index), OWN, NOW)
    assert len(store) <= 500 and store.infohash_count >= 2


def test_the_sample_is_fair() -> None:
    store = make_store()
    for index in range(50):
        store.add(INFOHASH, peer(index), OWN, NOW)
    drawn = Counter(c for _ in range(2000) for c in store.sample(INFOHASH, 6, 10, NOW))
    assert len(drawn) == 50 and min(drawn.values()) > 300 and max(drawn.values()) < 500
    assert store.sample(INFOHASH, 6, 0, NOW) == [] == store.sample(bytes(20), 6, 5, NOW)


def test_seeds_are_told_apart_and_left_out_for_seeds() -> None:
    """BEP 33: "noseed", and one entry a host whatever it said before."""
    store = make_store()
    for index in range(6):
        store.add(INFOHASH, peer(index), OWN, NOW, is_seed=index < 2)
    store.add(INFOHASH, peer(0), OWN, NOW)
    others = store.sample(INFOHASH, 6, 10, NOW, no_seeds=True)
    assert sorted(others) == sorted(pack_address(peer(index)) for index in (0, 2, 3, 4, 5))
    assert len(sample(store)) == 6


def test_what_is_stored_is_counted_in_filters() -> None:
    store = make_store()
    assert store.count_in(INFOHASH, NOW) is None
    for index in range(30):
        store.add(INFOHASH, peer(index), OWN, NOW, is_seed=index < 10)
    store.add(INFOHASH, Address("2a00:1::5", 7000), OWN, NOW + 60)
    counted = store.count_in(INFOHASH, NOW)
    assert counted is not None
    seeds, others = counted
    assert [round(each.estimate()) for each in counted] == [10, 21]
    assert pack_address(peer(9))[:4] in seeds and pack_address(peer(9))[:4] not in others
    assert pack_host("2a00:1::5") in others
    later = store.count_in(INFOHASH, NOW + PEER_S)  # what has expired is not counted
    assert later is not None and [round(each.estimate()) for each in later] == [0, 1]


def test_the_count_is_what_a_walk_would_find() -> None:
    store, rng = make_store(dht_infohashes_stored_max=5, dht_peers_per_infohash_max=4), None
    rng = random.Random(3)
    now = NOW
    told: dict[bytes, dict[str, float]] = {}
    for _ in range(2000):
        now += rng.random() * 20
        infohash, who = node_id(rng.randrange(1, 9)), peer(rng.randrange(8))
        store.add(infohash, who, OWN, now)
        told.setdefault(infohash, {})[who.host] = now
        if rng.random() < 0.1:
            store.expire(now)
            held = [a for number in range(1, 9) for a in sample(store, node_id(number), now)]
            assert len(held) == len(store)
            assert store.infohash_count <= 5
        for address in sample(store, infohash, now):
            assert now - told[infohash][address.host] < PEER_S


class TestNobodyFillsIt:
    """Of what one network announces, little pushes out what others did."""

    def test_a_network_has_eight_places_of_an_infohash(self) -> None:
        store = make_store()
        honest = [peer(index) for index in range(100)]
        for each in honest:
            store.add(INFOHASH, each, OWN, NOW)
        for index in range(256):
            assert store.add(INFOHASH, neighbour(index), OWN, NOW)
            prefix = 0x2A00_0001_0000_0000 + index
            six = Address(unpack_host(prefix.to_bytes(8) + bytes(8)), 6881)
            assert store.add(INFOHASH, six, OWN, NOW)
        told = sample(store)
        assert set(honest) <= set(told)
        assert [neighbour(index) for index in range(248, 256)] == told[100:]
        assert len(store) == 100 + 2 * NEIGHBOURS_MAX

    def test_a_network_has_a_hundred_places_in_all(self) -> None:
        """However close to our id the infohashes are that it announces."""
        store = make_store()
        for number in range(2000):
            assert store.add(node_id(1 << 150 | number), peer(number), OWN, NOW)
        taken = sum(
            store.add(node_id(number), neighbour(number % 256), OWN, NOW)
            for number in range(1, 2000)
        )
        assert taken == NETWORK_MAX
        assert store.infohash_count == 2000 == len(store)

    def test_places_come_back_when_what_was_announced_expires(self) -> None:
        store = make_store()
        for number in range(NETWORK_MAX):
            assert store.add(node_id(number), neighbour(number % 256), OWN, NOW)
        assert not store.add(node_id(500), neighbour(1), OWN, NOW)
        assert store.add(node_id(1), neighbour(1), OWN, NOW)  # again: no new place
        store.expire(NOW + PEER_S)
        assert len(store) == 0 and store.add(node_id(500), neighbour(1), OWN, NOW + PEER_S)

    def test_a_private_dht_on_one_machine_has_no_such_rule(self) -> None:
        store = make_store(LOCAL)
        for number in range(300):
            assert store.add(node_id(number), Address("127.0.0.1", 7000), OWN, NOW)
