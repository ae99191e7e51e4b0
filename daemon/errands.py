"""What is asked of the DHT beside peers: each search is awaited by its key, by one or by many."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from torrentd.dht.item_search import ItemGet, ItemPut, put_key
from torrentd.dht.outputs import ItemEnded, PutEnded, SampleEnded, ScrapeEnded
from torrentd.dht.sampling import SampleWalk
from torrentd.dht.scrape import Scrape
from torrentd.dht.search import Search

ErrandEnded: TypeAlias = ScrapeEnded | ItemEnded | PutEnded | SampleEnded
_Key: TypeAlias = tuple[type[Search], bytes]


class Errands:
    """`begin` starts a search, `drop` ends one that nobody awaits any more."""

    def __init__(self, begin: Callable[[Search], None], drop: Callable[[Search], None]) -> None:
        self._begin = begin
        self._drop = drop
        self._awaited: dict[_Key, list[asyncio.Future[ErrandEnded]]] = {}

    async def run(self, search: Search, timeout_s: float) -> ErrandEnded | None:
        """What it ended with; None when it took too long, no node being known perhaps."""
        future: asyncio.Future[ErrandEnded] = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(search.key, [])
        waiting.append(future)
        self._begin(search)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return None
        finally:
            waiting.remove(future)
            if not waiting:
                del self._awaited[search.key]
                self._drop(search)

    def ended(self, output: ErrandEnded) -> None:
        for future in self._awaited.get(_key(output), []):
            if not future.done():
                future.set_result(output)


def _key(ended: ErrandEnded) -> _Key:
    """That of the search which ended so."""
    match ended:
        case ScrapeEnded():
            return Scrape, ended.target
        case ItemEnded():
            return ItemGet, ended.target
        case PutEnded():
            return ItemPut, put_key(ended.item)
        case SampleEnded():
            return SampleWalk, ended.target
