"""One iterative search for the nodes closest to a target (BEP 5, Overview; BEP 42, Enforcement).

Loosely parallel: the nine best of all that are known are under way, so that whoever is named
nearer is asked the moment he is named; once peers are found, one at a time and with patience. One
that stays silent for half a second (less, where its round trip is known) gives its place to the
next, and its late answer is still taken. A search ends when the eight closest nodes that did not
fail have answered, or at 100 queries, or 60 seconds after the first one, whatever they say.

What made it fast stands in the table that `python -m tests.bench.mainline.virtual` prints, each
idea switched off alone (seconds to the first peers, queries). In short: a hop costs as long as the
fastest useful answer takes, so more at once shortens each hop (about ten are worth it, beyond
that only queries grow); near nodes are asked before closer but slow ones, and many more are known
than the table holds (NearNodes), which saves a hop; a search that begins amid the bootstrap asks
all bootstrap hosts itself; what is left once peers are found is not hasty, which pays for the haste
before. What won nothing: shorter soft time-outs, places that are freed bit by bit as a node stays
silent, more at once for the first queries only, distances finer than bits. Cold, 0.36 s is the
floor of that network: there, asking everybody who is named is no faster.

What makes lies expensive: only nodes whose id follows BEP 42 count for the end and only 40 of the
queries go to others; one node counts per IPv4 /24 and IPv6 /48; an answer adds at most eight nodes;
a node whose recommendations all turned out dead is believed last; a node has the id under which it
answers, whatever it was named. And in a search everybody gets a hearing: it does not end while a
query waits for its answer, or while of the nodes that someone named, and that are closer than
himself, none was heard. Else those who lie together win by being fast: eight of them answer before
the first honest node does. Only the lookups of a node that is not at home yet are too hasty for it.
Those that keep the table afterwards hear all they began with, too, and prefer nobody for being
near: from a table in which many lie they still find who is closest.

Invariants: `_order` holds every candidate that has not failed, closest first; an address is a
candidate once.
"""

from bisect import insort
from typing import Final

from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.candidate import Candidate, State, by_distance, rank, worth
from torrentd.dht.node_id import NodeId, distance, id_fits_host
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address, AddressPolicy, network_key

WINDOW: Final = 9
WINDOW_WITH_PEERS: Final = 1
PATIENCE_S: Final = 2.0  # the soft time-out once peers are found: nobody is asked for haste
SEED_ATTEMPTS: Final = 3  # a bootstrap's one lost datagram must not cost seconds
QUERIES_MAX: Final = 100
MISFITS_MAX: Final = 40  # of those, to nodes whose id does not follow BEP 42
LOOKUP_S: Final = 60.0
HASTE_S: Final = 2.5  # for a lookup of a node that is not at home yet, once anybody answered
NODES_PER_REPLY: Final = 8
NEIGHBOURS_MAX: Final = 3  # candidates of one network, of which one counts
HUNGRY: Final = 2 * BUCKET_SIZE  # with fewer candidates, any node that was heard of is welcome


class Lookup:
    """`infohash` searches use get_peers, the others find_node; the owner sends and tells."""

    def __init__(
        self,
        target: bytes,
        family: Family,
        policy: AddressPolicy,
        *,
        wants_peers: bool,
        hears_everybody: bool | None = None,
    ) -> None:
        self.target: Final = target
        self.family: Final = family
        self.wants_peers: Final = wants_peers
        self.hears_everybody: Final = wants_peers if hears_everybody is None else hears_everybody
        self.queries = 0
        self.responses = 0
        self.ends_s = LOOKUP_S  # set by the owner: after the first query, if anybody answers
        self.has_peers = False  # set by the owner: some were found, and haste is over
        self.is_over = (
            False  # set by the owner: nothing is asked any more, late answers still count
        )
        self._policy: Final = policy
        self._misfits = 0
        self._until: float | None = None
        self._order: list[Candidate] = []
        self._by_address: dict[Address, Candidate] = {}
        self._by_network: dict[bytes, list[Candidate]] = {}

    # Input.

    def offer(
        self,
        address: Address,
        node_id: NodeId | None,
        source: Candidate | None = None,
        rtt_s: float | None = None,
    ) -> bool:
        """A node that may be asked, already past the address policy. False: not taken."""
        known = self._by_address.get(address)
        if known is not None and known.node_id is None and known.state is State.FAILED:
            self._revive(known)
            return True
        if known is not None and (known.state is not State.NEW or known.node_id in (None, node_id)):
            return False
        candidate = Candidate(address, node_id, self.target, source, rtt_s)
        if known is not None and not self._give_way([known], candidate):
            return False
        if not self._has_room(candidate):
            return False
        self._by_address[address] = candidate
        if not self._is_exempt(address):
            neighbours = self._by_network.setdefault(network_key(address.host), [])
            neighbours.append(candidate)
            candidate.neighbours = neighbours
        insort(self._order, candidate, key=by_distance)
        return True

    def answered(
        self,
        candidate: Candidate,
        node_id: NodeId,
        nodes: list[tuple[NodeId, Address]],
        token: bytes | None,
    ) -> None:
        """It answered, perhaps late. `nodes` are past the policy; the closest eight are taken.
        `node_id` is the one it has, even if a liar named it under another."""
        if candidate.source is not None:
            candidate.source.live_tips += 1
        self.responses += 1
        candidate.open = 0
        if self._neighbour_is(candidate, State.ANSWERED):  # two were slow, and answer both
            self._drop(candidate)
            return
        if candidate.state is State.FAILED:
            insort(self._order, candidate, key=by_distance)
        candidate.state = State.ANSWERED
        candidate.token = token
        if candidate.node_id != node_id:
            self._order.remove(candidate)
            candidate.node_id = node_id
            candidate.distance = distance(node_id, self.target)
            candidate.fits_host = id_fits_host(node_id, candidate.address.host)
            insort(self._order, candidate, key=by_distance)
        nearest = sorted(nodes, key=lambda node: distance(node[0], self.target))
        for named_id, address in nearest[:NODES_PER_REPLY]:
            self.offer(address, named_id, candidate)
            named = self._by_address.get(address)
            if named is not None and named.distance < candidate.distance:
                candidate.closer_named.append(named)

    def failed(self, candidate: Candidate, *, wrong_id: bool = False) -> None:
        """A query to it timed out, or someone else answered there."""
        candidate.open -= 1
        if candidate.state in (State.ANSWERED, State.FAILED):
            return
        if candidate.open > 0 and not wrong_id:
            return  # a seed that was asked again since
        if candidate.state is State.ASKED:
            self._went_silent(candidate)
        self._drop(candidate)

    def not_sent(self, candidate: Candidate) -> None:
        """The owner could not send what `next_queries` asked for; it may come again."""
        candidate.state = State.NEW
        candidate.asked -= 1
        candidate.open -= 1
        self.queries -= 1
        self._misfits -= not candidate.fits_host

    def tick(self, now: float) -> None:
        for candidate in self._order:
            if candidate.state is State.ASKED and candidate.deadline <= now:
                again = self._is_seed_to_repeat(candidate)
                candidate.state = State.NEW if again else State.SLOW
                self._went_silent(candidate)

    # Output.

    def next_queries(self, now: float) -> list[Candidate]:
        """Whom to ask now, closest first; they count as asked."""
        if self.is_over or (self._until is not None and now >= self._until):
            return []
        chosen: list[Candidate] = []
        wanted = self._wanted()
        asked = [c for c in self._order if c.state is State.ASKED and c.node_id is not None]
        ahead = 0  # better ones that may still answer
        window = WINDOW_WITH_PEERS if self.has_peers else WINDOW
        for candidate in sorted([*asked, *wanted], key=rank):
            if self.queries >= QUERIES_MAX or ahead >= window:
                break
            if candidate.state is State.NEW:
                if not self._may_be_asked(candidate):
                    continue  # for what was asked a moment ago, in this loop
                self._ask(candidate, now)
                chosen.append(candidate)
            ahead += candidate.node_id is not None
        return chosen

    def next_deadline(self) -> float | None:
        if self.is_over:
            return None
        deadlines = [c.deadline for c in self._order if c.state is State.ASKED]
        if self._until is not None:
            deadlines.append(self._until)
            if self.responses:
                deadlines.append(self._until - LOOKUP_S + self.ends_s)
        return min(deadlines, default=None)

    def is_finished(self, now: float) -> bool:
        """A lookup that could ask nobody yet is not finished: it waits for the first node."""
        if self.is_over:
            return True
        if self._until is None:
            return False
        if now >= self._until or (self.responses and now >= self._until - LOOKUP_S + self.ends_s):
            return True
        awaited = self._order if self.hears_everybody else self._relevant()
        if any(c.state is State.ASKED for c in awaited):
            return False
        if self.queries < QUERIES_MAX and self._wanted():
            return False
        if len(self.closest()) >= BUCKET_SIZE:
            return True
        is_heard = self.responses > 0 or not self.wants_peers  # else hope for a first node
        return is_heard and not any(c.open > 0 for c in self._order)

    @property
    def is_waiting(self) -> bool:
        """Nobody was found to ask yet."""
        return self._until is None

    @property
    def is_empty(self) -> bool:
        return not self._order

    @property
    def is_hungry(self) -> bool:
        return not self.is_over and len(self._order) < HUNGRY

    def closest(self) -> list[Candidate]:
        """The eight closest nodes that answered: BEP 42 ones first, others fill up."""
        answered = [c for c in self._order if c.state is State.ANSWERED]
        fitting = [c for c in answered if c.fits_host][:BUCKET_SIZE]
        others = [c for c in answered if not c.fits_host]
        return fitting + others[: BUCKET_SIZE - len(fitting)]

    # Parts.

    def _revive(self, seed: Candidate) -> None:
        """A bootstrap address is given again after it had failed."""
        seed.state = State.NEW
        seed.asked = seed.open = 0
        insort(self._order, seed, key=by_distance)

    def _is_seed_to_repeat(self, candidate: Candidate) -> bool:
        is_seed = candidate.node_id is None
        return is_seed and not self.responses and candidate.asked < SEED_ATTEMPTS

    def _went_silent(self, candidate: Candidate) -> None:
        if candidate.source is not None:
            candidate.source.dead_tips += 1

    def _drop(self, candidate: Candidate) -> None:
        if candidate.state is not State.FAILED:
            candidate.state = State.FAILED
            self._order.remove(candidate)

    def _has_room(self, newcomer: Candidate) -> bool:
        """Nobody of its network has answered, and few wait. A dead node that a liar names beside an
        honest one, or in its stead, must not keep that one out."""
        if self._is_exempt(newcomer.address):
            return True
        neighbours = self._by_network.get(network_key(newcomer.address.host), [])
        if any(c.state is State.ANSWERED for c in neighbours):
            return False
        waiting = [c for c in neighbours if c.state in (State.NEW, State.ASKED)]
        return len(waiting) < NEIGHBOURS_MAX or self._give_way(waiting, newcomer)

    def _give_way(self, waiting: list[Candidate], newcomer: Candidate) -> bool:
        """Let the least of those not asked yet go, if the newcomer is worth more."""
        new = [c for c in waiting if c.state is State.NEW]
        least = max(new, key=worth, default=None)
        if least is None or worth(least) <= worth(newcomer):
            return False
        self._drop(least)
        del self._by_address[least.address]
        if least.neighbours:
            least.neighbours.remove(least)
        return True

    def _neighbour_is(self, candidate: Candidate, *states: State) -> bool:
        """Is another node of its network in one of these states?"""
        neighbours = candidate.neighbours
        return len(neighbours) > 1 and any(
            c is not candidate and c.state in states for c in neighbours
        )

    def _is_exempt(self, address: Address) -> bool:
        """A private DHT has many nodes on one machine."""
        return self._policy.allow_local and self._policy.is_local(address.host)

    def _relevant(self) -> list[Candidate]:
        """Those up to the eighth closest that answered and follows BEP 42."""
        answered = 0
        for count, candidate in enumerate(self._order, 1):
            answered += candidate.state is State.ANSWERED and candidate.fits_host
            if answered >= BUCKET_SIZE:
                return self._order[:count]
        return self._order

    def _wanted(self) -> list[Candidate]:
        """The relevant ones not asked yet, in the order in which to ask them; when there are none,
        and all of them were heard, those who still deserve it."""
        relevant = self._relevant()
        wanted = [c for c in relevant if self._may_be_asked(c)]
        is_quiet = all(c.state is not State.ASKED for c in relevant)
        if not wanted and is_quiet and self.hears_everybody:
            wanted = self._unheard() + self._unasked_starts()
        return sorted(wanted, key=lambda c: c.is_doubtful)  # a stable sort: else by distance

    def _unheard(self) -> list[Candidate]:
        """For each node that answered, one that it named and that is closer than itself, unless
        such a one has answered already, or may do so any moment."""
        unheard: dict[Address, Candidate] = {}
        for teller in self._order:
            if teller.state is not State.ANSWERED:
                continue
            named = teller.closer_named
            if not any(c.state in (State.ANSWERED, State.ASKED) for c in named):
                chosen = next((c for c in named if self._may_be_asked(c)), None)
                if chosen is not None:
                    unheard[chosen.address] = chosen
        return list(unheard.values())

    def _unasked_starts(self) -> list[Candidate]:
        """Those of the table, and whom bootstrap hosts named: the nearest may all be of one mind. A
        search has no time for it."""
        if self.wants_peers:
            return []
        return [
            c
            for c in self._order
            if (c.source is None or c.source.is_seed) and self._may_be_asked(c)
        ]

    def _may_be_asked(self, candidate: Candidate) -> bool:
        return (
            candidate.state is State.NEW
            and (candidate.fits_host or candidate.node_id is None or self._misfits < MISFITS_MAX)
            and not self._neighbour_is(candidate, State.ASKED, State.ANSWERED)
        )

    def _ask(self, candidate: Candidate, now: float) -> None:
        if self._until is None:
            self._until = now + LOOKUP_S
        candidate.state = State.ASKED
        candidate.asked += 1
        candidate.open += 1
        candidate.deadline = now + (PATIENCE_S if self.has_peers else candidate.soft_timeout_s)
        self.queries += 1
        self._misfits += not candidate.fits_host
