"""Mutable torrents: followed, published, kept alive, over restarts (BEP 46)."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon.session_room import run, supervised, until
from tests.dht.makers import NOW, signed
from torrentd.daemon.dht_items import DhtItems
from torrentd.daemon.errands import Errands
from torrentd.daemon.pointers import Pointers
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import AddRequest, AddResult, Refused
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers
from torrentd.dht.item_search import ItemPut
from torrentd.dht.items import Item, MutableItem
from torrentd.dht.outputs import ItemEnded, PutEnded
from torrentd.dht.search import Search
from torrentd.dht.signatures import Signatures
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.pointer import PointerMagnet, encode_pointer

ONE, TWO = InfoHash(b"1" * 20), InfoHash(b"2" * 20)


def version(infohash: InfoHash, seq: int) -> MutableItem:
    return signed(encode_pointer(infohash), seq=seq)


MAGNET = PointerMagnet(version(ONE, 1).key)


class Room:
    """A DHT of one dictionary, and a session that only remembers its torrents."""

    def __init__(self, folder: Path, tasks: Tasks) -> None:
        self.stored: dict[bytes, Item] = {}
        self.puts: list[Item] = []
        self.torrents: dict[InfoHash, str | None] = {}
        self.removed: list[InfoHash] = []
        self.refuses = False
        folder.mkdir(exist_ok=True)
        self.errands = Errands(self.begin, lambda search: None)
        items = DhtItems(self.errands, lambda: Signatures(NOW))
        self.workers = Workers("state", 1, tasks)
        self.pointers = Pointers(items, random.Random(1), StateDir(folder), self.workers, self)

    def begin(self, search: Search) -> None:
        ended: ItemEnded | PutEnded = ItemEnded(search.target, self.stored.get(search.target), 1, 8)
        if isinstance(search, ItemPut):
            self.puts.append(search._item)
            self.stored[search.target] = search._item
            ended = PutEnded(search._item, 8, [], 0, None)
        asyncio.get_running_loop().call_soon(self.errands.ended, ended)

    async def add(self, request: AddRequest) -> AddResult:
        if self.refuses:
            raise Refused("no")
        assert request.magnet is not None
        infohash = InfoHash(bytes.fromhex(request.magnet))
        added = infohash not in self.torrents
        self.torrents.setdefault(infohash, request.download_dir)
        return AddResult(infohash.hex(), "x", added)

    async def remove(self, infohash: InfoHash, delete_data: bool = False) -> None:
        assert not delete_data
        self.removed.append(infohash)
        if self.torrents.pop(infohash, "") == "":
            raise Refused("not there")

    async def follow(self) -> None:
        await self.pointers.follow(MAGNET, "/srv")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torrentd.daemon.dht_items.AGAIN_S", 0.0)


def in_room(folder: Path, scenario: "type[Scenario]") -> None:
    async def story() -> None:
        async with supervised() as tasks:
            await scenario(folder, tasks).play()

    run(story())


class Scenario:
    def __init__(self, folder: Path, tasks: Tasks) -> None:
        self.folder, self.tasks = folder, tasks
        self.room = Room(folder, tasks)

    async def play(self) -> None:
        raise NotImplementedError


class MovesToEachVersion(Scenario):
    async def play(self) -> None:
        room = self.room
        room.stored[version(ONE, 1).target] = version(ONE, 1)
        await room.follow()
        assert room.torrents == {ONE: "/srv"} and room.puts == [version(ONE, 1)]
        room.stored[version(TWO, 2).target] = version(TWO, 2)
        await room.follow()
        assert room.torrents == {TWO: "/srv"} and room.removed == [ONE]
        room.stored[version(ONE, 1).target] = version(ONE, 1)  # an old one comes back
        await room.follow()
        assert room.torrents == {TWO: "/srv"} and room.puts[-1] == version(TWO, 2)


class KeepsWhatWasThereBefore(Scenario):
    async def play(self) -> None:
        room = self.room
        room.torrents[ONE] = "/home"
        for item in (version(ONE, 1), version(TWO, 2)):
            room.stored[item.target] = item
            await room.follow()
        assert room.torrents == {ONE: "/home", TWO: "/srv"} and room.removed == []


class IsFollowedBeforeAnybodyHasIt(Scenario):
    async def play(self) -> None:
        await self.room.follow()
        assert self.room.torrents == {} and len(self.room.pointers.all()) == 1
        self.room.stored[version(ONE, 1).target] = version(ONE, 1)
        await self.room.follow()
        assert self.room.torrents == {ONE: "/srv"} and len(self.room.pointers.all()) == 1


class SurvivesARestartWithinAMove(Scenario):
    async def play(self) -> None:
        first = self.room
        first.stored[version(ONE, 1).target] = version(ONE, 1)
        await first.follow()
        first.refuses = True  # as if killed there
        first.stored[version(TWO, 2).target] = version(TWO, 2)
        with pytest.raises(Refused):
            await first.follow()
        second = Room(self.folder, self.tasks)
        second.torrents[ONE] = "/srv"
        await second.pointers.load()
        task = asyncio.ensure_future(second.pointers.run())
        await until(lambda: second.torrents == {TWO: "/srv"})
        await until(lambda: version(TWO, 2) in second.puts)  # and it is kept alive
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class TakesUpAMoveThatWasRefused(Scenario):
    async def play(self) -> None:
        room = self.room
        room.stored[version(ONE, 1).target] = version(ONE, 1)
        room.refuses = True
        with pytest.raises(Refused, match="cannot be added"):
            await room.follow()
        assert room.torrents == {} and room.pointers.all()[0].moving
        room.refuses = False
        await room.follow()
        assert room.torrents == {ONE: "/srv"} and not room.pointers.all()[0].moving


class PublishesAndForgets(Scenario):
    async def play(self) -> None:
        pointers = self.room.pointers
        ended = await pointers.publish(version(ONE, 5))
        assert ended is not None and ended.stored == 8
        assert self.room.torrents == {}  # published, not followed
        for wrong in (
            version(TWO, 5),
            version(TWO, 4),
            signed(b"1:x", seq=9),
            signed(encode_pointer(TWO), seq=9, bits=1),
        ):
            with pytest.raises(Refused):
                await pointers.publish(wrong)
        await pointers.publish(version(TWO, 6))
        [kept] = pointers.all()
        assert kept.item == version(TWO, 6)
        with pytest.raises(Refused):
            await pointers.forget("ffff")
        with pytest.raises(Refused):
            await pointers.forget("")
        assert await pointers.forget(kept.key.hex()[:8]) == [kept]
        again = Room(self.folder, self.tasks)
        await again.pointers.load()
        assert again.pointers.all() == []


@pytest.mark.parametrize("scenario", Scenario.__subclasses__())
def test_it(scenario: type[Scenario], tmp_path: Path) -> None:
    in_room(tmp_path / "state", scenario)
