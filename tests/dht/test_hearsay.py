"""Addresses that others name (T28, T30)."""

import random

import pytest

from tests.dht.makers import NOW, PUBLIC, address, address6, node_id
from torrentd.dht.external_address import VOTERS_AHEAD
from torrentd.dht.hearsay import Hearsay
from torrentd.dht.network import Network
from torrentd.dht.stats import DhtStats
from torrentd.wire.formats.address import Address

OWN = Address("9.8.7.6", 6881)


class Room:
    """A node of IPv4 alone, whose address enough others told it."""

    def __init__(self) -> None:
        rng = random.Random(1)
        self.network = Network("ipv4", PUBLIC, rng, rng, NOW)
        for index in range(VOTERS_AHEAD):
            self.network.table.replied(node_id(index + 1), address(index), NOW, 0.1, True)
            self.network.heard_external(address(index), OWN.host, NOW + index)
        self.stats = DhtStats()
        self.hearsay = Hearsay({"ipv4": self.network}, PUBLIC, OWN.port, self.stats)


def test_we_are_known_by_address_and_port() -> None:
    hearsay = Room().hearsay
    assert hearsay.is_own(OWN) and not hearsay.may_ask(OWN)
    assert not hearsay.is_own(OWN._replace(port=6882)) and hearsay.may_ask(OWN._replace(port=6882))
    assert not hearsay.is_own(address6(1))


@pytest.mark.parametrize(
    "where", [Address("127.0.0.1", 6881), Address("8.8.8.8", 0), Address("224.0.0.1", 6881)]
)
def test_forbidden_addresses_are_left_out_and_counted(where: Address) -> None:
    room = Room()
    assert not room.hearsay.may_ask(where)
    assert room.hearsay.nodes([(node_id(1), where)]) == [] == room.hearsay.peers([where])
    assert room.stats.addresses_refused == 2


def test_nodes_are_told_once_and_never_ourselves() -> None:
    room = Room()
    named = [(node_id(1), address(1)), (node_id(2), address(1)), (node_id(3), address(3))]
    lies = [(room.network.own_id, address(4)), (node_id(5), OWN), (node_id(6), address6(6))]
    assert room.hearsay.nodes(named + lies) == [named[0], named[2]]
    assert room.stats.addresses_refused == 3


def test_peers_of_either_family_are_told() -> None:
    """BEP 32: "must be able to properly parse hybrid values lists"."""
    room = Room()
    assert room.hearsay.peers([address(1), OWN, address6(1)]) == [address(1), address6(1)]
