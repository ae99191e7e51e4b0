"""KRPC (BEP 5) under mutated datagrams, into a live DhtNode with searches under way (T06).

Strangers send mutants of real messages; asked nodes answer with the right transaction id and
mutated contents. Nothing may raise, nothing may be sent where it should not, no source gets more
than one answer to a datagram, and the table keeps its invariants.
"""

import random
from collections import Counter, deque

from tests.dht.makers import LOCAL, NOW, address, dht_node, response, signed
from tests.dht.test_routing_table import check
from tests.fuzz.mutate import INPUTS, SEED, Mutator, shared_seeds
from tests.vectors.dht import BEP5, BIT_ERRORS, ONE_NODE, ONE_PEER, PLACEHOLDERS
from torrentd.dht.item_messages import item_values
from torrentd.dht.item_search import ItemGet, ItemPut
from torrentd.dht.items import ImmutableItem, Item, MutableItem
from torrentd.dht.krpc import METHODS, Query, Response, decode_message
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId, node_id_for
from torrentd.dht.outputs import (
    ItemEnded,
    Output,
    PeersFound,
    PutEnded,
    SampleEnded,
    ScrapeEnded,
    SendDatagram,
)
from torrentd.dht.responder import AMPLIFICATION_MAX, ITEM_SENT_BYTES_MAX
from torrentd.dht.sampling import Resting, SampleWalk
from torrentd.dht.scrape import Scrape
from torrentd.dht.signatures import is_signed
from torrentd.wire.formats.address import Address, AddressPolicy, pack_address
from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash

SEEDS = [*BEP5.values(), *PLACEHOLDERS, BIT_ERRORS, ONE_NODE, ONE_PEER]
STEP_S = 0.01  # of virtual time between two datagrams
SEARCH_EVERY = 500
CHECK_EVERY = 1000
PENDING = 64  # queries of the node that may still be answered


class Storm:
    """The network around one node, all of it hostile or broken."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = NOW
        self.policy = AddressPolicy(allow_local=False)
        self.node: DhtNode = dht_node(families=("ipv4", "ipv6"), policy=self.policy)
        self.mutator = Mutator(SEEDS + shared_seeds("krpc"), self.rng)
        self.asked: deque[tuple[Query, Address]] = deque(maxlen=PENDING)
        self.sent = Counter[str]()
        self.ids: dict[str, bytes] = {}  # who lives where, always the same
        self.targets = [self.rng.randbytes(20) for _ in range(6)]
        self.items: list[Item] = [
            ImmutableItem(b"d1:ai1e1:bl1:xee"),
            *(signed(b"12:Hello World!", seq=seq, salt=b"salt") for seq in (1, 2)),
            signed(b"800:" + b"x" * 800),
            signed(b"1:x", bits=1, owner=2),
        ]
        self.tokens: dict[tuple[Address, bytes], bytes] = {}
        self.resting = Resting()
        self.last_target = b""  # of the query being fed

    def run(self, count: int) -> None:
        for index in range(count):
            self.now += STEP_S
            if index % SEARCH_EVERY == 0:
                self.search()
            chance = self.rng.random()
            if self.asked and chance < 0.3:
                self.answer()
            elif chance < 0.6:
                self.ask()
            else:
                self.disturb()
            deadline = self.node.next_deadline()
            if deadline is not None and deadline <= self.now:
                self.take(self.node.tick(self.now), None, 0)
            if index % CHECK_EVERY == 0:
                self.check()

    def search(self) -> None:
        infohash = InfoHash(self.rng.randbytes(20))
        port = self.rng.choice((None, 6881))
        self.take(self.node.get_peers(infohash, self.now, port), None, 0)
        item = self.rng.choice(self.items)
        for search in (
            Scrape(infohash),
            SampleWalk(NodeId(infohash), self.resting),
            ItemGet(item.target, b"salt", self.node.signatures),
            ItemPut(item, self.node.signatures, cas=1, if_needed=True),
        ):
            self.take(self.node.search(search, self.now), None, 0)
        fresh = [address(self.rng.randrange(400)) for _ in range(3)]
        self.take(self.node.bootstrap(fresh, self.now), None, 0)

    def disturb(self) -> None:
        """A stranger, spoofed or not, from anywhere."""
        self.feed(self.mutator.mutate(), self.source())

    def source(self) -> Address:
        chance = self.rng.random()
        if chance < 0.1:
            return self.rng.choice([Address("127.0.0.1", 6881), Address("8.8.8.8", 0)])
        if chance < 0.4:
            return Address(f"2a00:{self.rng.randrange(1, 99):x}::1", 6881)
        return address(self.rng.randrange(400))

    def ask(self) -> None:
        """A query whose fields are swapped, missing, or a byte too long or too short."""
        rng, source = self.rng, self.source()
        arguments: dict[bytes, Bencoded] = {
            key: self.value() if rng.random() < 0.15 else usual
            for key, usual in self.usual(source).items()
            if rng.random() < 0.97
        }
        method = rng.choice((*METHODS, b"get_peers", b"put"))
        message: dict[bytes, Bencoded] = {b"a": arguments, b"q": method, b"t": b"aa", b"y": b"q"}
        if rng.random() < 0.1:
            message[rng.choice((b"a", b"q", b"t", b"y", b"ro"))] = self.value()
        data = encode(message)
        self.feed(self.mutated(data) if rng.random() < 0.2 else data, source)

    def usual(self, source: Address) -> dict[bytes, Bencoded]:
        who = self.id_at(source)
        target = self.last_target = self.rng.choice(self.targets)
        wants: list[list[Bencoded]] = [[], [b"n4"], [b"n6", b"n4"]]
        return {
            b"id": who,
            b"target": target,
            b"info_hash": target,
            b"port": self.rng.choice((1, 80, 6881, 65535)),
            b"implied_port": self.rng.randrange(2),
            b"token": self.tokens.get((source, target), b"12345678"),
            b"want": self.rng.choice(wants),
            b"scrape": self.rng.randrange(3),
            b"noseed": self.rng.randrange(2),
            b"seed": self.rng.randrange(2),
        } | self.item(source)

    def item(self, source: Address) -> dict[bytes, Bencoded]:
        """Of a put, more often than not one that is right for the target whose token we hold."""
        item = self.rng.choice(self.items)
        if self.rng.random() < 0.7:
            self.last_target = item.target
        token = self.tokens.get((source, item.target), b"12345678")
        values: dict[bytes, Bencoded] = {**item_values(item), b"target": item.target}
        if isinstance(item, MutableItem) and item.salt:
            values[b"salt"] = item.salt
        if self.rng.random() < 0.1:
            values[b"cas"] = self.rng.choice((0, 1, 2, -1))
        return values if self.last_target != item.target else {**values, b"token": token}

    def value(self) -> Bencoded:
        sizes = (0, 1, 19, 20, 21, 26, 64, 65, 400)
        values: list[Bencoded] = [0, -1, 2**40, [], {}, [b"n4", 6], {b"id": bytes(20)}]
        return self.rng.choice([*values, bytes(self.rng.choice(sizes))])

    def answer(self) -> None:
        """The node that was asked answers, mostly well-formed, mostly lies."""
        asked, to = self.asked.popleft()
        who = self.id_at(to)
        values: dict[bytes, Bencoded] = {b"id": who, b"token": b"t" * self.rng.randrange(20)}
        if self.rng.random() < 0.8:
            values[b"nodes"] = b"".join(self.nodes() for _ in range(self.rng.randrange(9)))
        if self.rng.random() < 0.5:
            values |= item_values(self.rng.choice(self.items))
            values[b"samples"] = self.rng.randbytes(self.rng.choice((0, 19, 20, 400)))
            values[b"interval"] = self.rng.choice((0, 600, -1, 10**9))
        if self.rng.random() < 0.3:
            values[b"BFsd"] = self.rng.randbytes(self.rng.choice((0, 255, 256)))
            values[b"BFpe"] = bytes(256)
        if self.rng.random() < 0.5:
            values[b"values"] = [self.rng.randbytes(6) for _ in range(self.rng.randrange(8))]
        data = response(asked, values, ip=pack_address(Address("5.6.7.8", 6881)))
        if self.rng.random() < 0.4:
            self.mutator.keep(data)
            data = self.mutated(data)
        self.feed(data, to)

    def nodes(self) -> bytes:
        if self.rng.random() < 0.2:
            return self.rng.randbytes(26)
        where = address(self.rng.randrange(400))
        return self.id_at(where) + pack_address(where)

    def id_at(self, where: Address) -> bytes:
        if where.host not in self.ids:
            self.ids[where.host] = node_id_for(where.host, self.rng)
        return self.ids[where.host]

    def mutated(self, data: bytes) -> bytes:
        one = Mutator([data], self.rng)
        return one.mutate()

    def feed(self, data: bytes, source: Address) -> None:
        try:
            outputs = self.node.receive_datagram(data, source, self.now)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} for {data!r} of {source}") from error
        self.take(outputs, source, len(data))

    def take(self, outputs: list[Output], source: Address | None, size: int) -> None:
        replies = 0
        for output in outputs:
            match output:
                case SendDatagram(data=data, address=to):
                    assert self.policy.allows_node(to), f"sent to {to}"
                    assert len(data) <= ITEM_SENT_BYTES_MAX
                    replies += self.note(data, to, source, size)
                case PeersFound(peers=peers):
                    assert all(self.policy.allows_peer(peer) for peer in peers)
                    self.sent["peers"] += len(peers)
                case ScrapeEnded(seeds=seeds, nodes=nodes):
                    assert seeds < 8000
                    self.sent["counted"] += nodes
                case ItemEnded(item=item) if isinstance(item, MutableItem):
                    assert is_signed(item)
                    self.sent["items"] += 1
                case PutEnded(stored=stored):
                    self.sent["put"] += stored
                case SampleEnded(infohashes=infohashes):
                    self.sent["sampled"] += len(infohashes)
        assert replies <= 1

    def note(self, data: bytes, to: Address, source: Address | None, size: int) -> bool:
        """Whether this is an answer to the datagram from `source`."""
        message = decode_message(data)  # what we send, we can read
        if isinstance(message, Query):
            self.asked.append((message, to))
            self.sent["queries"] += 1
            return False
        assert to == source, "an answer to someone who did not ask"
        limit = max(ITEM_SENT_BYTES_MAX, AMPLIFICATION_MAX * size)
        assert size == 0 or len(data) <= limit
        if isinstance(message, Response) and message.token is not None:
            self.tokens[to, self.last_target] = message.token
        self.sent[type(message).__name__] += 1
        return True

    def check(self) -> None:
        for network in self.node._networks.values():
            check(network.table)
        stats = self.node.stats(self.now)
        assert stats.queries_pending <= 512 and stats.searches_running <= INPUTS


def test_no_datagram_raises_or_makes_the_node_misbehave() -> None:
    storm = Storm(SEED)
    storm.run(INPUTS)
    stats = storm.node.stats(storm.now)
    assert storm.sent["queries"] and storm.sent["Response"] and storm.sent["ErrorReply"]
    assert (
        storm.sent["peers"] and storm.sent["counted"] and stats.nodes_good
    )  # else the storm never got inside
    assert storm.sent["items"] and storm.sent["put"] and storm.sent["sampled"]
    assert stats.puts_accepted and stats.puts_refused and stats.items_stored
    assert stats.dropped_malformed and stats.dropped_unasked and stats.id_mismatches
    assert stats.announces_accepted and stats.announces_refused and stats.peers_stored


def test_what_a_mutant_says_is_never_answered_when_it_is_no_query() -> None:
    """Answers to answers are how two nodes talk for ever."""
    rng = random.Random(SEED)
    node = dht_node(policy=LOCAL)
    mutator = Mutator([d for name, d in BEP5.items() if "query" not in name], rng)
    for index in range(min(INPUTS, 5000)):
        data = mutator.mutate()
        try:
            is_query = isinstance(decode_message(data), Query)
        except ProtocolError:
            is_query = False
        assert is_query or node.receive_datagram(data, address(index), NOW + index) == []
