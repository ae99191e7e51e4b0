"""Where incoming connections stand while the torrent that they named wakes.

Nothing is read from them meanwhile; they count in `Admission` as all do, so there are never many.
"""

from collections.abc import Awaitable, Callable

from torrentd.daemon.incoming import Adopter
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import Hold, Link
from torrentd.wire.formats.ids import InfoHash

Wake = Callable[[InfoHash], Awaitable[None]]
Find = Callable[[InfoHash], Adopter | None]


class Porch:
    """Owns a link from its handshake until its torrent is awake. An Adopter."""

    def __init__(self, wake: Wake, find: Find, tasks: Tasks) -> None:
        self._wake = wake
        self._find = find
        self._tasks = tasks
        self._waiting: dict[Link, None] = {}

    def adopt(self, link: Link) -> None:
        handshake = link.connection.handshake
        assert handshake is not None
        link.owner = self
        link.hold_reading(Hold.WAKE, True)
        self._waiting[link] = None
        self._tasks.spawn(self._lead_in(link, handshake.infohash), "a peer wakes a torrent")

    def close(self) -> None:
        for link in list(self._waiting):
            link.abort()

    async def _lead_in(self, link: Link, infohash: InfoHash) -> None:
        await self._wake(infohash)
        if link not in self._waiting:
            return
        del self._waiting[link]
        adopter = self._find(infohash)
        if adopter is None:
            link.abort()
            return
        adopter.adopt(link)
        link.hold_reading(Hold.WAKE, False)

    # ---- what the links call

    def link_up(self, link: Link) -> None:
        """They are up already."""

    def link_received(self, link: Link, data: memoryview) -> None:
        """What is read before the hold takes effect cannot be kept."""
        link.abort()

    def link_paused(self, link: Link) -> None:
        """Nothing is sent from here."""

    def link_resumed(self, link: Link) -> None:
        """As above."""

    def link_lost(self, link: Link) -> None:
        self._waiting.pop(link, None)
