"""T30: no address that the policy forbids is asked or dialled, whoever names it (BEP 5, 11, 32):
every source of addresses by every entry of the policy by ports.
"""

import random
from collections.abc import Callable

import pytest

from tests.attack.attacks import told
from tests.dht.makers import NOW, PUBLIC, dht_node, sent
from tests.vectors.addresses import MAY_CONTACT, NEVER_CONTACT
from torrentd.config.schema import Limits
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import Output, PeersFound
from torrentd.wire.formats.address import Address, is_ipv6, pack_address, parse_host
from torrentd.wire.swarm.candidate import Source
from torrentd.wire.swarm.candidates import Candidates

PORTS = (1, 22, 53, 80, 443, 1023, 6881, 65535)
STRANGERS: tuple[Source, ...] = ("magnet", "dht", "incoming", "pex")
Contacted = Callable[[Address], list[Address]]


def dialled(source: Source) -> Contacted:
    """`x.pe` of a magnet, values of the DHT, PEX, and the port that an incoming peer tells."""

    def contacted(address: Address) -> list[Address]:
        candidates = Candidates(Limits(), PUBLIC, random.Random(1))
        candidates.add([address], source, 0.0)
        found = candidates.next_to_dial(0.0, frozenset())
        return [] if found is None else [found]

    return contacted


def both_families() -> DhtNode:
    return dht_node(families=("ipv4", "ipv6"))


def asked(outputs: list[Output]) -> list[Address]:
    return [datagram.address for datagram in sent(outputs)]


def named_by_hand(address: Address) -> list[Address]:
    """PORT messages and the `nodes` of a torrent file."""
    return asked(both_families().add_node(address, NOW))


def resolved(address: Address) -> list[Address]:
    """What DNS says of a bootstrap host."""
    return asked(both_families().bootstrap([address], NOW))


def named_in_a_reply(address: Address) -> list[Address]:
    if is_ipv6(address.host):
        return []  # of an IPv4 search; in a bootstrap, `resolved`
    return asked(told({b"nodes": b"\x05" * 20 + pack_address(address)}))


def told_as_a_peer(address: Address) -> list[Address]:
    outputs = told({b"values": [pack_address(address)]})
    return [peer for output in outputs if isinstance(output, PeersFound) for peer in output.peers]


SOURCES: dict[str, Contacted] = {
    **{source: dialled(source) for source in STRANGERS},
    "PORT and nodes key": named_by_hand,
    "DNS": resolved,
    "nodes": named_in_a_reply,
    "values": told_as_a_peer,
}


@pytest.mark.parametrize("source", SOURCES)
def test_no_forbidden_address_is_contacted(source: str) -> None:
    for host, _ in NEVER_CONTACT:
        for port in (0, *PORTS):
            address = Address(parse_host(host), port)
            assert address not in SOURCES[source](address), f"{address} from {source}"


@pytest.mark.parametrize("source", SOURCES)
def test_public_addresses_are(source: str) -> None:
    """Else the test above would show nothing."""
    for host in MAY_CONTACT:
        address = Address(parse_host(host), 6881)
        if source != "nodes" or not is_ipv6(address.host):
            assert address in SOURCES[source](address)


@pytest.mark.parametrize("source", STRANGERS)
def test_no_swarm_is_turned_on_other_services(source: Source) -> None:
    for port in range(1024):
        address = Address("8.8.8.8", port)
        assert bool(dialled(source)(address)) == (port in (80, 443))
