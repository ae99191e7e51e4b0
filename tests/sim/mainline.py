"""The mainline network in virtual time: thousands of nodes that answer as real ones do (BEP 5, 32,
42), each with a routing table of its own, and two of five addresses that they name dead.

The crowd is cheap: a node's table is drawn when it is first asked and then kept a while, so that
thousands cost memory and no events. Real `DhtNode`s live among them unchanged (`settle`). What the
crowd knows is the truth by brute force, so a test can ask who is really closest.

Figures, where none is told: round trips of 120 ms in the median and of seconds at the end, 5 % of
the datagrams lost, 40 % of what replies name dead or behind a NAT, 5 % of the living answering
badly, a quarter with ids that do not follow BEP 42.
"""

import random
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b
from typing import Final

from tests.sim.dht_world import POLICY, SimulatedNode, saved_id
from tests.sim.network import Conditions, Host, Network, Simulation
from torrentd.dht.krpc import (
    AnnouncePeer,
    Arguments,
    FindNode,
    GetPeers,
    Ping,
    Query,
    decode_arguments,
    decode_message,
    encode_error,
    encode_query,
)
from torrentd.dht.node_id import ID_BITS, distance, id_fits_host, node_id_for, random_node_id
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.errors import KrpcError
from torrentd.wire.formats.ids import InfoHash

WEATHER: Final = Conditions(
    loss=0.05, delay_s=0.058, spread=0.8, jitter_s=0.004, tail=0.02, tail_s=1.5
)
HOME_S: Final = 0.002  # a real node's own share of a trip: a good line
BUCKET: Final = 8
TABLE_S: Final = 15 * 60.0  # for how long a drawn table stands
VALUES_MAX: Final = 50


class Manner(Enum):
    """How a node answers."""

    WELL = auto()
    TRUNCATED = auto()  # the end of the datagram is missing
    WRONG_TID = auto()
    WRONG_ID = auto()
    ERROR = auto()  # to whatever it is asked


class Fate(Enum):
    LIVING = auto()
    BEHIND_NAT = auto()  # hears only whom it spoke to
    DEAD = auto()


BAD_MANNERS: Final = tuple(manner for manner in Manner if manner is not Manner.WELL)


@dataclass(slots=True)
class Crowd:
    """What the network consists of; `strays` is the share of named addresses that are no use."""

    living: int = 3000
    strays: float = 0.4
    bad_mannered: float = 0.05
    misfits: float = 0.25  # of the ids, which do not follow BEP 42
    churn_per_s: float = 0.0  # living nodes that leave, and others that come
    chatter_per_s: float = 0.0  # queries that the crowd sends to each real node


class Inhabitant:
    """One node of the crowd."""

    __slots__ = (
        "address", "compact", "drawn_at", "fate", "host", "manner", "node_id", "number", "peers",
        "speak", "table",
    )  # fmt: skip

    def __init__(self, address: Address, node_id: bytes, fate: Fate, manner: Manner) -> None:
        self.address: Final = address
        self.node_id: Final = node_id
        self.number: Final = int.from_bytes(node_id, "big")
        self.compact: Final = node_id + pack_address(address)
        self.fate = fate
        self.manner: Final = manner
        self.peers: dict[bytes, dict[bytes, None]] = {}  # infohash -> compact addresses
        self.table: list[Inhabitant] = []
        self.drawn_at = float("-inf")
        self.host: Host | None = None
        self.speak: Callable[[Query, Arguments, Address], bytes | None] | None = None


class Mainline:
    def __init__(
        self, seed: int, crowd: Crowd | None = None, weather: Conditions = WEATHER
    ) -> None:
        self.crowd: Final = crowd or Crowd()
        self.simulation: Final = Simulation(seed)
        self.network: Final = Network(self.simulation, weather)
        self.rng: Final = random.Random(self.simulation.rng.getrandbits(64))
        self.settled: list[SimulatedNode] = []
        self.asked = 0  # queries that the crowd received
        self._by_number: list[tuple[int, Inhabitant]] = []
        self._strays: list[Inhabitant] = []
        self._key: Final = self.rng.randbytes(16)
        for _ in range(self.crowd.living):
            self.add(Fate.LIVING)
        for _ in range(round(self.crowd.living * self.crowd.strays / (1 - self.crowd.strays))):
            self.add(self.rng.choice((Fate.DEAD, Fate.BEHIND_NAT)))
        self.routers: Final = [self._router() for _ in range(3)]
        self._begin_churn()

    # Who is there.

    def add(self, fate: Fate) -> Inhabitant:
        address = self.new_address()
        fits = self.rng.random() >= self.crowd.misfits
        node_id = node_id_for(address.host, self.rng) if fits else random_node_id(self.rng)
        is_bad = self.rng.random() < self.crowd.bad_mannered
        return self.move_in(address, node_id, fate, self.rng.choice(BAD_MANNERS) if is_bad else
                            Manner.WELL)  # fmt: skip

    def move_in(
        self, address: Address, node_id: bytes, fate: Fate, manner: Manner = Manner.WELL
    ) -> Inhabitant:
        node = Inhabitant(address, node_id, fate, manner)
        insort(self._by_number, (node.number, node), key=_number)
        if fate is Fate.LIVING or fate is Fate.BEHIND_NAT:
            node.host = self.network.attach(
                address,
                lambda data, source: self._receive(node, data, source),
                behind_nat=fate is Fate.BEHIND_NAT,
            )
        if fate is not Fate.LIVING:
            self._strays.append(node)
        return node

    def move_out(self, node: Inhabitant) -> None:
        """It is silent from now on, and nobody names it any more."""
        self._by_number.remove((node.number, node))
        self.network.hosts[node.address].is_dead = True

    def new_address(self) -> Address:
        """Public, and nobody's yet."""
        while True:
            octets = [self.rng.randrange(1, 224), *(self.rng.randrange(256) for _ in range(3))]
            address = Address(".".join(map(str, octets)), self.rng.randrange(1024, 65536))
            if POLICY.allows_peer(address) and address not in self.network.hosts:
                return address

    def settle(
        self, *, with_id: bool = True, delay_s: float = HOME_S, snapshot: bytes | None = None
    ) -> SimulatedNode:
        """A real node comes, knowing the routers; `with_id`: its address and id from before."""
        address = self.new_address()._replace(port=6881)
        if snapshot is None and with_id:
            snapshot = saved_id(address.host, self.rng)
        node = SimulatedNode(
            self.network,
            address,
            bootstrap=[router.address for router in self.routers],
            snapshot=snapshot,
            delay_s=delay_s,
        )
        self.settled.append(node)
        if self.crowd.chatter_per_s:
            self._chat(node)
        return node

    def living(self) -> list[Inhabitant]:
        return [node for _, node in self._by_number if node.fate is Fate.LIVING]

    def closest(self, target: bytes, count: int, *, living: bool = True) -> list[Inhabitant]:
        """The truth."""
        those = self.living() if living else [node for _, node in self._by_number]
        return sorted(those, key=lambda node: distance(node.node_id, target))[:count]

    def forget_tables(self) -> None:
        """Everyone's table is drawn anew: whoever came meanwhile is known like the others."""
        for _, node in self._by_number:
            node.drawn_at = float("-inf")

    def infohash(self) -> InfoHash:
        return InfoHash(self.rng.randbytes(20))

    def publish(self, infohash: InfoHash, peers: list[Address], *, told: float = 0.9) -> None:
        """Peers of the crowd announced themselves: most of the eight closest nodes know of each."""
        fitting = [n for n in self.closest(infohash, 8 * BUCKET) if self.takes_announces(n)][
            :BUCKET
        ]
        for peer in peers:
            for node in fitting:
                if self.rng.random() < told:
                    node.peers.setdefault(infohash, {})[pack_address(peer)] = None

    @staticmethod
    def takes_announces(node: Inhabitant) -> bool:
        """Who searches for it comes here: it answers well, and its id follows BEP 42."""
        return node.manner is Manner.WELL and id_fits_host(node.node_id, node.address.host)

    # A search of a real node.

    def search(self, by: SimulatedNode, infohash: InfoHash, port: int | None = None) -> float:
        """Let it search to the end. Returns when it began."""
        began = self.simulation.now
        by.get_peers(infohash, port)
        self.simulation.run_for(90, lambda: infohash in by.ended)
        return began

    # What the crowd does.

    def _receive(self, node: Inhabitant, data: bytes, source: Address) -> None:
        message = decode_message(data)
        if not isinstance(message, Query):
            return
        self.asked += 1
        answer = self._answer(node, message, source)
        if answer is not None:
            self.network.send(answer, node.address, source)

    def _answer(self, node: Inhabitant, query: Query, source: Address) -> bytes | None:
        try:
            arguments = decode_arguments(query)
            if node.speak is not None:
                return node.speak(query, arguments, source)
            if node.manner is Manner.ERROR:
                raise KrpcError("Server Error", 202)
            values = self._values(node, arguments, source)
        except KrpcError as error:
            return encode_error(query.transaction_id, error.code, error.reason)
        transaction_id = query.transaction_id
        if node.manner is Manner.WRONG_TID:
            transaction_id = transaction_id[::-1] + b"x"
        if node.manner is Manner.WRONG_ID:
            values[b"id"] = self.rng.randbytes(20)
        data = respond(transaction_id, values, source)
        return data[: 2 * len(data) // 3] if node.manner is Manner.TRUNCATED else data

    def _values(
        self, node: Inhabitant, arguments: Arguments, source: Address
    ) -> dict[bytes, Bencoded]:
        values: dict[bytes, Bencoded] = {b"id": node.node_id}
        match arguments:
            case Ping():
                pass
            case FindNode(target=target):
                values[b"nodes"] = self.known_to(node, target)
            case GetPeers(infohash=infohash):
                values[b"nodes"] = self.known_to(node, infohash)
                values[b"token"] = self._token(source, infohash)
                peers = list(node.peers.get(infohash, {}))
                if peers:
                    values[b"values"] = list[Bencoded](peers[:VALUES_MAX])
            case AnnouncePeer(infohash=infohash, port=port, token=token):
                if token != self._token(source, infohash):
                    raise KrpcError("bad token")
                peer = source._replace(port=port or source.port)
                node.peers.setdefault(infohash, {})[pack_address(peer)] = None
        return values

    def _token(self, source: Address, infohash: bytes) -> bytes:
        said = source.host.encode() + infohash
        return blake2b(said, digest_size=4, key=self._key).digest()

    def known_to(self, node: Inhabitant, target: bytes) -> bytes:
        """The eight nodes closest to the target in this node's table, as compact node info."""
        if self.simulation.now - node.drawn_at > TABLE_S:
            node.table = self._draw_table(node)
            node.drawn_at = self.simulation.now
        key = int.from_bytes(target, "big")
        closest = sorted(node.table, key=lambda other: other.number ^ key)[:BUCKET]
        return b"".join([other.compact for other in closest])

    def _draw_table(self, node: Inhabitant) -> list[Inhabitant]:
        """Eight of each range that differs from its id first in one bit, as BEP 5's buckets have
        them, the deepest ones whole."""
        table: list[Inhabitant] = []
        for bit in range(ID_BITS - 1, -1, -1):
            low = (node.number >> bit ^ 1) << bit
            others = self._between(low, low + (1 << bit))
            table += others if len(others) <= BUCKET else self.rng.sample(others, BUCKET)
            own_low = node.number >> bit << bit
            if len(self._between(own_low, own_low + (1 << bit))) <= 1:
                break
        return table

    def _between(self, low: int, high: int) -> list[Inhabitant]:
        start = bisect_left(self._by_number, low, key=_number)
        end = bisect_left(self._by_number, high, key=_number)
        return [node for _, node in self._by_number[start:end]]

    def _router(self) -> Inhabitant:
        """A bootstrap host: named by nobody, it knows nodes of all ranges."""
        node = self.move_in(self.new_address(), random_node_id(self.rng), Fate.LIVING)
        self._by_number.remove((node.number, node))
        return node

    # What happens by itself.

    def _begin_churn(self) -> None:
        if self.crowd.churn_per_s:
            self.simulation.call_in(self.rng.expovariate(self.crowd.churn_per_s), self._change)

    def _change(self) -> None:
        """One leaves without a word, and is named for a while yet; one comes, and its neighbours
        soon know it; the stray that is gone for longest is forgotten."""
        while (leaving := self.rng.choice(self._by_number)[1]).fate is not Fate.LIVING:
            pass
        leaving.fate = Fate.DEAD
        if leaving.host is not None:
            leaving.host.is_dead = True
        self._strays.append(leaving)
        forgotten = self._strays.pop(0)
        self._by_number.remove((forgotten.number, forgotten))
        newcomer = self.add(Fate.LIVING)
        at = bisect_left(self._by_number, newcomer.number, key=_number)
        for _, neighbour in self._by_number[max(0, at - BUCKET) : at + BUCKET]:
            neighbour.drawn_at = float("-inf")
        self._begin_churn()

    def _chat(self, node: SimulatedNode) -> None:
        """Nodes of the crowd, behind a NAT or not, ask the real node something."""
        _, asking = self.rng.choice(self._by_number)
        if asking.fate is not Fate.DEAD and not node.is_gone:
            method, key = self.rng.choice(((b"find_node", b"target"), (b"get_peers", b"info_hash")))
            arguments: dict[bytes, Bencoded] = {b"id": asking.node_id, key: self.rng.randbytes(20)}
            data = encode_query(self.rng.randbytes(2), method, arguments, read_only=False)
            self.network.send(data, asking.address, node.address)
        self.simulation.call_in(
            self.rng.expovariate(self.crowd.chatter_per_s), lambda: self._chat(node)
        )


def respond(transaction_id: bytes, values: dict[bytes, Bencoded], to: Address) -> bytes:
    message: dict[bytes, Bencoded] = {
        b"ip": pack_address(to), b"r": values, b"t": transaction_id, b"y": b"r",
    }  # fmt: skip
    return encode(message)


def _number(item: tuple[int, Inhabitant]) -> int:
    return item[0]
