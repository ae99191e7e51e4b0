"""How fast a counter grows of late."""

from collections import deque

SPAN_S = 10.0  # a rate is over at least so long, once so much is known
SAMPLE_S = 1.0


class Meter:
    """`sample` it every few seconds with the counter's value."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, count: int, now: float) -> None:
        """One sample from before the span is kept, so that the rate is over the whole of it."""
        samples = self._samples
        if samples and now - samples[-1][0] < SAMPLE_S:
            return
        samples.append((now, count))
        while len(samples) > 1 and now - samples[1][0] >= SPAN_S:
            samples.popleft()

    def per_s(self, count: int, now: float) -> float:
        """0 until two moments are known."""
        if not self._samples:
            return 0.0
        at, before = self._samples[0]
        return (count - before) / (now - at) if now > at else 0.0
