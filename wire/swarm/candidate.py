"""One address that may be a peer, and how it went with it (security R1). No BEP applies."""

from dataclasses import dataclass
from typing import Literal

from torrentd.wire.formats.address import Address

Source = Literal["manual", "magnet", "dht", "lsd", "incoming", "pex"]
State = Literal["ready", "waiting", "dialing", "connected"]
Rank = Source | Literal["replaced"]

# Whom to dial first. The user's own come first, what strangers gossip comes last (R1).
ORDER: tuple[Source, ...] = ("manual", "magnet", "lsd", "dht", "incoming", "pex")
RANKS: tuple[Rank, ...] = (*ORDER, "replaced")
RETRY_S = 30.0  # after the first failure, then doubled …
RETRY_AFTER_TWO_S = 1800.0  # … but "after 2 failures 30 min" (R1)
RETRY_MANUAL_S_MAX = 900.0  # what the user named is tried for ever, and never less often than this
FAILURES_MAX = 4  # "after 4 dropped for 24 h"


@dataclass(slots=True)
class Candidate:
    """What `candidates` keeps of it."""

    address: Address
    source: Source
    state: State = "ready"
    failures: int = 0
    retry_at: float = 0.0
    parted_at: float = 0.0  # when it failed last, or its connection ended
    credit: int = 0  # dials that may fail before it counts
    priority: int = 0  # among those of its rank, the greatest first (BEP 40)
    replaced: bool = False  # it made room for others: dialed when none of them is left

    @property
    def rank(self) -> Rank:
        """Among whom it is, while it is ready."""
        return "replaced" if self.replaced else self.source

    def retry_s(self) -> float | None:
        """How long to leave it alone after its last failure; None: it is to be dropped."""
        manual = self.source == "manual"
        if self.failures >= FAILURES_MAX and not manual:
            return None
        delay_s = RETRY_S * 2.0 ** min(self.failures - 1, 16)
        if manual:
            return min(delay_s, RETRY_MANUAL_S_MAX)
        return max(delay_s, RETRY_AFTER_TWO_S) if self.failures >= 2 else delay_s
