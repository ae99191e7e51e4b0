"""The DHT node of a further listening address (BEP 45): to the outside a node on its own, with its
id and routing table, that answers from where it was asked, searches and announces. It rests while
its address is not there, and begins anew when `rejoin` is called."""

import random
import time
from collections.abc import Callable, Sequence

from torrentd.config.schema import Config
from torrentd.daemon.driver import Driver
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.udp import UdpEndpoint
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import BootstrapWanted, Output, PeersFound, SendDatagram
from torrentd.dht.search import PeerSearch
from torrentd.dht.stats import DhtStats, NodeStats, SearchStats
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import InfoHash

SEEDS_MAX = 8  # nodes that the own node knows, asked for others
OnPeers = Callable[[InfoHash, list[Address]], None]


class Outpost:
    """`known` tells good nodes of either family, as they are known at the moment; `on_peers` hears
    what searches find; `snapshot` is what `snapshot()` gave in an earlier run."""

    def __init__(
        self,
        endpoint: UdpEndpoint,
        config: Config,
        policy: AddressPolicy,
        rng: random.Random,
        secret_rng: random.Random,
        tasks: Tasks,
        known: Callable[[], list[Address]],
        on_peers: OnPeers,
        snapshot: bytes | None,
    ) -> None:
        self._endpoint = endpoint
        self._tasks = tasks
        self._rng = rng
        self._known = known
        self._on_peers = on_peers
        self._node = DhtNode(
            limits=config.limits,
            policy=policy,
            families=("ipv6" if endpoint.ipv6 else "ipv4",),
            listen_port=config.listen.port,
            read_only=config.dht.read_only,
            rng=rng,
            secret_rng=secret_rng,
            now=time.monotonic(),
            snapshot=snapshot,
        )
        self._driver = Driver(self._next_deadline, self._tick)
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

    def get_peers(
        self,
        infohash: InfoHash,
        port: int | None,
        start: Sequence[tuple[NodeId, Address]],
        *,
        is_seed: bool,
        is_partial: bool,
    ) -> None:
        """`start`: who was found to be close."""
        now = time.monotonic()
        search = PeerSearch(infohash, port, start, is_seed=is_seed, is_partial=is_partial)
        self._perform(self._node.search(search, now), now)
        self._driver.rearm(now)

    def cancel_search(self, infohash: InfoHash) -> None:
        self._node.cancel_search(infohash)

    def rejoin(self, slept_s: float) -> None:
        """The machine's network changed, or the machine slept."""
        now = time.monotonic()
        self._perform(self._node.rejoin(now, slept_s), now)
        self._driver.rearm(now)

    def snapshot(self, now: float) -> bytes:
        return self._node.snapshot(now)

    def stats(self, now: float) -> DhtStats:
        """It has one family."""
        return self._node.stats(now)

    @property
    def replies_sent(self) -> int:
        return self._node.replies_sent

    def nodes(self, now: float) -> list[NodeStats]:
        return self._node.node_stats(now)

    def searches(self) -> list[SearchStats]:
        return self._node.search_stats()

    def _next_deadline(self) -> float | None:
        return self._node.next_deadline() if self._endpoint.is_open else None

    def _tick(self, now: float) -> None:
        if self._endpoint.is_open:
            self._perform(self._node.tick(now), now)

    def _perform(self, outputs: list[Output], now: float) -> None:
        for output in outputs:
            if isinstance(output, SendDatagram):
                self._endpoint.send(output.data, output.address)
            elif isinstance(output, PeersFound):
                self._on_peers(output.infohash, output.peers)
            elif isinstance(output, BootstrapWanted):
                known = self._known()
                seeds = self._rng.sample(known, min(SEEDS_MAX, len(known)))
                self._perform(self._node.bootstrap(seeds, now), now)
