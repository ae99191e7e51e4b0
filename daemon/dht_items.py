"""Items and samples asked of the DHT by somebody who waits (BEP 44, 51)."""

import asyncio
from collections.abc import Callable

from torrentd.daemon.errands import Errands
from torrentd.dht.item_search import ItemGet, ItemPut
from torrentd.dht.items import Item
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import ItemEnded, PutEnded, SampleEnded
from torrentd.dht.sampling import Resting, SampleWalk
from torrentd.dht.signatures import Signatures

ERRAND_S = 75.0  # a lookup ends within 60 s of its first query, a put 5 s later
AGAIN_S = 1.0  # nodes that withhold a large item from strangers have pinged us by then


class DhtItems:
    """`signatures` is the node's, and raises Refused where there is none. Each answer is None when
    it took too long: no node was known."""

    def __init__(self, errands: Errands, signatures: Callable[[], Signatures]) -> None:
        self._errands = errands
        self._signatures = signatures
        self._resting = Resting()

    async def get(self, target: bytes, salt: bytes = b"") -> ItemEnded | None:
        """Asks twice for what is not found: by then we have proven our address to the nodes."""
        ended = await self._get(target, salt)
        if ended is not None and ended.item is None:
            await asyncio.sleep(AGAIN_S)
            ended = await self._get(target, salt)
        return ended

    async def put(
        self, item: Item, *, cas: int | None = None, if_needed: bool = False
    ) -> PutEnded | None:
        search = ItemPut(item, self._signatures(), cas=cas, if_needed=if_needed)
        ended = await self._errands.run(search, ERRAND_S)
        return ended if isinstance(ended, PutEnded) else None

    async def sample(self, target: NodeId) -> SampleEnded | None:
        """What the nodes on the way to `target` name."""
        self._signatures()
        ended = await self._errands.run(SampleWalk(target, self._resting), ERRAND_S)
        return ended if isinstance(ended, SampleEnded) else None

    async def _get(self, target: bytes, salt: bytes) -> ItemEnded | None:
        search = ItemGet(target, salt, self._signatures())
        ended = await self._errands.run(search, ERRAND_S)
        return ended if isinstance(ended, ItemEnded) else None
