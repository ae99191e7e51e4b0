"""Network: one of the two DHTs of BEP 32, with our id, routing table and address in it, and what is
due to keep the table alive (BEP 5, Routing Table; BEP 42).

It decides when; `DhtNode` asks and sends. Three things are due from time to time: bootstrap hosts
(too few nodes, with back-off for ever), a lookup (our own id after the first node, then a bucket
that has not changed for 15 minutes, or that holds nodes for which nothing speaks), a ping (a
questionable node, one whose proof ends soon, one that a lookup found, or one that queried us and is
not in the table yet).
"""

import random
from typing import Final

from torrentd.dht.bucket import BUCKET_SIZE, Bucket
from torrentd.dht.contact import Contact, NodeState
from torrentd.dht.external_address import ExternalAddressVote
from torrentd.dht.health import Health
from torrentd.dht.lookup import Lookup
from torrentd.dht.near_nodes import NearNodes
from torrentd.dht.node_id import NodeId, id_fits_host, node_id_for, random_node_id
from torrentd.dht.routing_table import RoutingTable
from torrentd.dht.stats import Family, FamilyStats, NodeStats
from torrentd.dht.vouching import Vouching
from torrentd.wire.formats.address import Address, AddressPolicy

BOOTSTRAP_S_MIN: Final = 5.0
BOOTSTRAP_S_MAX: Final = 300.0
SILENT_BOOTSTRAP_S_MAX: Final = 20.0  # while nobody at all answers: back soon after the network
PING_S: Final = 5.0  # 160 nodes within a quarter of an hour
PING_SOON_S: Final = 0.2  # after a start, when most of the table has to prove itself again
RENEWAL_SPACING_S: Final = 1.0  # 300 nodes while their proofs last
VERIFY_S: Final = 0.1
UNVERIFIED_MAX: Final = 16  # nodes that queried us, waiting for a ping
REFRESH_SPACING_S: Final = 1.0
FILL_SPACING_S: Final = 0.1  # after a start: at home within ten seconds (T24)
RETRY_S: Final = 10.0  # between two lookups of our own id while nobody answers: an outage
FILL_BELOW: Final = BUCKET_SIZE // 2  # nodes: a bucket with fewer gets a lookup of its own
SELF_LOOKUP_S: Final = 15 * 60.0
SURVEY_LOOKUPS: Final = 32  # once after a join, for whom searches begin with (NearNodes) …
SURVEY_S: Final = 0.2  # … each for so long once anybody answered: it is the near ones that we want
# Ids beside ours cost a liar nothing and us a bucket for each bit: no lookups in deeper ones than
# a network of four milliards of nodes has.
DEPTH_MAX: Final = 32


class Network:
    def __init__(
        self,
        family: Family,
        policy: AddressPolicy,
        rng: random.Random,
        secret_rng: random.Random,
        now: float,
        own_id: NodeId | None = None,
    ) -> None:
        self.family: Final = family
        self.vote: Final = ExternalAddressVote()
        self.health: Final = Health(now)
        self.own_id = own_id or random_node_id(secret_rng)
        self.table = RoutingTable(self.own_id, policy, now)
        self.near_nodes: Final = NearNodes()
        self.upkeep: Lookup | None = None  # the one lookup of ours that keeps the table
        self.bootstrap_at = now
        self._bootstrap_s = BOOTSTRAP_S_MIN
        self._policy: Final = policy
        self._rng: Final = rng
        self._secret_rng: Final = secret_rng
        self._joined_at: float | None = None  # when the last lookup of our own id began
        self._ping_at = now
        self._verify_at = now
        self._refresh_at = now
        self._unverified: dict[Address, bool] = {}  # whether to ping even a node of the table
        self._unfilled: list[NodeId] = []  # targets in the buckets to fill after a join
        self._vouching: Final = Vouching(now)
        # The first lookup, from which all others begin, and those after the table was filled hear
        # everybody; in between there is no time for it (T24).
        self.has_time = True
        self.is_filled = False
        self.is_surveying = False  # the lookup that is due, or under way
        self._surveys_left = SURVEY_LOOKUPS

    # Bootstrap.

    def bootstrap_soon(self, now: float) -> None:
        """The back-off begins anew, after the bootstrap that begins now."""
        self._bootstrap_s = BOOTSTRAP_S_MIN
        self.bootstrap_at = now + BOOTSTRAP_S_MIN

    def is_bootstrap_due(self, now: float, *, nobody_answers: bool) -> bool:
        """Too few nodes, and the last try was long enough ago: 5 s, then up to 5 min (D14), or to
        20 s as long as nobody answers, in either family."""
        if now < self.bootstrap_at:
            return False
        if self.table.count(NodeState.GOOD, now) >= BUCKET_SIZE:
            self._bootstrap_s = BOOTSTRAP_S_MIN
            self.bootstrap_at = now + BOOTSTRAP_S_MAX
            return False
        self.bootstrap_at = now + self._bootstrap_s * self._rng.uniform(0.8, 1.2)
        s_max = SILENT_BOOTSTRAP_S_MAX if nobody_answers else BOOTSTRAP_S_MAX
        self._bootstrap_s = min(2 * self._bootstrap_s, s_max)
        return True

    # Lookups.

    def lookup_due(self, now: float) -> NodeId | None:
        """The target of the next upkeep lookup, when one is due and none is under way."""
        if self.upkeep is not None or self.table.is_empty or now < self._refresh_at:
            return None
        if self._joined_at is None or now >= self._joined_at + SELF_LOOKUP_S:
            self._joined_at = now
            return self.own_id
        if self._unfilled:
            self._refresh_at = now + FILL_SPACING_S
            return self._unfilled.pop()
        if not self.is_filled:
            self.is_filled = self.has_time = True
            self._joined_at = now
            return self.own_id
        self._refresh_at = now + REFRESH_SPACING_S
        if self._surveys_left:
            self._surveys_left -= 1
            self.is_surveying = True
            return self._survey_target()
        lonely = [bucket for bucket in self.table.lonely_buckets(now) if bucket.bits <= DEPTH_MAX]
        if lonely:
            lonely[0].changed(now)  # asked now; what it brings will change it again
            return self.table.refresh_target(lonely[0], self._rng)
        others = [bucket for bucket in self.table.buckets if not self._is_own(bucket)]
        bucket = self._vouching.bucket_due(others, now)
        return self.table.refresh_target(bucket, self._rng) if bucket is not None else None

    def lookup_ended(self, lookup: Lookup, now: float) -> None:
        """Whom it found is asked once more. After the lookup of our own id: fill the buckets that
        it left unfilled, once."""
        self.upkeep = None
        self.has_time = self.is_filled
        self.is_surveying = False
        is_own = lookup.target == self.own_id
        closest = lookup.closest() if lookup.hears_everybody else []
        for address in self._vouching.lookup_ended(closest, of_own_id=is_own):
            self._unverified[address] = True
        if is_own:
            self._vouching.begin_anew()
            self._joined_at = now if lookup.responses else None
            self._refresh_at = now if lookup.responses else now + RETRY_S
            self._unfilled = [
                self.table.refresh_target(bucket, self._rng)
                for bucket in self.table.buckets
                if len(bucket.nodes) < FILL_BELOW
                and bucket.bits <= DEPTH_MAX
                and not self._is_own(bucket)
            ]

    def _survey_target(self) -> NodeId:
        """The surveys are spread evenly over all ids; those that fill the table are not."""
        low = self._surveys_left * 256 // SURVEY_LOOKUPS
        return NodeId(
            bytes([low + self._rng.randrange(256 // SURVEY_LOOKUPS)]) + self._rng.randbytes(19)
        )

    def _is_own(self, bucket: Bucket) -> bool:
        return bool(bucket.has_in_range(self.table.node))

    # Pings.

    def heard_of(self, node_id: bytes, address: Address) -> bool:
        """Somewhere is a node that would fit: it is pinged before it may enter (D10)."""
        if not self.wants_to_hear_of(node_id, address):
            return False
        self._unverified[address] = False
        return True

    def prove(self, address: Address) -> bool:
        """A stranger asked for more than strangers get: its answer to a ping proves that it is
        where it says. False: too many wait for theirs."""
        if len(self._unverified) >= UNVERIFIED_MAX and address not in self._unverified:
            return False
        self._unverified[address] = True
        return True

    def wants_to_hear_of(self, node_id: bytes, address: Address) -> bool:
        return len(self._unverified) < UNVERIFIED_MAX and self.table.has_room(node_id, address)

    def pings_due(self, now: float) -> list[Contact | Address]:
        """A contact is the ping of its bucket and must be told to the table if it is not sent."""
        due: list[Contact | Address] = []
        if self._unverified and now >= self._verify_at:
            self._verify_at = now + VERIFY_S
            address = next(iter(self._unverified))
            if self._unverified.pop(address) or self.table.at(address) is None:
                due.append(address)
        if now >= self._ping_at:
            contact = self.table.questionable_to_ping(now)
            is_young = 2 * self.table.count(NodeState.GOOD, now) < len(self.table)
            self._ping_at = now + (PING_SOON_S if is_young and contact is not None else PING_S)
            if contact is None:
                contact = self.table.proof_to_renew(now)
                if contact is not None:
                    self._ping_at = now + RENEWAL_SPACING_S
            if contact is not None:
                due.append(contact)
        return due

    def replied(
        self, node_id: NodeId, address: Address, now: float, rtt_s: float
    ) -> Contact | None:
        """A node answered a query of ours: the table is told. Returns whom to ping."""
        self.near_nodes.heard(node_id, address, rtt_s, now)
        vouched = self._vouching.speaks_for(node_id, address)
        return self.table.replied(node_id, address, now, rtt_s, vouched)

    def failed(self, address: Address, now: float) -> Contact | None:
        """It left one unanswered. Returns whom to ping."""
        self.near_nodes.failed(address)
        return self.table.failed(address, now)

    def age(self, duration_s: float) -> None:
        """So much time passed beside the clock, while the machine slept."""
        self.table.age(duration_s)
        self.near_nodes.age(duration_s)

    # Our address.

    def heard_external(self, voter: Address, host: str, now: float) -> str | None:
        """Who was found by a lookup that heard everybody may vote: liars close by, who name each
        other, are many more among those that we merely met."""
        contact = self.table.at(voter)
        if contact is not None and contact.vouched:
            self.vote.add(voter.host, host, now)
        return self.elect(now)

    def elect(self, now: float) -> str | None:
        """Our address if it changed just now; the id then follows (BEP 42), the table is kept."""
        host = self.vote.elect(now)
        if host is not None and not id_fits_host(self.own_id, host):
            self.take_id(node_id_for(host, self._secret_rng), now)
        return host

    def take_id(self, own_id: NodeId, now: float) -> None:
        """From now on; whoever is in the table stays, as far as there is room."""
        contacts = list(self.table)
        self.own_id = own_id
        if self.upkeep is not None:
            self.upkeep.is_over = True  # it looked for other neighbours
        self.table = RoutingTable(own_id, self._policy, now)
        for contact in contacts:
            self.table.restore(contact, now)
        self._joined_at = None
        self._refresh_at = now
        self.is_filled = False

    def next_deadline(self) -> float:
        deadlines = [self.bootstrap_at, self._ping_at]
        if self._unverified:
            deadlines.append(self._verify_at)
        if self.vote.settles_at is not None:
            deadlines.append(self.vote.settles_at)
        if self.upkeep is None and not self.table.is_empty:
            is_young = not self.is_filled or self._surveys_left > 0
            if self._joined_at is None or self._unfilled or is_young:
                deadlines.append(self._refresh_at)
            else:
                deadlines.append(max(self._joined_at + SELF_LOOKUP_S, self._refresh_at))
        return min(deadlines)

    def stats(self, now: float) -> FamilyStats:
        return FamilyStats(
            self.family,
            node_id=self.own_id.hex(),
            external_address=self.vote.host,
            nodes_good=self.table.count(NodeState.GOOD, now),
            nodes_questionable=self.table.count(NodeState.QUESTIONABLE, now),
            nodes_bad=self.table.count(NodeState.BAD, now),
            buckets=len(self.table.buckets),
            votes=self.vote.votes(),
            health=self.health.state,
            rejoins=self.health.rejoins,
        )

    def node_stats(self, now: float) -> list[NodeStats]:
        return [
            NodeStats(
                self.family,
                node_id=contact.id.hex(),
                address=str(contact.address),
                state=contact.state(now).value,
                rtt_s=contact.rtt_s,
                replied_age_s=None
                if contact.last_replied_at is None
                else now - contact.last_replied_at,
                fits_host=contact.fits_host,
            )
            for contact in self.table
        ]
