"""How long an exchange takes, and whether it arrives at all."""

import random
from typing import Final

from tests.bench.mainline.population import round_trip_s

LOSS: Final = 0.05  # of the exchanges: the query or its answer
SPREAD: Final = (0.95, 1.15)  # of a node's round trip, from one to the next
LATE_SHARE: Final = 0.02  # that wait in some queue …
LATE_MEAN_S: Final = 0.5  # … for this long, in the mean


class Weather:
    def __init__(self, rng: random.Random) -> None:
        self._rng: Final = rng

    def delay_s(self, host: int) -> float | None:
        """Of one exchange with the node at `host`; None: lost."""
        rng = self._rng
        if rng.random() < LOSS:
            return None
        late_s = rng.expovariate(1 / LATE_MEAN_S) if rng.random() < LATE_SHARE else 0.0
        return round_trip_s(host) * rng.uniform(*SPREAD) + late_s
