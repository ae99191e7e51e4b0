"""One request on its way through a verb, and what comes of it."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torrentd.daemon.control_params import Params
from torrentd.daemon.feed import Feed

Document: TypeAlias = Mapping[str, object]
FOLLOW_SLICE_S = 2.0  # how long a follower who hung up keeps his place


@dataclass(slots=True)
class Answer:
    """`then` is called once the document is on its way."""

    document: Document
    then: Callable[[], None] | None = None


async def _to_nobody(document: Document) -> None:
    return None


@dataclass(slots=True)
class Call:
    """One request beyond its params: raw torrent bytes, whether the caller hung up, and how to tell
    him something before the answer (a notification; it waits for a caller who reads slowly)."""

    metainfo: bytes | None
    hung_up: Callable[[], bool]
    tell: Callable[[Document], Awaitable[None]] = _to_nobody

    async def follow(self, feed: Feed[Document], limit_s: float = math.inf) -> None:
        """Tell all that comes, until the feed is over, the time is, or the caller hung up. No line
        is left half told: the time is looked at between two."""
        missed = 0
        deadline = time.monotonic() + limit_s
        while not feed.is_over and not self.hung_up():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            for entry in await feed.take(min(left_s, FOLLOW_SLICE_S)):
                if feed.missed > missed:
                    missed = feed.missed
                    await self.tell({"missed": missed})
                await self.tell(entry)


Run: TypeAlias = Callable[[Params, Call], Awaitable[Answer]]
