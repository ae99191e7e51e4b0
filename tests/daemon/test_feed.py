"""One follower's feed: in order, bounded, and over when all is taken."""

import asyncio

from torrentd.daemon.feed import ENTRIES_MAX, Feed


def test_what_was_put_is_taken_in_order_and_once() -> None:
    async def scenario() -> None:
        feed = Feed[int]()
        feed.put(1)
        feed.put(2)
        assert await feed.take(10) == [1, 2]
        assert await feed.take(0.001) == []

    asyncio.run(scenario())


def test_a_follower_that_waits_is_woken() -> None:
    async def scenario() -> None:
        feed = Feed[int]()
        asyncio.get_running_loop().call_later(0.01, feed.put, 7)
        assert await feed.take(60) == [7]
        asyncio.get_running_loop().call_later(0.01, feed.end)
        assert await feed.take(60) == []
        assert feed.is_over

    asyncio.run(scenario())


def test_it_is_over_once_the_last_entry_is_taken() -> None:
    async def scenario() -> None:
        feed = Feed[int]()
        feed.put(1)
        feed.end()
        over = feed.is_over
        assert not over
        assert [await feed.take(60), await feed.take(60)] == [[1], []]
        assert feed.is_over

    asyncio.run(scenario())


def test_one_who_is_too_slow_loses_the_oldest_and_can_tell_how_many() -> None:
    async def scenario() -> None:
        feed = Feed[int]()
        for number in range(100_000):
            feed.put(number)
        taken = await feed.take(1)
        assert taken == list(range(100_000 - ENTRIES_MAX, 100_000))
        assert feed.missed == 100_000 - ENTRIES_MAX

    asyncio.run(scenario())
