"""What is kept between runs (D13, T40)."""

import random
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dht.makers import NOW, PUBLIC, address, address6, befriend, dht_node, friends, node_id
from torrentd.dht.contact import Contact
from torrentd.dht.network import Network
from torrentd.dht.node_id import node_id_for, random_node_id
from torrentd.dht.snapshot import decode_snapshot, encode_snapshot
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.errors import ProtocolError


def make_networks(count: int, seed: int = 1) -> dict[Family, Network]:
    rng = random.Random(seed)
    networks: dict[Family, Network] = {
        "ipv4": Network("ipv4", PUBLIC, rng, rng, NOW),
        "ipv6": Network("ipv6", PUBLIC, rng, rng, NOW),
    }
    for index in range(count):
        networks["ipv4"].table.replied(random_node_id(rng), address(index), NOW + index, 0.1)
        networks["ipv6"].table.replied(random_node_id(rng), address6(index), NOW + index, 0.1)
    return networks


@given(st.integers(0, 120), st.integers(0, 5))
def test_what_is_saved_is_read_back(count: int, seed: int) -> None:
    networks = make_networks(count, seed)
    later = NOW + count + 50
    saved = decode_snapshot(encode_snapshot(networks, later))
    for family, network in networks.items():
        kept = saved[family]
        assert kept.node_id == network.own_id
        assert {(n.node_id, n.address) for n in kept.nodes} == {
            (c.id, c.address) for c in network.table
        }
        ages = [node.age_s for node in kept.nodes]
        assert ages == sorted(ages) and all(50 <= age <= later - NOW for age in ages)


def test_nodes_that_failed_or_never_answered_are_not_saved() -> None:
    networks = make_networks(20)
    table = networks["ipv4"].table
    table.failed(address(3), NOW)
    table.restore(Contact(node_id(77), address(77)), NOW)
    kept = {n.address for n in decode_snapshot(encode_snapshot(networks, NOW))["ipv4"].nodes}
    assert address(3) not in kept and address(77) not in kept and address(4) in kept


def test_round_trips_are_kept_so_that_the_next_start_asks_the_near_ones_first() -> None:
    first = dht_node()
    for index, (where, who) in enumerate(friends(30).items()):
        first._networks["ipv4"].table.replied(who, where, NOW, 0.01 * index)
    second = dht_node(snapshot=first.snapshot(NOW))
    kept = {c.address: c.rtt_s for c in second._networks["ipv4"].table}
    assert kept == {
        c.address: pytest.approx(max(c.rtt_s or 0.0, 0.001)) for c in first._networks["ipv4"].table
    }


def test_near_nodes_are_kept_behind_those_of_the_table() -> None:
    networks = make_networks(20)
    network = networks["ipv4"]
    rng = random.Random(3)
    met = [address(index) for index in range(500, 540)]
    for index, each in enumerate(met):
        network.near_nodes.heard(node_id_for(each.host, rng), each, 0.02, NOW + index)
    later = NOW + 100
    second = dht_node(snapshot=encode_snapshot(networks, later))._networks["ipv4"]
    assert {each.address for each in second.near_nodes} >= set(met)
    assert {round(each.heard_at) for each in second.near_nodes if each.address == met[-1]} == {
        round(NOW) - 61
    }


@pytest.mark.parametrize("rtts", [None, [], [b"x", -5], [10**9, 0]])
def test_strange_round_trips_or_none_are_unknown_ones(rtts: list[Bencoded] | None) -> None:
    nodes = b"".join(Contact(node_id(n), address(n)).compact for n in (1, 2))
    network: dict[bytes, Bencoded] = {b"id": bytes(20), b"nodes": nodes, b"ages": [1, 2]}
    if rtts is not None:
        network[b"rtts"] = rtts
    saved = decode_snapshot(sealed({b"version": 1, b"networks": {b"ipv4": network}}))["ipv4"]
    assert [node.rtt_s for node in saved.nodes] == [None, None]


def test_the_file_stays_small() -> None:
    assert len(encode_snapshot(make_networks(3000), NOW)) < 60_000


def test_every_flipped_bit_and_every_truncation_is_refused() -> None:
    data = encode_snapshot(make_networks(4), NOW)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProtocolError):
            decode_snapshot(bytes(flipped))
    for cut in range(len(data)):
        with pytest.raises(ProtocolError):
            decode_snapshot(data[:cut])


def sealed(inner: dict[bytes, Bencoded]) -> bytes:
    """With a right checksum: only what it says is wrong."""
    body = encode(inner)
    return encode({b"body": body, b"check": blake2b(body, digest_size=32).digest()})


@pytest.mark.parametrize(
    "inner",
    [
        {},
        {b"version": 2, b"networks": {}},
        {b"version": 1},
        {b"version": 1, b"networks": {b"ipv4": {}}},
        {b"version": 1, b"networks": {b"ipv4": {b"id": bytes(19)}}},
        {b"version": 1, b"networks": {b"ipv4": {b"id": bytes(20), b"nodes": bytes(25)}}},
        {b"version": 1, b"networks": {b"ipv4": {b"id": bytes(20), b"nodes": bytes(26)}}},
    ],
)
def test_a_file_of_another_kind_is_refused(inner: dict[bytes, Bencoded]) -> None:
    with pytest.raises(ProtocolError):
        decode_snapshot(sealed(inner))


def test_a_node_starts_from_its_snapshot_with_questionable_nodes() -> None:
    first = dht_node()
    known = friends(30)
    befriend(first, known)
    second = dht_node(seed=2, now=5.0, snapshot=first.snapshot(NOW + 60))
    before, after = first.stats(NOW), second.stats(5.0)
    assert after.families[0].node_id == before.families[0].node_id
    assert after.nodes_good == 0 and after.nodes_questionable == before.nodes_good > 15


@pytest.mark.parametrize("damaged", [b"", b"de", b"\0" * 100, b"d4:body2:de5:check0:e"])
def test_a_damaged_snapshot_counts_as_none(damaged: bytes) -> None:
    node = dht_node(snapshot=damaged)
    assert node.stats(NOW).nodes_questionable == 0


def test_hostile_addresses_in_a_snapshot_are_never_asked() -> None:
    networks = make_networks(0)
    table = networks["ipv4"].table
    hostile = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255"]
    for index, host in enumerate(hostile):
        contact = Contact(node_id(index + 1), Address(host, 6881))
        contact.last_replied_at = NOW
        table.restore(contact, NOW)
    saved = encode_snapshot(networks, NOW)
    assert len(decode_snapshot(saved)["ipv4"].nodes) == len(hostile)
    node = dht_node(snapshot=saved)
    assert node.stats(NOW).nodes_questionable == 0
