"""What happens, for one who follows it: kept until he takes it, and bounded (L4).

Whoever puts never waits. A follower who is slower than what happens loses the oldest entries and is
told how many.
"""

import asyncio
from collections import deque
from typing import Generic, TypeVar

ENTRIES_MAX = 128

T = TypeVar("T")


class Feed(Generic[T]):
    """One follower's; it ends once, and what was put before is still taken."""

    def __init__(self) -> None:
        self.missed = 0  # entries lost, over all
        self._entries: deque[T] = deque()
        self._ended = False
        self._fresh = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Nothing is there and nothing will come."""
        return self._ended and not self._entries

    def put(self, entry: T) -> None:
        if len(self._entries) == ENTRIES_MAX:
            self._entries.popleft()
            self.missed += 1
        self._entries.append(entry)
        self._fresh.set()

    def end(self) -> None:
        self._ended = True
        self._fresh.set()

    async def take(self, within_s: float) -> list[T]:
        """What there is, or what comes within the time; [] when that is nothing."""
        if not self._entries and not self._ended:
            self._fresh.clear()
            try:
                async with asyncio.timeout(within_s):
                    await self._fresh.wait()
            except TimeoutError:
                pass
        taken = list(self._entries)
        self._entries.clear()
        return taken
