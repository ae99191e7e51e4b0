"""Those who wait for a torrent to get somewhere."""

import asyncio
from typing import Literal

Goal = Literal["done", "metadata", "seeding"]


class Waiters:
    """Of one torrent."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Goal, asyncio.Future[None]]] = []

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def add(self, goal: Goal) -> asyncio.Future[None]:
        """Done when the goal is reached, cancelled when the torrent goes; `tell` follows."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((goal, future))
        return future

    def tell(self, reached: dict[Goal, bool]) -> None:
        """What is so now."""
        for entry in list(self._waiting):
            goal, future = entry
            if reached[goal] and not future.done():
                future.set_result(None)
            if future.done():
                self._waiting.remove(entry)

    def cancel(self) -> None:
        """The torrent goes."""
        for _, future in self._waiting:
            future.cancel()
