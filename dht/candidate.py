"""A node that one search may ask, and what is known of it there (BEP 5, Overview; BEP 42)."""

import math
from enum import Enum, auto
from typing import Final

from torrentd.dht.node_id import NodeId, distance, id_fits_host
from torrentd.wire.formats.address import Address

S_PER_BIT: Final = 0.03  # a node twice as close is worth waiting so much longer for
RTT_S: Final = 0.12  # of a node that was never asked: the median of the mainline
SOFT_TIMEOUT_S: Final = 0.5
SOFT_TIMEOUT_S_MIN: Final = 0.1
SEED_TIMEOUT_S: Final = 0.5
DEAD_TIPS_MAX: Final = 3  # of one node, and no living one: its further ones come last


class State(Enum):
    NEW = auto()
    ASKED = auto()
    SLOW = auto()  # asked, and silent beyond the soft time-out
    ANSWERED = auto()
    FAILED = auto()


class Candidate:
    """A node that may be asked. `node_id` is None for a seed: an address from a bootstrap."""

    __slots__ = (
        "address", "asked", "closer_named", "dead_tips", "deadline", "distance", "fits_host",
        "is_seed", "live_tips", "neighbours", "node_id", "open", "rtt_s", "source", "state",
        "token",
    )  # fmt: skip

    def __init__(
        self,
        address: Address,
        node_id: NodeId | None,
        target: bytes,
        source: "Candidate | None",
        rtt_s: float | None,
    ) -> None:
        self.address: Final = address
        self.node_id = node_id
        self.is_seed: Final = node_id is None
        self.distance = -1 if node_id is None else distance(node_id, target)  # a seed comes first
        self.fits_host = node_id is not None and id_fits_host(node_id, address.host)
        self.source: Final = source  # whose answer named it
        self.rtt_s: Final = rtt_s
        self.state = State.NEW
        self.asked = 0  # queries sent
        self.open = 0  # of those, neither answered nor timed out
        self.deadline = 0.0  # of the soft time-out, while ASKED
        self.dead_tips = 0  # nodes that it named and that are silent
        self.live_tips = 0  # nodes that it named and that answered
        self.neighbours: list[Candidate] = []  # all of its network, itself among them
        self.closer_named: list[Candidate] = []  # by its answer, and closer than it; closest first
        self.token: bytes | None = None

    @property
    def soft_timeout_s(self) -> float:
        if self.node_id is None:
            return SEED_TIMEOUT_S
        if self.rtt_s is None:
            return SOFT_TIMEOUT_S
        return min(max(2 * self.rtt_s, SOFT_TIMEOUT_S_MIN), SOFT_TIMEOUT_S)

    @property
    def is_doubtful(self) -> bool:
        source = self.source
        return source is not None and not source.live_tips and source.dead_tips >= DEAD_TIPS_MAX


def by_distance(candidate: Candidate) -> int:
    return candidate.distance


def rank(candidate: Candidate) -> tuple[bool, float]:
    """Smaller is asked first: seeds, then who is close, and near; last whom nobody vouches for."""
    if candidate.node_id is None:
        return False, -math.inf
    return candidate.is_doubtful, cost(candidate.distance, candidate.rtt_s)


def cost(distance_to_target: int, rtt_s: float | None) -> float:
    """What it takes from there, in bits of the distance: smaller is better."""
    return distance_to_target.bit_length() + (RTT_S if rtt_s is None else rtt_s) / S_PER_BIT


def worth(candidate: Candidate) -> tuple[bool, int]:
    """Smaller is better."""
    return not candidate.fits_host, candidate.distance
