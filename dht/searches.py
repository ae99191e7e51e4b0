"""Searches: the lookups that are under way, who takes part in them, and how they end (BEP 5).

Most lookups belong to a Search; each Network has at most one of its own, to keep its table.
Every answer is used three times: by the lookup that asked, by the routing table, and, while they
have too few candidates, by all other lookups, so that a search that began before any node was known
starts with the first answer.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from torrentd.config.schema import Limits
from torrentd.dht.asker import Asker
from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.candidate import cost
from torrentd.dht.krpc import Response
from torrentd.dht.lookup import HASTE_S, Lookup
from torrentd.dht.neighbourhoods import Neighbourhoods
from torrentd.dht.network import SURVEY_S, Network
from torrentd.dht.node_id import NodeId, distance
from torrentd.dht.outputs import Outcome, Output, PeersFound, SearchEnded, SendDatagram
from torrentd.dht.patience import Patience
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.search import PeerSearch, Search
from torrentd.dht.stats import Family, SearchStats
from torrentd.dht.transactions import Transaction
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6
from torrentd.wire.formats.ids import InfoHash

ACTIVE_MAX: Final = 32  # searches at once; the transaction table would hold no more
_Key: TypeAlias = tuple[type[Search], bytes]
UPKEEP_START_NODES: Final = 8 * BUCKET_SIZE  # of the table; all of them are heard
START_NODES: Final = 2 * BUCKET_SIZE  # of the table, for a search …
START_NEAR_NODES: Final = 3 * BUCKET_SIZE  # … and of those beside it, the best …
NEAR_NODES_LOOKED_AT: Final = 8 * BUCKET_SIZE  # … of so many close ones
SEEDS_MAX: Final = 16  # bootstrap hosts that are asked by a search which knows nobody yet


class Searches:
    def __init__(
        self,
        networks: dict[Family, Network],
        asker: Asker,
        store: PeerStore,
        policy: AddressPolicy,
        limits: Limits,
        now: float,
    ) -> None:
        self._networks: Final = networks
        self._asker: Final = asker
        self._store: Final = store
        self._policy: Final = policy
        self._active: dict[_Key, Search] = {}
        self._waiting: dict[_Key, Search] = {}
        self._patience: Final = Patience(limits.dht_upload_bytes_per_s_max, now)
        self._neighbourhoods: Final = Neighbourhoods()
        self._seeds: list[Address] = []  # of bootstraps, the last ones first

    def __len__(self) -> int:
        return len(self._active) + len(self._waiting) + len(self._patience.waiting)

    # Commands.

    def get_peers(self, search: PeerSearch, now: float) -> list[Output]:
        """One search an infohash: a second one only adds its announce."""
        running = self._search(PeerSearch, search.infohash)
        if not search.is_patient and self._patience.waiting.pop(search.key, None) is not None:
            running = None  # it is no seed any more
        if isinstance(running, PeerSearch):
            running.announce_port = search.announce_port or running.announce_port
            running.is_seed = search.is_seed
        return self.begin(search, now)

    def begin(self, search: Search, now: float) -> list[Output]:
        """At once, or when there is room. Where one like it is under way, that one goes on."""
        if self._search(*search.key) is not None:
            return []
        if search.is_patient:
            self._patience.waiting[search.key] = search
            return self._begin_patient(now)
        if len(self._active) >= ACTIVE_MAX and not search.is_watched:
            self._waiting[search.key] = search
            return []
        return self._start(search, now)

    def cancel(self, infohash: InfoHash) -> None:
        """No further peers of this infohash are wanted."""
        self._neighbourhoods.forget(infohash)
        search = self._search(PeerSearch, infohash)
        if search is not None:
            self.drop(search)

    def drop(self, search: Search) -> None:
        """This one or its equal ends here, and is not told to have ended."""
        for place in (self._active, self._waiting, self._patience.waiting):
            running = place.pop(search.key, None)
            if running is not None:
                running.cancel()

    def bootstrap(self, addresses: list[Address], now: float) -> list[Output]:
        """Ask them all at once, in the lookup of our own id. They are past the policy."""
        out: list[Output] = []
        self._seeds = list(dict.fromkeys([*addresses, *self._seeds]))[:SEEDS_MAX]
        for family, network in self._networks.items():
            seeds = [a for a in addresses if is_ipv6(a.host) == (family == "ipv6")]
            if not seeds:
                continue
            if network.upkeep is None:
                network.upkeep = self._own_lookup(network, network.own_id, now)
            out += self._begin_with(network.upkeep, seeds, None, now)
            for search in self._active.values():  # a round trip sooner than by what we then know
                for lookup in search.lookups:
                    if lookup.family == family and lookup.is_hungry:
                        out += self._begin_with(lookup, seeds, search, now)
        return out

    def join(self, network: Network, addresses: list[Address], now: float) -> list[Output]:
        """A new lookup of our own id, of the whole table, bad nodes too, and of these addresses."""
        if network.upkeep is not None:
            network.upkeep.is_over = True
        network.is_surveying = False
        lookup = network.upkeep = self._own_lookup(network, network.own_id, now)
        for contact in network.table:
            lookup.offer(contact.address, contact.id, rtt_s=contact.rtt_s)
        for address in addresses:
            lookup.offer(address, None)
        return self._advance(lookup, None, now)

    # What the network tells.

    def tell_stored(self, infohash: InfoHash, now: float) -> list[Output]:
        """Who announced to us what we search for: in a small DHT nobody else may know of it."""
        search = self._active.get((PeerSearch, infohash))
        if not isinstance(search, PeerSearch):
            return []
        new = search.new_peers(self._store.peers(infohash, now))
        return [PeersFound(infohash, new)] if new else []

    def answered(
        self,
        transaction: Transaction,
        response: Response,
        nodes: list[tuple[NodeId, Address]],
        peers: list[Address],
        now: float,
    ) -> list[Output]:
        """`nodes` and `peers` are past the policy, the nodes of either family."""
        out: list[Output] = []
        lookup, candidate, search = transaction.lookup, transaction.candidate, transaction.search
        if lookup is not None and candidate is not None:
            own = [node for node in nodes if is_ipv6(node[1].host) == (lookup.family == "ipv6")]
            lookup.answered(candidate, response.node_id, own, response.token)
            if search is not None and not search.is_cancelled:
                lookup.has_peers = lookup.has_peers or bool(peers)
                out += search.heard(candidate, response, peers, now)
                out += search.hop(
                    candidate, "answered", now - transaction.sent_at, len(nodes), peers
                )
            out += self._advance(lookup, search, now)
        elif search is not None:
            search.confirmed += 1
        out += self._feed([(response.node_id, transaction.address), *nodes], lookup, now)
        return out + self.settle(now)

    def failed(
        self,
        transaction: Transaction,
        now: float,
        *,
        wrong_id: bool = False,
        error_code: int = 0,
    ) -> list[Output]:
        lookup, candidate = transaction.lookup, transaction.candidate
        if lookup is None or candidate is None:
            if transaction.search is not None:
                transaction.search.refusals.append(error_code)
                return self.settle(now)
            return []
        lookup.failed(candidate, wrong_id=wrong_id)
        out: list[Output] = []
        if transaction.search is not None and not transaction.search.is_cancelled:
            outcome: Outcome = "wrong id" if wrong_id else "error" if error_code else "silent"
            out += transaction.search.hop(candidate, outcome, now - transaction.sent_at)
        return out + self._advance(lookup, transaction.search, now)

    def tick(self, now: float) -> list[Output]:
        out: list[Output] = []
        for lookup, search in list(self._lookups()):
            lookup.tick(now)
            out += self._advance(lookup, search, now)
        return out + self.settle(now)

    def settle(self, now: float) -> list[Output]:
        """End what is over, begin what is due."""
        out: list[Output] = []
        for search in list(self._active.values()):
            if search.is_closing or search.check_finished(now):
                out += self._end(search, now)
        while self._waiting and len(self._active) < ACTIVE_MAX:
            out += self._start(self._waiting.pop(next(iter(self._waiting))), now)
        if self._patience.waiting:
            out += self._begin_patient(now)
        for network in self._networks.values():
            out += self._keep(network, now)
        return out

    def next_deadline(self) -> float | None:
        deadlines = [lookup.next_deadline() for lookup, _ in self._lookups()]
        if not self._waiting and len(self._active) < ACTIVE_MAX:
            deadlines.append(self._patience.next_deadline(self._patient_running()))
        return min((at for at in deadlines if at is not None), default=None)

    def stats(self) -> list[SearchStats]:
        places = (self._active, self._waiting, self._patience.waiting)
        return [search.stats() for place in places for search in place.values()]

    # Parts.

    def _lookups(self) -> Iterator[tuple[Lookup, Search | None]]:
        for search in self._active.values():
            for lookup in search.lookups:
                yield lookup, search
        for network in self._networks.values():
            if network.upkeep is not None:
                yield network.upkeep, None

    def _search(self, kind: type[Search], target: bytes) -> Search | None:
        key = kind, target
        found = self._active.get(key) or self._waiting.get(key)
        return found or self._patience.waiting.get(key)

    def _begin_patient(self, now: float) -> list[Output]:
        out: list[Output] = []
        while not self._waiting and len(self._active) < ACTIVE_MAX:
            search = self._patience.next(now, self._patient_running())
            if search is None:
                break
            out += self._start(search, now)
        return out

    def _patient_running(self) -> int:
        if not self._patience.waiting:
            return 0  # nobody asks
        return sum(search.is_patient for search in self._active.values())

    def _start(self, search: Search, now: float) -> list[Output]:
        self._active[search.key] = search
        search.lookups = [
            Lookup(search.target, family, self._policy, wants_peers=True)
            for family in self._networks
        ]
        out: list[Output] = []
        if isinstance(search, PeerSearch):
            out += self.tell_stored(search.infohash, now)
            if search.is_patient:
                kept = self._neighbourhoods.get(search.infohash)
                allowed = [node for node in kept if self._policy.allows_node(node[1])]
                search.start = search.start or allowed
        for lookup in search.lookups:
            for node_id, address in search.start:
                if is_ipv6(address.host) == (lookup.family == "ipv6"):
                    lookup.offer(address, node_id)
            if lookup.is_empty or search.start_is_old:
                self._offer_near_nodes(lookup, now)
                self._offer_table(lookup, START_NODES, now)
            if lookup.is_empty:
                self._offer_seeds(lookup)
            out += self._advance(lookup, search, now)
        return out

    def _offer_near_nodes(self, lookup: Lookup, now: float) -> None:
        near_nodes = self._networks[lookup.family].near_nodes
        close = near_nodes.around(lookup.target, NEAR_NODES_LOOKED_AT, now)
        close.sort(key=lambda node: cost(distance(node.node_id, lookup.target), node.rtt_s))
        for node in close[:START_NEAR_NODES]:
            lookup.offer(node.address, node.node_id, rtt_s=node.rtt_s)

    def _offer_table(self, lookup: Lookup, count: int, now: float) -> None:
        table = self._networks[lookup.family].table
        for contact in table.closest_nodes(lookup.target, count, now, good_only=False):
            rtt_s = contact.rtt_s if lookup.wants_peers else None
            lookup.offer(contact.address, contact.id, rtt_s=rtt_s)

    def _offer_seeds(self, lookup: Lookup) -> None:
        """A bootstrap is under way, but what it brings lies near our own id."""
        for seed in self._seeds:
            if is_ipv6(seed.host) == (lookup.family == "ipv6"):
                lookup.offer(seed, None)

    def _begin_with(
        self, lookup: Lookup, seeds: list[Address], search: Search | None, now: float
    ) -> list[Output]:
        for address in seeds:
            lookup.offer(address, None)
        return self._advance(lookup, search, now)

    def _own_lookup(self, network: Network, target: NodeId, now: float) -> Lookup:
        lookup = Lookup(
            target,
            network.family,
            self._policy,
            wants_peers=False,
            hears_everybody=network.has_time and not network.is_surveying,
        )
        if not network.is_filled:
            lookup.ends_s = HASTE_S
        elif network.is_surveying:
            lookup.ends_s = SURVEY_S
        self._offer_table(lookup, UPKEEP_START_NODES, now)
        return lookup

    def _advance(self, lookup: Lookup, search: Search | None, now: float) -> list[Output]:
        out: list[Output] = []
        for candidate in lookup.next_queries(now):
            out += self._asker.ask(lookup, candidate, search, now)
        if search is not None and search.is_patient:
            self._pay(out, now)
        return out

    def _pay(self, sent: list[Output], now: float) -> None:
        size_bytes = sum(len(each.data) for each in sent if isinstance(each, SendDatagram))
        self._patience.spent(size_bytes, now)

    def _feed(
        self, nodes: list[tuple[NodeId, Address]], asked: Lookup | None, now: float
    ) -> list[Output]:
        """Give the nodes to every other lookup that has too few of them."""
        out: list[Output] = []
        for lookup, search in list(self._lookups()):
            if lookup is asked or not lookup.is_hungry:
                continue
            for node_id, address in nodes:
                if is_ipv6(address.host) == (lookup.family == "ipv6"):
                    lookup.offer(address, node_id)
            out += self._advance(lookup, search, now)
        self._meet_other_family(nodes)
        return out

    def _meet_other_family(self, nodes: list[tuple[NodeId, Address]]) -> None:
        """BEP 32, Bootstrapping: nodes of one DHT lead into the other while that is empty."""
        for family, network in self._networks.items():
            if network.upkeep is None and network.table.is_empty:
                for node_id, address in nodes:
                    if is_ipv6(address.host) == (family == "ipv6"):
                        network.heard_of(node_id, address)

    def _end(self, search: Search, now: float) -> list[Output]:
        """Its last queries leave; then it is told to have ended, once nothing is waited for."""
        out: list[Output] = []
        if not search.is_closing:
            search.is_closing = True
            for candidate, arguments in search.last_queries():
                out += self._asker.tell(candidate, search, arguments, now)
            search.told = len(out)
            if search.is_patient:
                self._pay(out, now)
        if search.is_closed:
            del self._active[search.key]
            ended = search.ended()
            if isinstance(ended, SearchEnded) and search.is_patient:
                self._neighbourhoods.keep(search.target, ended.closest)
            out.append(ended)
        return out

    def _keep(self, network: Network, now: float) -> list[Output]:
        lookup = network.upkeep
        if lookup is not None and lookup.is_finished(now):
            lookup.is_over = True
            network.lookup_ended(lookup, now)
        target = network.lookup_due(now)
        if target is None:
            return []
        lookup = network.upkeep = self._own_lookup(network, target, now)
        for contact in list(network.table) if lookup.is_empty else []:
            lookup.offer(contact.address, contact.id)  # all of them are bad: an outage, perhaps
        if target == network.own_id and network.has_time:
            self._offer_seeds(lookup)  # the table may be of one mind
        return self._advance(lookup, None, now)
