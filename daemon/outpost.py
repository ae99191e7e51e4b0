"""The DHT node of a further listening address (BEP 45): to the outside a node on its own, with its
id and routing table, that answers from where it was asked. It searches and announces nothing; the
daemon's own node does, from the first address."""

import random
import time
from collections.abc import Callable

from torrentd.config.schema import Config
from torrentd.daemon.driver import Driver
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.udp import UdpEndpoint
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import BootstrapWanted, Output, SendDatagram
from torrentd.wire.formats.address import Address, AddressPolicy

SEEDS_MAX = 8  # nodes that the own node knows, asked for others


class Outpost:
    """`known` tells good nodes of either family, as they are known at the moment."""

    def __init__(
        self,
        endpoint: UdpEndpoint,
        config: Config,
        policy: AddressPolicy,
        rng: random.Random,
        secret_rng: random.Random,
        tasks: Tasks,
        known: Callable[[], list[Address]],
    ) -> None:
        self._endpoint = endpoint
        self._tasks = tasks
        self._rng = rng
        self._known = known
        self._node = DhtNode(
            limits=config.limits,
            policy=policy,
            families=("ipv6" if endpoint.ipv6 else "ipv4",),
            listen_port=config.listen.port,
            read_only=config.dht.read_only,
            rng=rng,
            secret_rng=secret_rng,
            now=time.monotonic(),
        )
        self._driver = Driver(self._node.next_deadline, self._tick)
        self._tick(time.monotonic())
        self._driver.rearm(time.monotonic())

    def close(self) -> None:
        self._driver.stop()

    def receive_datagrams(self, datagrams: list[tuple[bytes, Address]], now: float) -> None:
        for data, source in datagrams:
            try:
                outputs = self._node.receive_datagram(data, source, now)
            except Exception as error:  # a stranger's datagram met a bug of ours: dropped (rule 28)
                self._tasks.peer_fault(error)
            else:
                self._perform(outputs, now)
        self._driver.rearm(now)

    def _tick(self, now: float) -> None:
        self._perform(self._node.tick(now), now)

    def _perform(self, outputs: list[Output], now: float) -> None:
        for output in outputs:
            if isinstance(output, SendDatagram):
                self._endpoint.send(output.data, output.address)
            elif isinstance(output, BootstrapWanted):
                known = self._known()
                seeds = self._rng.sample(known, min(SEEDS_MAX, len(known)))
                self._perform(self._node.bootstrap(seeds, now), now)
