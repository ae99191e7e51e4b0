"""Real DhtNodes in the simulated network."""

import random

from tests.sim.network import Conditions, Network, Simulation
from torrentd.config.schema import Limits
from torrentd.dht.network import Network as DhtNetwork
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import distance, node_id_for
from torrentd.dht.outputs import (
    BootstrapWanted,
    ExternalAddressChanged,
    Output,
    PeersFound,
    SearchEnded,
    SendDatagram,
)
from torrentd.dht.snapshot import encode_snapshot
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import InfoHash

POLICY = AddressPolicy(allow_local=False)
PORT = 6881


def address_of(index: int) -> Address:
    """Public-looking, each in a /16 of its own."""
    return Address(f"{20 + index // 250}.{index % 250}.7.1", PORT)


def saved_id(host: str, rng: random.Random) -> bytes:
    """A snapshot that holds nothing but an id that fits the host, as after a first run."""
    network = DhtNetwork("ipv4", POLICY, rng, rng, 0.0, node_id_for(host, rng))
    return encode_snapshot({"ipv4": network}, 0.0)


class SimulatedNode:
    """One DhtNode, its clock and its socket."""

    def __init__(
        self,
        network: Network,
        address: Address,
        *,
        bootstrap: list[Address],
        snapshot: bytes | None = None,
        read_only: bool = False,
        behind_nat: bool = False,
        delay_s: float | None = None,
    ) -> None:
        simulation = network.simulation
        self.address = address
        self.bootstrap = bootstrap
        self.found: dict[InfoHash, list[tuple[float, Address]]] = {}
        self.ended: dict[InfoHash, SearchEnded] = {}
        self.external: list[str] = []
        self.is_gone = False
        self._network = network
        self._simulation = simulation
        self._timer_at: float | None = None
        self.node = DhtNode(
            limits=Limits(),
            policy=POLICY,
            families=("ipv4",),
            listen_port=address.port,
            read_only=read_only,
            rng=random.Random(simulation.rng.getrandbits(64)),
            secret_rng=random.Random(simulation.rng.getrandbits(64)),
            now=simulation.now,
            snapshot=snapshot,
        )
        self.host = network.attach(address, self._receive, behind_nat=behind_nat, delay_s=delay_s)
        self._tick()

    def get_peers(self, infohash: InfoHash, announce_port: int | None = None) -> None:
        self._handle(self.node.get_peers(infohash, self._simulation.now, announce_port))

    def die(self) -> None:
        """Silence, without a word to anyone."""
        self.is_gone = True
        self.host.is_dead = True

    def _receive(self, data: bytes, source: Address) -> None:
        self._handle(self.node.receive_datagram(data, source, self._simulation.now))

    def _tick(self) -> None:
        self._timer_at = None
        if not self.is_gone:
            self._handle(self.node.tick(self._simulation.now))

    def _handle(self, outputs: list[Output]) -> None:
        now = self._simulation.now
        for output in outputs:
            match output:
                case SendDatagram(data=data, address=to):
                    self._network.send(data, self.address, to)
                case PeersFound(infohash=infohash, peers=peers):
                    self.found.setdefault(infohash, []).extend((now, peer) for peer in peers)
                case SearchEnded():
                    self.ended[output.infohash] = output
                case BootstrapWanted():
                    self._simulation.call_in(0.05, self._bootstrap)
                case ExternalAddressChanged(host=host):
                    self.external.append(host)
        self._set_timer()

    def _bootstrap(self) -> None:
        if self.bootstrap and not self.is_gone:
            self._handle(self.node.bootstrap(self.bootstrap, self._simulation.now))

    def _set_timer(self) -> None:
        deadline = self.node.next_deadline()
        if deadline is not None and (self._timer_at is None or deadline < self._timer_at):
            self._timer_at = deadline
            self._simulation.call_at(deadline, lambda: self._on_timer(deadline))

    def _on_timer(self, deadline: float) -> None:
        if self._timer_at == deadline:  # else an earlier one was set meanwhile
            self._tick()


class World:
    """`count` nodes that joined one after the other through the first two; a share of them died
    since, a share stands behind a NAT."""

    def __init__(self, seed: int, count: int, conditions: Conditions, *, nat: float = 0.0) -> None:
        self.simulation = Simulation(seed)
        self.network = Network(self.simulation, conditions)
        self.nodes: list[SimulatedNode] = []
        self.rng = random.Random(self.simulation.rng.getrandbits(64))
        self.routers = [address_of(0), address_of(1)]
        for index in range(count):
            self.simulation.run_for(0.1)
            self.add(index, behind_nat=index > 1 and self.rng.random() < nat)

    def add(
        self, index: int, *, with_id: bool = True, behind_nat: bool = False, read_only: bool = False
    ) -> SimulatedNode:
        address = address_of(index)
        node = SimulatedNode(
            self.network,
            address,
            bootstrap=[router for router in self.routers if router != address],
            snapshot=saved_id(address.host, self.rng) if with_id else None,
            behind_nat=behind_nat,
            read_only=read_only,
        )
        self.nodes.append(node)
        return node

    def kill(self, share: float) -> None:
        for node in self.rng.sample(self.nodes[2:], round(share * len(self.nodes))):
            node.die()

    def living(self) -> list[SimulatedNode]:
        return [node for node in self.nodes if not node.is_gone]

    def reachable(self) -> list[SimulatedNode]:
        return [node for node in self.living() if not node.host.behind_nat]

    def closest(self, target: bytes, count: int) -> list[Address]:
        """The truth, by brute force."""
        ordered = sorted(self.reachable(), key=lambda node: distance(own_id(node), target))
        return [node.address for node in ordered[:count]]

    def infohash(self) -> InfoHash:
        return InfoHash(self.rng.randbytes(20))


def own_id(node: SimulatedNode) -> bytes:
    return bytes.fromhex(node.node.stats(0.0).families[0].node_id)
