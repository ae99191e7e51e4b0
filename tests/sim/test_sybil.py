"""A DHT in which many nodes lie together (T25; GLOBECOM '12, BEP 42).

A liar answers every query at once: with no peers, with eight of its accomplices whose ids stand
next to whatever is searched, and with a false address for whoever asks. Half of the liars have an
id that BEP 42 allows them, the others claim the best one for each query.
"""

import random
import statistics

import pytest

from tests.sim.dht_world import SimulatedNode, World, address_of, own_id
from tests.sim.network import Conditions
from torrentd.dht import candidate, lookup
from torrentd.dht.krpc import ErrorReply, Query, Response, decode_message, encode_query
from torrentd.dht.lookup import QUERIES_MAX
from torrentd.dht.node_id import id_fits_host, node_id_for
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import Bencoded, encode, get_bytes
from torrentd.wire.formats.ids import InfoHash

HONEST = 70
SEARCHES = 40
FALSE_ADDRESS = pack_address(Address("9.9.9.9", 6881))
WEATHER = Conditions(loss=0.02, delay_s=0.03, jitter_s=0.01)


class Liar:
    """One of the accomplices."""

    def __init__(self, world: World, index: int, others: list["Liar"]) -> None:
        self.address = address_of(index)
        self.rng = random.Random(index)
        self.fits = index % 2 == 0
        self.node_id: bytes = node_id_for(self.address.host, self.rng)
        self.others = others
        self.network = world.network
        world.network.attach(self.address, self.receive)
        for victim in world.nodes:  # to be pinged, and to enter its table
            data = encode_query(b"x", b"ping", {b"id": self.node_id}, read_only=False)
            self.network.send(data, self.address, victim.address)

    def receive(self, data: bytes, source: Address) -> None:
        message = decode_message(data)
        match message:
            case Query():
                self.network.send(self.lie(message), self.address, source)
            case Response() | ErrorReply():
                pass

    def lie(self, query: Query) -> bytes:
        target = get_bytes(query.arguments, b"info_hash") or get_bytes(query.arguments, b"target")
        values: dict[bytes, Bencoded] = {b"id": self.node_id}
        if target is not None:
            chosen = self.rng.sample(self.others, min(8, len(self.others)))
            values[b"nodes"] = b"".join(
                liar.claimed_id(target) + pack_address(liar.address) for liar in chosen
            )
            values[b"token"] = b"liar"
            values[b"id"] = self.claimed_id(target)
        return encode({b"ip": FALSE_ADDRESS, b"r": values, b"t": query.transaction_id, b"y": b"r"})

    def claimed_id(self, target: bytes) -> bytes:
        """Its own, or for a search, the target's with another end."""
        return self.node_id if self.fits else target[:18] + pack_address(self.address)[1:3]


def infiltrated(share: float) -> World:
    world = World(5, HONEST, WEATHER)
    world.simulation.run_for(10)
    liars: list[Liar] = []
    for index in range(round(HONEST * share / (1 - share))):
        liars.append(Liar(world, 1000 + index, liars))
        world.simulation.run_for(0.1)
    world.simulation.run_for(60)
    return world


def found_share(world: World) -> tuple[float, list[int]]:
    """How many of the searches find an honest announce, and the queries that each took."""
    found, queries = 0, []
    for _ in range(SEARCHES):
        announcer, seeker = world.rng.sample(world.nodes, 2)
        infohash = world.infohash()
        for node, port in ((announcer, 6881), (seeker, None)):
            search(world, node, infohash, port)
        found += announcer.address in [peer for _, peer in seeker.found.get(infohash, [])]
        queries += [node.ended[infohash].queries for node in (announcer, seeker)]
    return found / SEARCHES, queries


def search(world: World, node: SimulatedNode, infohash: InfoHash, port: int | None) -> None:
    node.get_peers(infohash, port)
    world.simulation.run_for(70, lambda: infohash in node.ended)
    world.simulation.run_for(1)


@pytest.mark.parametrize(("share", "bar"), [(0.2, 0.95), (0.5, 0.8)])
def test_honest_peers_are_found_among_liars(share: float, bar: float) -> None:
    world = infiltrated(share)
    found, queries = found_share(world)
    assert found >= bar
    assert max(queries) <= QUERIES_MAX and statistics.mean(queries) < 60
    for node in world.nodes:
        assert len(node.external) <= 1 and id_fits_host(own_id(node), node.address.host)
        contacts = list(node.node._networks["ipv4"].table)
        assert len({contact.network for contact in contacts}) == len(contacts)


def test_without_bep_42_they_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first test measures is this defence: with any id taken as good, the liars' win."""
    for room in (candidate, lookup):
        monkeypatch.setattr(room, "id_fits_host", lambda node_id, host: True)
    found, _ = found_share(infiltrated(0.5))
    assert found < 0.5
