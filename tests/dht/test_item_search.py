"""BEP 44, as the asking side."""

from dataclasses import replace

from tests.dht.makers import (
    NOW,
    address,
    befriend,
    dht_node,
    friends,
    node_id,
    queries,
    response,
    signed,
)
from torrentd.dht.candidate import Candidate
from torrentd.dht.item_messages import item_values
from torrentd.dht.item_search import ItemGet, ItemPut
from torrentd.dht.items import ImmutableItem, Item, MutableItem
from torrentd.dht.krpc import Query, Response, encode_error
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import ItemEnded, Output, PutEnded
from torrentd.dht.signatures import Signatures
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded

ITEM = signed(b"12:Hello World!", seq=4, salt=b"s")


def get(item: Item = ITEM) -> ItemGet:
    salt = item.salt if isinstance(item, MutableItem) else b""
    return ItemGet(item.target, salt, Signatures(NOW))


def hear(search: ItemGet, index: int, values: dict[bytes, Bencoded]) -> None:
    node = Candidate(address(index), node_id(index), search.target, None, None)
    search.heard(node, Response(b"aa", node_id(index), values=values), [], NOW)


class TestGet:
    def test_the_highest_seq_that_verifies_wins(self) -> None:
        search = get()
        newest = signed(b"1:n", seq=9, salt=b"s")
        forged = replace(newest, seq=50)
        told: list[Item] = [ITEM, newest, forged, ITEM]
        for index, item in enumerate(told):
            hear(search, index, item_values(item))
        hear(search, 5, {b"seq": 9})  # has it, but its value did not fit
        assert search.ended() == ItemEnded(ITEM.target, newest, copies=2, nodes=0)

    def test_what_is_under_another_name_does_not_count(self) -> None:
        search = get()
        others: list[Item] = [
            signed(b"1:x", salt=b"t"),
            signed(b"1:x", salt=b"s", owner=2),
            ImmutableItem(b"de"),
        ]
        for index, other in enumerate(others):
            hear(search, index, item_values(other))
        huge = signed(b"1200:" + b"x" * 1200, salt=b"s", seq=9)
        hear(search, 7, item_values(huge))
        hear(search, 8, {**item_values(ITEM), b"k": b"short"})
        assert search.found is None and search.copies == 0

    def test_an_immutable_item_is_known_by_its_hash(self) -> None:
        item = ImmutableItem(b"li1ei2ee")
        search = get(item)
        hear(search, 1, {b"v": [1, 3]})
        assert search.found is None
        hear(search, 2, {b"v": [1, 2]})
        assert search.ended() == ItemEnded(item.target, item, copies=1, nodes=0)

    def test_forgeries_do_not_cost_more_than_fifty_verifications(self) -> None:
        search = get()
        for index in range(200):
            hear(search, index, item_values(replace(ITEM, seq=100 + index)))
        assert search._signatures.verify(ITEM, NOW, for_others=False) is None


class World:
    """A node of ours and twenty that store items, or refuse to."""

    def __init__(self) -> None:
        self.node: DhtNode = dht_node()
        self.known: dict[Address, NodeId] = friends(20)
        befriend(self.node, self.known)
        self.stored: dict[Address, Item] = {}
        self.puts: list[tuple[dict[bytes, Bencoded], Address]] = []
        self.refusing: dict[Address, int] = {}

    def run(self, search: ItemGet) -> list[Output]:
        told: list[Output] = []
        waiting = queries(self.node.search(search, NOW))
        while waiting:
            asked, to = waiting.pop(0)
            if asked.method == b"ping":
                continue
            got = self.node.receive_datagram(self.answer(asked, to), to, NOW)
            told += got
            waiting += queries(got)
        return [output for output in told if isinstance(output, ItemEnded | PutEnded)]

    def answer(self, asked: Query, to: Address) -> bytes:
        if asked.method == b"put":
            self.puts.append((asked.arguments, to))
            if to in self.refusing:
                return encode_error(asked.transaction_id, self.refusing[to], "no")
            return response(asked, {b"id": self.known[to]})
        assert asked.method == b"get"
        values: dict[bytes, Bencoded] = {b"id": self.known[to], b"token": b"of " + to.host.encode()}
        if to in self.stored:
            values |= item_values(self.stored[to])
        return response(asked, values)


class TestPut:
    def put(self, world: World, **options: int) -> ItemPut:
        cas = options.get("cas")
        if_needed = bool(options.get("if_needed"))
        return ItemPut(ITEM, world.node.signatures, cas=cas, if_needed=if_needed)

    def test_the_eight_closest_get_it_with_their_tokens(self) -> None:
        world = World()
        [ended] = world.run(self.put(world))
        assert ended == PutEnded(ITEM, stored=8, refusals=[], copies=0, found=None)
        for arguments, to in world.puts:
            assert arguments[b"token"] == b"of " + to.host.encode() and arguments[b"salt"] == b"s"
            assert item_values(ITEM).items() <= arguments.items() and b"cas" not in arguments

    def test_refusals_are_told_by_their_codes_and_silence_as_none(self) -> None:
        world = World()
        world.refusing = dict.fromkeys(world.known, 301)
        [ended] = world.run(self.put(world))
        assert isinstance(ended, PutEnded) and (ended.stored, ended.refusals) == (0, [301] * 8)

    def test_it_ends_when_nobody_answers_the_puts(self) -> None:
        world = World()
        waiting = queries(world.node.search(self.put(world), NOW))
        while waiting:
            asked, to = waiting.pop(0)
            if asked.method == b"get":
                waiting += queries(world.node.receive_datagram(world.answer(asked, to), to, NOW))
        ended = [o for o in world.node.tick(NOW + 6) if isinstance(o, PutEnded)]
        assert ended == [PutEnded(ITEM, stored=0, refusals=[0] * 8, copies=0, found=None)]

    def test_cas_goes_to_those_that_have_something(self) -> None:
        world = World()
        older = signed(b"1:o", seq=3, salt=b"s")
        world.stored = dict.fromkeys(list(world.known)[:10], older)
        [ended] = world.run(self.put(world, cas=3))
        assert isinstance(ended, PutEnded) and ended.found == older
        for arguments, to in world.puts:
            assert arguments.get(b"cas") == (3 if to in world.stored else None)

    def test_what_enough_nodes_have_is_not_put_again(self) -> None:
        """BEP 44, Expiration: "subscribers do not need to republish"."""
        world = World()
        world.stored = dict.fromkeys(world.known, ITEM)
        [ended] = world.run(self.put(world, if_needed=1))
        assert isinstance(ended, PutEnded) and ended.copies > 8 and world.puts == []
        world.stored = dict.fromkeys(world.known, signed(b"1:o", seq=3, salt=b"s"))
        world.run(self.put(world, if_needed=1))
        assert len(world.puts) == 8

    def test_an_immutable_item_is_put_too(self) -> None:
        world, item = World(), ImmutableItem(b"1:x")
        [ended] = world.run(ItemPut(item, world.node.signatures))
        assert ended == PutEnded(item, stored=8, refusals=[], copies=0, found=None)
        world.stored = dict.fromkeys(world.known, item)
        [got] = world.run(ItemGet(item.target, b"", world.node.signatures))
        assert isinstance(got, ItemEnded) and got.item == item and got.nodes < 8
