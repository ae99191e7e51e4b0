"""Items and samples that somebody waits for."""

import asyncio

import pytest

from tests.daemon.session_room import run
from tests.dht.makers import NOW, node_id
from torrentd.daemon import dht_items
from torrentd.daemon.dht_items import DhtItems
from torrentd.daemon.errands import ErrandEnded, Errands
from torrentd.dht.items import ImmutableItem
from torrentd.dht.outputs import ItemEnded, PutEnded, SampleEnded
from torrentd.dht.search import Search
from torrentd.dht.signatures import Signatures

ITEM = ImmutableItem(b"1:x")


class Room:
    """Errands that end as the test says, one after the other."""

    def __init__(self, *endings: ErrandEnded) -> None:
        self.endings = list(endings)
        self.begun: list[Search] = []
        self.errands = Errands(self.begin, lambda search: None)
        self.items = DhtItems(self.errands, lambda: Signatures(NOW))

    def begin(self, search: Search) -> None:
        self.begun.append(search)
        if self.endings:
            ending = self.endings.pop(0)
            asyncio.get_running_loop().call_soon(self.errands.ended, ending)


def test_what_is_not_found_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dht_items, "AGAIN_S", 0.0)
    missing = ItemEnded(ITEM.target, None, 0, 8)
    found = ItemEnded(ITEM.target, ITEM, 1, 8)

    async def scenario() -> None:
        room = Room(missing, found)
        assert await room.items.get(ITEM.target) == found and len(room.begun) == 2
        room = Room(found)
        assert await room.items.get(ITEM.target) == found and len(room.begun) == 1

    run(scenario())


def test_puts_and_samples_end_with_what_they_found() -> None:
    async def scenario() -> None:
        put = PutEnded(ITEM, 8, [], 0, None)
        assert await Room(put).items.put(ITEM) == put
        sampled = SampleEnded(node_id(7), [], 3, 4)
        assert await Room(sampled).items.sample(node_id(7)) == sampled

    run(scenario())
