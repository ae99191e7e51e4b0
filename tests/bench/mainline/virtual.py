"""The same network in virtual time: one real DhtNode, hundreds of searches a minute of ours.

    python -m tests.bench.mainline.virtual [--searches 100]

What is measured live is the truth; here each idea of a search is switched off alone, seed by seed.
"""

import argparse
import heapq
import math
import random
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from unittest import mock

from tests.bench.mainline.krpc_answers import Answers
from tests.bench.mainline.population import Population, address_of, is_alive
from tests.bench.mainline.weather import Weather
from torrentd.config.schema import Limits
from torrentd.dht import candidate, lookup, network, searches
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import BootstrapWanted, Output, PeersFound, SendDatagram
from torrentd.dht.searches import Searches
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import InfoHash

HOST: Final = Address("151.77.1.1", 6881)
PEER_PORT: Final = 26882
WARM_UP_S: Final = 60.0
SPACING_S: Final = 8.0  # between two warm searches
COLD_S: Final = 8.0
START_S: Final = 0.005
Patches: TypeAlias = list[tuple[object, str, object]]
IDEAS: Final[dict[str, Patches]] = {  # each switched off, or overdone, alone
    "as it is": [],
    "6 queries at once instead of 9": [(lookup, "WINDOW", 6)],
    "11 queries at once": [(lookup, "WINDOW", 11)],
    "16 queries at once": [(lookup, "WINDOW", 16)],
    "as many at once after peers are found": [(lookup, "WINDOW_WITH_PEERS", lookup.WINDOW)],
    "no patience after peers are found": [(lookup, "PATIENCE_S", candidate.SOFT_TIMEOUT_S)],
    "a soft time-out of 0.25 s": [(candidate, "SOFT_TIMEOUT_S", 0.25)],
    "near nodes preferred twice as much": [(candidate, "S_PER_BIT", 0.015)],
    "near nodes not preferred": [(candidate, "S_PER_BIT", 1000.0)],
    "begun from 64 nodes of the table alone": [
        (searches, "START_NODES", 64),
        (searches, "START_NEAR_NODES", 0),
    ],
    "begun from 8 near nodes beside it": [(searches, "START_NEAR_NODES", 8)],
    "no surveys after the join": [(network, "SURVEY_LOOKUPS", 0)],
    "bootstrap hosts not asked at once": [(Searches, "_offer_seeds", lambda self, lookup: None)],
}


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
        """One after the other, as names resolve."""
        for address in self._bootstraps:
            self._perform(self.node.bootstrap([address], self.now))

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
    """The search begins a moment after the bootstrap, as with a magnet that is added at once."""
    found: list[Found] = []
    for seed in range(count):
        node = VirtualNode(population, 1000 + seed)
        node.run_for(START_S)
        found.append(node.search(COLD_S))
    return found


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


@contextmanager
def patched(patches: Patches) -> Iterator[None]:
    with ExitStack() as stack:
        for where, name, value in patches:
            stack.enter_context(mock.patch.object(where, name, value))
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=100)
    options = parser.parse_args()
    population = Population(1 << 20)
    print("first peers, s: median, p90, queries      cold                    warm")
    for name, patches in IDEAS.items():
        with patched(patches):
            row = [told(how(population, options.searches)) for how in (cold, warm)]
        print(f"{name:38}" + "     ".join(row), flush=True)


if __name__ == "__main__":
    main()
