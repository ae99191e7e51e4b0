"""Access links in virtual time: what a host sends and takes, shared by its connections as by TCP.

Whoever has something to send takes turns on the uplink, a segment each. A connection has no more
than a window under way, so that one whose receiver is slow leaves its turns to the others; a
receiver takes segments in the order in which they come, which by the windows is a fair share each.
"""

from collections import deque
from collections.abc import Callable, Iterable

from tests.sim.network import Simulation

SEGMENT_BYTES = 17 * 1024  # a block and its header, or many small messages
WINDOW_BYTES = 128 * 1024  # sent and not yet taken by the receiver


class Uplink:
    """One host's way out."""

    def __init__(self, simulation: Simulation, bytes_per_s: float) -> None:
        self._simulation = simulation
        self._bytes_per_s = bytes_per_s
        self._turns: deque[Flow] = deque()
        self._busy = False
        self.sent_bytes = 0

    def offer(self, flow: "Flow") -> None:
        """It may have something to send; it gets a turn when it has, and one at a time."""
        if not flow.has_turn and flow.may_send:
            flow.has_turn = True
            self._turns.append(flow)
            if not self._busy:
                self._serve()

    def _serve(self) -> None:
        self._busy = bool(self._turns)
        if not self._busy:
            return
        flow = self._turns.popleft()
        flow.has_turn = False
        segment = flow.take()

        def sent() -> None:
            self.sent_bytes += len(segment)
            flow.sent(segment)
            self.offer(flow)
            self._serve()

        self._simulation.call_in(len(segment) / self._bytes_per_s, sent)


class Downlink:
    """One host's way in."""

    def __init__(self, simulation: Simulation, bytes_per_s: float) -> None:
        self._simulation = simulation
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0

    def arrive(self, size_bytes: int, taken: Callable[[], None]) -> None:
        """A segment is at the near end of the link; `taken` is called when it is through."""
        now = self._simulation.now
        self._free_at = max(self._free_at, now) + size_bytes / self._bytes_per_s
        self._simulation.call_at(self._free_at, taken)


class Flow:
    """What one end of a connection sends to the other, in order. `deliver` is called with each
    segment, `drained` whenever less waits than before."""

    def __init__(
        self,
        simulation: Simulation,
        uplink: Uplink,
        downlink: Downlink,
        delay_s: float,
        deliver: Callable[[bytes], None],
        drained: Callable[[], None],
    ) -> None:
        self._simulation = simulation
        self._uplink = uplink
        self._downlink = downlink
        self._delay_s = delay_s
        self._deliver = deliver
        self._drained = drained
        self._waiting: deque[bytes | memoryview] = deque()
        self._under_way_bytes = 0
        self._then: Callable[[], None] | None = None
        self.waiting_bytes = 0
        self.has_turn = False

    @property
    def may_send(self) -> bool:
        return bool(self._waiting) and self._under_way_bytes < WINDOW_BYTES

    def send(self, data: Iterable[bytes | memoryview]) -> None:
        for part in data:
            self._waiting.append(part)
            self.waiting_bytes += len(part)
        self._uplink.offer(self)

    def end(self, then: Callable[[], None]) -> None:
        """Nothing more will be sent; `then` is called when the other end can know it."""
        self._then = then
        self._end_if_done()

    def cut(self, then: Callable[[], None]) -> None:
        """The host is gone, and what it had not sent yet."""
        self._waiting.clear()
        self.waiting_bytes = 0
        self.end(then)

    def take(self) -> bytes:
        """The next segment; empty when the flow was cut."""
        parts: list[bytes | memoryview] = []
        size_bytes = 0
        while self._waiting and (not parts or size_bytes + len(self._waiting[0]) <= SEGMENT_BYTES):
            parts.append(self._waiting.popleft())
            size_bytes += len(parts[-1])
        self._under_way_bytes += size_bytes
        return b"".join(parts)

    def sent(self, segment: bytes) -> None:
        """It has left the uplink."""
        self.waiting_bytes = max(self.waiting_bytes - len(segment), 0)

        def taken() -> None:
            self._under_way_bytes -= len(segment)
            self._deliver(segment)
            self._uplink.offer(self)
            self._end_if_done()

        def arrived() -> None:
            self._downlink.arrive(len(segment), taken)

        self._simulation.call_in(self._delay_s, arrived)
        self._drained()

    def _end_if_done(self) -> None:
        if self._then is not None and not self._waiting and not self._under_way_bytes:
            then, self._then = self._then, None
            self._simulation.call_in(self._delay_s, then)
