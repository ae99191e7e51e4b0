"""Searches that somebody awaits, by their key."""

import asyncio

from tests.daemon.session_room import run
from torrentd.daemon.errands import ErrandEnded, Errands
from torrentd.dht.outputs import ScrapeEnded
from torrentd.dht.scrape import Scrape
from torrentd.dht.search import Search
from torrentd.wire.formats.ids import InfoHash

ONE, TWO = InfoHash(b"1" * 20), InfoHash(b"2" * 20)
ENDED = ScrapeEnded(ONE, seeds=3, peers=4, nodes=5)


class Room:
    def __init__(self) -> None:
        self.begun: list[Search] = []
        self.dropped: list[Search] = []
        self.errands = Errands(self.begun.append, self.dropped.append)


def test_all_that_await_it_hear_the_end() -> None:
    async def scenario() -> list[ErrandEnded | None]:
        room = Room()
        waiting = [asyncio.ensure_future(room.errands.run(Scrape(ONE), 5)) for _ in range(2)]
        other = asyncio.ensure_future(room.errands.run(Scrape(TWO), 0.05))
        await asyncio.sleep(0)
        assert len(room.begun) == 3
        room.errands.ended(ENDED)
        results = [*await asyncio.gather(*waiting), await other]
        room.errands.ended(ENDED)  # nobody awaits it any more
        return results

    assert run(scenario()) == [ENDED, ENDED, None]


def test_a_search_that_nobody_awaits_any_more_is_dropped() -> None:
    async def scenario() -> None:
        room = Room()
        patient = asyncio.ensure_future(room.errands.run(Scrape(ONE), 5))
        assert await room.errands.run(Scrape(ONE), 0.01) is None
        assert room.dropped == []
        patient.cancel()
        await asyncio.wait([patient])
        assert [search.target for search in room.dropped] == [ONE]

    run(scenario())


def test_one_that_ends_at_once_is_heard() -> None:
    async def scenario() -> None:
        errands = Errands(lambda search: errands.ended(ENDED), lambda search: None)
        assert await errands.run(Scrape(ONE), 5) == ENDED

    run(scenario())
