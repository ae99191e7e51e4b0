"""The same network in virtual time: one real DhtNode, hundreds of searches a minute of ours.

    python -m tests.bench.mainline.virtual [--searches 100] [--windows 8,6,4]

What is measured live is the truth; here ways to search can be compared, seed by seed: how many
queries are under way before peers are found, and after.
"""

import argparse
import heapq
import math
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from unittest import mock

from tests.bench.mainline.krpc_answers import Answers
from tests.bench.mainline.population import Population, address_of, is_alive
from tests.bench.mainline.weather import Weather
from torrentd.config.schema import Limits
from torrentd.dht import lookup
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import BootstrapWanted, Output, PeersFound, SendDatagram
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import InfoHash

HOST: Final = Address("151.77.1.1", 6881)
PEER_PORT: Final = 26882
WARM_UP_S: Final = 60.0
SPACING_S: Final = 8.0  # between two warm searches
COLD_S: Final = 8.0


@dataclass
class Found:
    """One search: seconds to the first values (None: never), queries in all and until then."""

    values_s: float | None
    queries: int
    queries_before: int


@dataclass(order=True)
class _Event:
    at: float
    serial: int
    what: Callable[[], None] = field(compare=False)


class VirtualNode:
    """One DhtNode, its clock, and the network around it."""

    def __init__(self, population: Population, seed: int, snapshot: bytes | None = None) -> None:
        self.now = 1000.0
        self.sent = 0
        self.infohashes: dict[bytes, list[float]] = {}  # when which get_peers left
        self.values_at: dict[bytes, float] = {}
        self._rng = random.Random(seed)
        self._weather = Weather(random.Random(seed + 1))
        self._answers = Answers(population)
        self._bootstraps = population.bootstraps
        self._events: list[_Event] = []
        self._serial = 0
        self._timer_at: float | None = None
        self.node = DhtNode(
            limits=Limits(),
            policy=AddressPolicy(allow_local=False),
            families=("ipv4",),
            listen_port=HOST.port,
            read_only=False,
            rng=random.Random(seed + 2),
            secret_rng=random.Random(seed + 3),
            now=self.now,
            snapshot=snapshot,
        )
        self._tick()

    def run_for(self, seconds: float) -> None:
        end = self.now + seconds
        while self._events and self._events[0].at <= end:
            event = heapq.heappop(self._events)
            self.now = max(self.now, event.at)
            event.what()
        self.now = end

    def search(self, seconds: float) -> Found:
        """For an infohash of our own making, and for that long."""
        infohash = InfoHash(self._rng.randbytes(20))
        self._answers.announce(infohash, Address("140.1.2.3", PEER_PORT))
        began, sent = self.now, self.infohashes.setdefault(infohash, [])
        self._perform(self.node.get_peers(infohash, self.now))
        self.run_for(seconds)
        at = self.values_at.get(infohash)
        before = sum(t <= at for t in sent) if at is not None else len(sent)
        return Found(None if at is None else at - began, len(sent), before)

    def _perform(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case SendDatagram():
                    self._send(output.data, output.address)
                case BootstrapWanted():
                    self._call_in(0.002, self._bootstrap)
                case PeersFound():
                    self.values_at.setdefault(output.infohash, self.now)
                case _:
                    pass
        deadline = self.node.next_deadline()
        if deadline is not None and (self._timer_at is None or deadline < self._timer_at):
            self._timer_at = deadline
            self._call_in(max(deadline - self.now, 0.001), lambda: self._on_timer(deadline))

    def _send(self, data: bytes, to: Address) -> None:
        self.sent += 1
        host = int.from_bytes(bytes(map(int, to.host.split("."))))
        asked = self._answers.ask(data, HOST, host)
        assert asked is not None
        if asked.method == b"get_peers":
            self.infohashes.setdefault(asked.infohash, []).append(self.now)
        delay_s = self._weather.delay_s(host)
        if delay_s is not None and is_alive(host):
            source = address_of(host)
            self._call_in(delay_s, lambda: self._receive(asked.answer, source))

    def _receive(self, data: bytes, source: Address) -> None:
        self._perform(self.node.receive_datagram(data, source, self.now))

    def _bootstrap(self) -> None:
        self._perform(self.node.bootstrap(self._bootstraps, self.now))

    def _tick(self) -> None:
        self._timer_at = None
        self._perform(self.node.tick(self.now))

    def _on_timer(self, deadline: float) -> None:
        if self._timer_at == deadline:
            self._tick()

    def _call_in(self, seconds: float, what: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._events, _Event(self.now + seconds, self._serial, what))


def cold(population: Population, count: int) -> list[Found]:
    return [VirtualNode(population, 1000 + seed).search(COLD_S) for seed in range(count)]


def warm(population: Population, count: int, per_node: int = 20) -> list[Found]:
    found: list[Found] = []
    for seed in range(count // per_node):
        node = VirtualNode(population, 9000 + seed)
        node.run_for(WARM_UP_S)
        found += [node.search(SPACING_S) for _ in range(per_node)]
    return found


def told(found: list[Found]) -> str:
    waits_s = sorted(math.inf if one.values_s is None else one.values_s for one in found)
    p90_s = waits_s[len(waits_s) * 9 // 10]
    queries = statistics.mean(one.queries for one in found)
    return f"{statistics.median(waits_s):6.2f} {p90_s:6.2f} {queries:8.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--windows", default="8,6,5,4")
    options = parser.parse_args()
    population = Population(1 << 20)
    print("seconds to the first peers    cold: median, p90, queries    warm: median, p90, queries")
    for window in map(int, options.windows.split(",")):
        for with_peers in (window, lookup.WINDOW_WITH_PEERS):
            with mock.patch.multiple(lookup, WINDOW=window, WINDOW_WITH_PEERS=with_peers):
                row = [told(cold(population, options.searches))]
                row.append(told(warm(population, options.searches)))
            print(f"{window} at once, then {with_peers}           " + "        ".join(row))


if __name__ == "__main__":
    main()
