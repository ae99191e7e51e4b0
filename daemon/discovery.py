"""The DHT node at work: datagrams and time go in, and what it asks for is done here (BEP 5)."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import assert_never

from torrentd.config.schema import Config
from torrentd.daemon.control_call import Document
from torrentd.daemon.dht_items import DhtItems
from torrentd.daemon.dht_lookup import DhtLookup, Lookups
from torrentd.daemon.dht_questions import Questions
from torrentd.daemon.dht_reports import silence_sentence
from torrentd.daemon.driver import Driver
from torrentd.daemon.endpoints import Endpoints
from torrentd.daemon.errands import ErrandEnded, Errands
from torrentd.daemon.logs import get_logger
from torrentd.daemon.our_nodes import OurNodes
from torrentd.daemon.outpost import OnPeers, Outpost
from torrentd.daemon.outposts import Outposts, read_snapshot
from torrentd.daemon.resolver import Resolver
from torrentd.daemon.status import DhtStatus, Refused
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.udp import UdpEndpoint
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import (
    BootstrapWanted,
    ExternalAddressChanged,
    HopEnded,
    ItemEnded,
    Output,
    PeersFound,
    PingEnded,
    PutEnded,
    RejoinBegan,
    SampleEnded,
    ScrapeEnded,
    SearchEnded,
    SendDatagram,
    SilenceEnded,
    TraceEnded,
)
from torrentd.dht.scrape import Scrape
from torrentd.dht.search import Search
from torrentd.dht.stats import NodeStats, SearchStats
from torrentd.wire.formats.address import Address, AddressPolicy, parse_address
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.swarm.vantage import Vantage

ERRAND_S = 75.0  # a search ends within 60 s of its first query
DHT_OFF = "the DHT is off: dht.enabled is false"
SCRAPE_S = 30 * 60.0  # between two scrapes of one torrent

Heard = (
    ErrandEnded | PingEnded | BootstrapWanted | RejoinBegan | SilenceEnded | ExternalAddressChanged
)

log = get_logger("dht")


class Discovery:
    """Drives one DhtNode through the endpoints it is given; `on_peers` hears what searches find."""

    def __init__(
        self,
        config: Config,
        policy: AddressPolicy,
        rng: random.Random,
        secret_rng: random.Random,
        tasks: Tasks,
        on_peers: OnPeers,
    ) -> None:
        self._config = config
        self._policy = policy
        self._rng = rng
        self._secret_rng = secret_rng
        self._tasks = tasks
        self._on_peers = on_peers
        self.vantage = Vantage(config.listen.port)
        self._endpoints = Endpoints()
        self._node: DhtNode | None = None
        self._ours: OurNodes | None = None
        self._driver: Driver | None = None
        self._resolver: Resolver | None = None
        self._outposts = Outposts({}, self._is_speaker)
        self._questions = Questions()
        self._lookups = Lookups(self._begin, self._drop)
        self.errands = Errands(self._begin, self._drop)
        self.items = DhtItems(self.errands, lambda: self._node_that_knows_others().signatures)
        self._swarms: dict[InfoHash, tuple[float, ScrapeEnded | None]] = {}
        self._started_at = 0.0
        self.on_silence_ended: Callable[[float], None] = lambda since: None

    def start(self, endpoints: list[UdpEndpoint], snapshot: bytes | None) -> None:
        """Begin to live on the network; `snapshot` is what `snapshot()` gave in an earlier run."""
        self._endpoints = Endpoints(endpoints)
        own, further = read_snapshot(snapshot)
        self._resolver = Resolver(
            self._config.dht.bootstrap,
            self._policy,
            [family == "ipv6" for family in self._endpoints.families],
            self._bootstrap,
            self._tasks,
            self._rng,
        )
        self._node = DhtNode(
            limits=self._config.limits,
            policy=self._policy,
            families=self._endpoints.families,
            listen_port=self._config.listen.port,
            read_only=self._config.dht.read_only,
            rng=self._rng,
            secret_rng=self._secret_rng,
            now=time.monotonic(),
            snapshot=own,
        )
        outposts = {
            endpoint: Outpost(
                endpoint, self._config, self._policy, self._rng, self._secret_rng, self._tasks,
                self._good_nodes, self._on_peers, further.get(endpoint.bound.host),
            ) for endpoint in self._endpoints.further
        }  # fmt: skip
        self._outposts = Outposts(outposts, self._is_speaker)
        self._ours = OurNodes(self._node, self._outposts, self._endpoints)
        self._started_at = time.monotonic()
        self._driver = Driver(self._node.next_deadline, self._tick)
        self._tick(time.monotonic())
        self._driver.rearm(time.monotonic())

    def close(self) -> None:
        if self._driver is not None:
            self._driver.stop()
        if self._resolver is not None:
            self._resolver.close()
        self._outposts.close()
        self._questions.close()
        self._lookups.close()
        self._node = self._ours = None

    def receive_datagrams(
        self, endpoint: UdpEndpoint, datagrams: list[tuple[bytes, Address]]
    ) -> None:
        """Those that may be KRPC; answers leave from the endpoint that they came to."""
        node, now = self._node, time.monotonic()
        if node is None:
            return
        outpost = self._outposts.at(endpoint)
        if outpost is not None:
            outpost.receive_datagrams(datagrams, now)
            return
        for data, source in datagrams:
            try:
                outputs = node.receive_datagram(data, source, now)
            except Exception as error:  # a stranger's datagram met a bug of ours: dropped (rule 28)
                self._tasks.peer_fault(error)
            else:
                self._do(outputs, now, endpoint)
        self._rearm(now)

    def overdue_s(self, now: float) -> float:
        """How late the node's own times are kept."""
        return self._driver.overdue_s(now) if self._driver is not None else 0.0

    def get_peers(self, infohash: InfoHash, announce: bool, **seeding: bool) -> None:
        """Search the DHT; `announce`: tell the closest nodes that we are a peer too. Now and then
        those are asked how large the swarm is (`swarm`). `seeding`: is_seed, is_partial."""
        if self._node is not None:
            now = time.monotonic()
            port = self._config.listen.port if announce else None
            self._outposts.want(infohash, port, nobody_answers=self.is_silent, **seeding)
            self._perform(self._node.get_peers(infohash, now, port, **seeding), now)

    def cancel_search(self, infohash: InfoHash) -> None:
        self._swarms.pop(infohash, None)
        self._outposts.cancel(infohash)
        if self._node is not None:
            self._node.cancel_search(infohash)

    def swarm(self, infohash: InfoHash) -> ScrapeEnded | None:
        """How many the DHT counted when it was last asked; None: not yet, or nobody told."""
        return self._swarms.get(infohash, (0.0, None))[1]

    def add_node(self, address: Address) -> None:
        """Somebody names a node: it is pinged, and believed when it answers."""
        if self._node is not None and self._policy.allows_node(address):
            now = time.monotonic()
            self._perform(self._node.add_node(address, now), now)

    async def scrape(self, infohash: InfoHash) -> ScrapeEnded | None:
        """How many the DHT counts (BEP 33); None when that took too long."""
        self._node_that_knows_others()
        ended = await self.errands.run(Scrape(infohash), ERRAND_S)
        return ended if isinstance(ended, ScrapeEnded) else None

    def look_up(self, infohash: InfoHash) -> DhtLookup:
        """A search to be watched, until `stop_looking`. Raises Refused when there is no node."""
        self._node_that_knows_others()
        return self._lookups.watch(infohash, time.monotonic())

    def stop_looking(self, lookup: DhtLookup) -> Document:
        self._lookups.leave(lookup)
        return lookup.document(time.monotonic())

    async def ping(self, address: Address) -> PingEnded:
        """Who is there. Raises Refused when it cannot be asked."""
        node = self._asked_node()
        if not self._policy.allows_node(address):
            raise Refused(f"{address} is no address of the public network")
        now = time.monotonic()
        outputs = node.ping(address, now)
        if not outputs:
            raise Refused(
                f"{address} cannot be asked now: it is our own address, we have no socket of its "
                "family, or too many queries are open"
            )
        ended = self._questions.ping(address)
        self._perform(outputs, now)
        await asyncio.wait([ended])
        if ended.cancelled():
            raise Refused("the daemon stops")
        return ended.result()

    async def ping_and_keep(self, address: Address) -> tuple[PingEnded, bool]:
        """Whether it is a node of the routing table now, too."""
        ended = await self.ping(address)
        self.add_node(address)
        return ended, any(node.address == str(address) for node in self.nodes())

    def rejoin(self, slept_s: float = 0.0) -> None:
        """The machine's network changed, or the machine slept: new sockets, everybody asked."""
        if self._node is not None:
            now = time.monotonic()
            self._endpoints.renew()
            self._perform(self._node.rejoin(now, slept_s), now)
            self._outposts.rejoin(slept_s)

    def snapshot(self) -> bytes | None:
        """What to keep for the next run; None without a DHT."""
        if self._node is None:
            return None
        now = time.monotonic()
        return self._outposts.snapshot(self._node.snapshot(now), now)

    # ---- what people see

    def status(self) -> DhtStatus:
        if self._ours is None:
            return DhtStatus(enabled=False)
        return self._ours.status(time.monotonic())

    @property
    def is_silent(self) -> bool:
        """There is a DHT node, and nobody answers it."""
        return self._node is not None and self._node.online_since is None

    @property
    def joined_at(self) -> float | None:
        """Since when nodes answer us; None while nobody does. Without a DHT nobody has to wait."""
        return self._node.online_since if self._node is not None else 0.0

    def warnings(self) -> list[str]:
        """That nobody answers, since when, and why perhaps: for people."""
        if self._node is None:
            return []
        now = time.monotonic()
        sentence = silence_sentence(self._node.stats(now), now, self._started_at)
        if sentence is None:
            return []
        troubles = self._resolver.troubles if self._resolver is not None else {}
        return [
            sentence,
            *(f"bootstrap host {host} does not resolve: {why}" for host, why in troubles.items()),
        ]

    def searches(self) -> list[SearchStats]:
        return self._ours.searches() if self._ours is not None else []

    def nodes(self) -> list[NodeStats]:
        """The routing tables of all our nodes."""
        return self._ours.nodes(time.monotonic()) if self._ours is not None else []

    # ---- inside

    def _asked_node(self) -> DhtNode:
        if self._node is None:
            raise Refused(DHT_OFF)
        return self._node

    def _node_that_knows_others(self) -> DhtNode:
        node = self._asked_node()
        if not node.stats(time.monotonic()).nodes_known:
            raise Refused("no DHT node is known yet; torrentctl dht add-node names one")
        return node

    def _is_speaker(self, endpoint: UdpEndpoint) -> bool:
        return endpoint is self._endpoints.speaker(ipv6=endpoint.ipv6)

    def _good_nodes(self) -> list[Address]:
        nodes = self._node.node_stats(time.monotonic()) if self._node is not None else []
        return [parse_address(node.address) for node in nodes if node.state == "good"]

    def _begin(self, search: Search) -> None:
        if self._node is not None:
            now = time.monotonic()
            self._perform(self._node.search(search, now), now)

    def _drop(self, search: Search) -> None:
        if self._node is not None:
            self._node.drop_search(search)

    def _search_ended(self, ended: SearchEnded, now: float) -> None:
        log.debug(
            "search ended",
            infohash=ended.infohash.hex(),
            queries=ended.queries,
            responses=ended.responses,
            peers=ended.peers,
            announced=ended.announced,
        )
        self._outposts.follow(ended)
        asked_at, _ = self._swarms.get(ended.infohash, (-SCRAPE_S, None))
        if now - asked_at >= SCRAPE_S:
            self._swarms[ended.infohash] = (now, self.swarm(ended.infohash))
            self._begin(Scrape(ended.infohash, ended.closest))

    def _scrape_ended(self, ended: ScrapeEnded) -> None:
        if ended.target in self._swarms and ended.nodes:
            self._swarms[ended.target] = (self._swarms[ended.target][0], ended)
        self.errands.ended(ended)

    def _bootstrap(self, addresses: list[Address]) -> None:
        if self._node is not None:
            now = time.monotonic()
            self._perform(self._node.bootstrap(addresses, now), now)

    def _tick(self, now: float) -> None:
        if self._node is not None:
            self._perform(self._node.tick(now), now)
            if self._ours is not None:
                self._ours.sample(now)

    def _perform(self, outputs: list[Output], now: float) -> None:
        self._do(outputs, now, None)
        self._rearm(now)

    def _do(self, outputs: list[Output], now: float, received_by: UdpEndpoint | None) -> None:
        for output in outputs:
            match output:
                case SendDatagram():
                    self._endpoints.send(output.data, output.address, received_by)
                case PeersFound():
                    self._on_peers(output.infohash, output.peers)
                case SearchEnded():
                    self._search_ended(output, now)
                case HopEnded():
                    self._lookups.hop_ended(output, now)
                case TraceEnded():
                    self._lookups.ended(output, now)
                case _:
                    self._hear(output)

    def _rearm(self, now: float) -> None:
        if self._driver is not None:
            self._driver.rearm(now)

    def _hear(self, output: Heard) -> None:
        match output:
            case ScrapeEnded():
                self._scrape_ended(output)
            case ItemEnded() | PutEnded() | SampleEnded():
                self.errands.ended(output)
            case PingEnded():
                self._questions.ping_ended(output)
            case BootstrapWanted():
                if self._resolver is not None:
                    self._resolver.want()
            case RejoinBegan():
                self._rejoin_began(output)
            case SilenceEnded():
                self._silence_ended(output)
            case ExternalAddressChanged():
                log.info("our address is", host=output.host)
                self.vantage.seen_as(output.host)
            case _:
                assert_never(output)

    def _rejoin_began(self, began: RejoinBegan) -> None:
        if began.silent_since is None:
            log.warning("few DHT nodes are left, asking everybody", family=began.family)
        else:
            silent_s = round(time.monotonic() - began.silent_since)
            log.warning("no DHT node answers, opening sockets", family=began.family, s=silent_s)
        self._endpoints.renew(began.family)

    def _silence_ended(self, ended: SilenceEnded) -> None:
        after_s = round(time.monotonic() - ended.since)
        log.info("DHT nodes answer", family=ended.family, after_s=after_s)
        self.on_silence_ended(ended.since)
