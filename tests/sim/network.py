"""A network in virtual time: a clock that jumps, hosts that are slow, deaf, dead or behind a NAT.

Everything random comes from one seed, ties in time are broken by the order of scheduling, and every
delivery goes into a running digest: two runs of one seed have the same `trace`, whatever the hash
seed of the process.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from torrentd.wire.formats.address import Address

Receive = Callable[[bytes, Address], None]


class Simulation:
    """The clock, and what will happen. Calls at one time come in the order they were asked for."""

    def __init__(self, seed: int) -> None:
        self.now = 1000.0  # not zero: nothing may depend on a clock that starts with the process
        self.rng = random.Random(seed)
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._digest = blake2b(digest_size=16)

    def call_at(self, at: float, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (max(at, self.now), self._count, call))

    def call_in(self, delay_s: float, call: Callable[[], None]) -> None:
        self.call_at(self.now + delay_s, call)

    def run_until(self, at: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Let everything up to `at` happen, or until `stop()`, which is what it returns."""
        while self._queue and self._queue[0][0] <= at:
            self.now, _, call = heapq.heappop(self._queue)
            call()
            if stop():
                return True
        self.now = max(self.now, at)
        return stop()

    def run_for(self, duration_s: float, stop: Callable[[], bool] = lambda: False) -> bool:
        return self.run_until(self.now + duration_s, stop)

    def note(self, *parts: object) -> None:
        """Add to the trace: numbers, text, bytes."""
        self._digest.update(repr((self.now, *parts)).encode())

    @property
    def trace(self) -> str:
        return self._digest.hexdigest()


@dataclass(slots=True)
class Host:
    """`delay_s` is its share of a one-way trip. A host behind a NAT hears only whom it spoke to in
    the last minute; a dead one hears nobody."""

    delay_s: float
    receive: Receive | None = None
    behind_nat: bool = False
    is_dead: bool = False


@dataclass(slots=True)
class Conditions:
    """`delay_s` is the median of one end's share of a one-way trip: 0.03 makes round trips of
    120 ms; `spread` is how much it differs from host to host (sigma of a log-normal). `jitter_s` is
    the mean of what each trip adds. A share `tail` of the trips waits in some queue for seconds."""

    loss: float = 0.0
    delay_s: float = 0.03
    spread: float = 0.5
    jitter_s: float = 0.005
    tail: float = 0.0
    tail_s: float = 1.5


class Network:
    """Datagrams between addresses. Nothing here knows what they say."""

    NAT_S = 60.0

    def __init__(self, simulation: Simulation, conditions: Conditions) -> None:
        self.simulation = simulation
        self.conditions = conditions
        self.hosts: dict[Address, Host] = {}
        self.datagrams_sent = 0
        self.bytes_sent = 0
        self.watch: Callable[[bytes, Address, Address], None] = lambda data, source, to: None
        self._spoken: dict[tuple[Address, Address], float] = {}

    def attach(
        self,
        address: Address,
        receive: Receive | None,
        *,
        behind_nat: bool = False,
        delay_s: float | None = None,
    ) -> Host:
        """Put a host at an address; without `receive` it is one that never answers."""
        if delay_s is None:
            drawn = self.simulation.rng.lognormvariate(0.0, self.conditions.spread)
            delay_s = self.conditions.delay_s * drawn
        host = Host(delay_s, receive, behind_nat, is_dead=receive is None)
        self.hosts[address] = host
        return host

    def one_way_s(self, source: Address, to: Address) -> float:
        """How long a trip takes now; also for links that are not datagrams."""
        ends_s = sum(self.hosts[a].delay_s for a in (source, to) if a in self.hosts)
        trip_s = ends_s + self.simulation.rng.expovariate(1 / self.conditions.jitter_s)
        if self.conditions.tail and self.simulation.rng.random() < self.conditions.tail:
            trip_s += self.simulation.rng.expovariate(1 / self.conditions.tail_s)
        return trip_s

    def send(self, data: bytes, source: Address, to: Address) -> None:
        self.datagrams_sent += 1
        self.bytes_sent += len(data)
        self.watch(data, source, to)
        self._spoken[source, to] = self.simulation.now
        delay_s = self.one_way_s(source, to)
        if self.simulation.rng.random() >= self.conditions.loss:
            self.simulation.call_in(delay_s, lambda: self._deliver(data, source, to))

    def _deliver(self, data: bytes, source: Address, to: Address) -> None:
        host = self.hosts.get(to)
        if host is None or host.is_dead or host.receive is None:
            return
        if host.behind_nat and not self._lets_in(source, to):
            return
        self.simulation.note(str(source), str(to), data)
        host.receive(data, source)

    def _lets_in(self, source: Address, to: Address) -> bool:
        spoken_at = self._spoken.get((to, source))
        return spoken_at is not None and self.simulation.now - spoken_at <= self.NAT_S
