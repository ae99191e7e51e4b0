"""What is told of the DHT node: its counters and tables as documents (names: daemon/status)."""

from collections.abc import Callable, Sequence

from torrentd.daemon.status import DhtFamilyStatus, DhtStatus
from torrentd.dht.stats import DhtStats, Family, FamilyStats
from torrentd.wire.formats.address import Address

JOINING_PATIENCE_S = 30.0  # then `status` says that nobody answers


def silence_sentence(stats: DhtStats, now: float, started_at: float) -> str | None:
    """What is wrong, when nobody answers in either family."""
    if any(family.health == "online" for family in stats.families):
        return None
    rejoins = sum(family.rejoins for family in stats.families)
    again = f"; asked again with new sockets, {rejoins} times" if rejoins else ""
    if stats.last_reply_at is not None:
        return f"no DHT node has answered for {now - stats.last_reply_at:.0f} s{again}"
    if now - started_at < JOINING_PATIENCE_S:
        return None
    return f"no DHT node has answered since the start, {now - started_at:.0f} s ago{again}"


def dht_status(
    stats: DhtStats,
    now: float,
    further: Sequence[tuple[Address, DhtStats]] = (),
    speaks_at: Callable[[Family], str | None] = lambda family: None,
    *,
    dropped: int,
    answered_per_s: float,
) -> DhtStatus:
    """`stats` are those of the node at the first address of each family, `further` the
    others (BEP 45), and all of them are counted; `dropped` are the datagrams that never came as far
    as a node."""
    own, stats = stats, stats.plus(others for _, others in further)
    replied_at = stats.last_reply_at
    return DhtStatus(
        enabled=True,
        nodes_good=stats.nodes_good,
        nodes_questionable=stats.nodes_questionable,
        nodes_bad=stats.nodes_bad,
        searches_running=stats.searches_running,
        peers_stored=stats.peers_stored,
        items_stored=stats.items_stored,
        queries_sent=stats.queries_sent,
        replies_received=stats.replies_received,
        timeouts=stats.timeouts,
        queries_received=stats.queries_received,
        replies_sent=stats.replies_sent,
        answered_per_s=round(answered_per_s, 2),
        last_reply_age_s=None if replied_at is None else round(now - replied_at, 1),
        datagrams_received=stats.datagrams_received + dropped,
        datagrams_sent=stats.datagrams_sent,
        datagrams_dropped=stats.datagrams_dropped + dropped,
        bytes_received=stats.bytes_received,
        bytes_sent=stats.bytes_sent,
        families=[_family(family, speaks_at(family.family)) for family in own.families],
        further=[
            _family(family, str(address)) for address, other in further for family in other.families
        ],
    )


def _family(stats: FamilyStats, listens_at: str | None) -> DhtFamilyStatus:
    return DhtFamilyStatus(
        stats.family,
        stats.node_id,
        stats.external_address,
        stats.nodes_good,
        stats.nodes_questionable,
        stats.nodes_bad,
        stats.buckets,
        stats.votes,
        stats.health,
        stats.rejoins,
        listens_at,
    )
