"""What the node counts (no BEP applies): all that is sent, answered and dropped."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal

from torrentd.dht.health import HealthState

Family = Literal["ipv4", "ipv6"]


@dataclass(slots=True)
class FamilyStats:
    """One of the two DHTs of BEP 32, as it is now."""

    family: Family
    node_id: str
    external_address: str | None
    nodes_good: int
    nodes_questionable: int
    nodes_bad: int
    buckets: int
    votes: dict[str, list[str]]  # by the address that they say is ours: who said so
    health: HealthState = "joining"
    rejoins: int = 0  # begun because nobody answered, or too few good nodes were left


@dataclass(slots=True)
class NodeStats:
    """One contact of a routing table. Times are in seconds since then; None: never."""

    family: Family
    node_id: str
    address: str
    state: str
    rtt_s: float | None
    replied_age_s: float | None
    fits_host: bool  # its id follows BEP 42
    listens_at: str | None = None  # where that node of ours is which has it in its table (BEP 45)


@dataclass(slots=True)
class SearchStats:
    """One search as it is now; `waiting` until there is room for it, or a node to ask."""

    infohash: str
    waiting: bool
    queries: int
    responses: int
    peers: int
    method: str = "get_peers"  # what it asks of the nodes


@dataclass(slots=True)
class DhtStats:
    """Counters since the start, what is dropped by its reason; what stands below `queries_pending`
    is as of the last call."""

    queries_sent: int = 0
    replies_received: int = 0
    errors_received: int = 0
    timeouts: int = 0
    queries_received: int = 0
    replies_sent: int = 0
    errors_sent: int = 0
    announces_accepted: int = 0
    announces_refused: int = 0
    puts_accepted: int = 0
    puts_refused: int = 0
    datagrams_received: int = 0
    datagrams_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0

    dropped_not_krpc: int = 0  # by length or first byte, before any decode
    dropped_source: int = 0  # an address that the policy does not let us answer
    dropped_malformed: int = 0
    dropped_flood: int = 0  # too many from one source
    dropped_budget: int = 0  # the answer would exceed what we send a second
    dropped_amplifying: int = 0  # the answer would be more than 4 times the query
    dropped_unasked: int = 0  # a reply or error that answers no query of ours
    dropped_own: int = 0  # our own id or address: an echo
    dropped_read_only: int = 0  # a query while we are read-only (BEP 43)
    addresses_refused: int = 0  # in replies, by the policy
    id_mismatches: int = 0  # a node answered under another id than it had
    queries_not_sent: int = 0  # the transaction table was full

    queries_pending: int = 0
    searches_running: int = 0
    peers_stored: int = 0
    items_stored: int = 0
    nodes_good: int = 0
    nodes_questionable: int = 0
    nodes_bad: int = 0
    last_reply_at: float | None = None
    families: list[FamilyStats] = field(default_factory=list)

    def plus(self, others: Iterable["DhtStats"]) -> "DhtStats":
        """Of several nodes together (BEP 45); the last reply is the latest, the families those of
        this one."""
        all_of_them = [self, *others]
        total = replace(self)
        for name in _COUNTERS:
            setattr(total, name, sum(getattr(stats, name) for stats in all_of_them))
        replied_at = [s.last_reply_at for s in all_of_them if s.last_reply_at is not None]
        total.last_reply_at = max(replied_at, default=None)
        return total

    @property
    def nodes_known(self) -> int:
        """Those that may be asked."""
        return self.nodes_good + self.nodes_questionable

    @property
    def datagrams_dropped(self) -> int:
        return (
            self.dropped_not_krpc
            + self.dropped_source
            + self.dropped_malformed
            + self.dropped_flood
            + self.dropped_budget
            + self.dropped_amplifying
            + self.dropped_unasked
            + self.dropped_own
            + self.dropped_read_only
        )


_COUNTERS: Final = [f.name for f in fields(DhtStats) if f.name not in ("last_reply_at", "families")]
