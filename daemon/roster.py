"""Who is there: the torrents of a session by their infohash, found and told of."""

import re
import time

from torrentd.daemon import reports
from torrentd.daemon.control_lines import Written, write_entry
from torrentd.daemon.rest import Rest
from torrentd.daemon.resting import Resting
from torrentd.daemon.selectors import select, select_one
from torrentd.daemon.services import Services
from torrentd.daemon.status import Refused, TorrentStatus
from torrentd.daemon.torrent import Torrent
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions

_INFOHASH = re.compile(r"[0-9A-Fa-f]{40}")


class Roster:
    """Those that are awake, and those at rest, which whoever needs more than `status` wakes."""

    def __init__(self) -> None:
        self._torrents: dict[InfoHash, Torrent] = {}  # awake
        self._order: dict[InfoHash, None] = {}  # all, those at rest too, as they came
        self._services: Services  # from `start` on, as the next
        self._rest: Rest

    def torrents(self) -> list[TorrentStatus]:
        now = time.monotonic()
        return [self._status(torrent, now) for torrent in self._all()]

    def listed(self) -> list[TorrentStatus | Written]:
        """The same, already written where nothing has changed since it was last asked for."""
        now = time.monotonic()
        return [
            self._written(torrent) if isinstance(torrent, Resting) else self._status(torrent, now)
            for torrent in self._all()
        ]

    def torrent(self, infohash: InfoHash) -> TorrentStatus:
        return self._status(self._any(infohash), time.monotonic())

    def find(self, selector: str) -> InfoHash:
        """The one torrent that it names."""
        infohash = self._written_out(selector)
        return infohash or select_one(selector, self._all()).infohash

    def select(self, selector: str) -> list[InfoHash]:
        """All torrents that it names: also a pattern, a state, all."""
        infohash = self._written_out(selector)
        if infohash is not None:
            return [infohash]
        return [torrent.infohash for torrent in select(selector, self._all())]

    async def wake(self, infohash: InfoHash) -> None:
        """One that is at rest must be awake for all that follows; whoever looks at a torrent wakes
        it first. It lies down again by itself."""
        await self._rest.wake(infohash)

    def options(self, infohash: InfoHash) -> TorrentOptions:
        """What is wanted of it."""
        return self._any(infohash).options

    # ---- inside

    def _written_out(self, selector: str) -> InfoHash | None:
        """The torrent whose whole infohash that is. It comes before any name, since a stranger may
        name his torrent so; and nobody is looked at beside it, however many there are."""
        text = selector.strip()
        if not _INFOHASH.fullmatch(text):
            return None
        infohash = InfoHash(bytes.fromhex(text))
        return infohash if infohash in self._order else None

    def _get(self, infohash: InfoHash) -> Torrent:
        """One that is awake."""
        torrent = self._torrents.get(infohash)
        if torrent is None:
            self._any(infohash)
            raise Refused(f"{infohash.hex()} is at rest, and its record cannot be read now")
        return torrent

    async def _awake(self, infohash: InfoHash) -> Torrent:
        await self.wake(infohash)
        return self._get(infohash)

    def _any(self, infohash: InfoHash) -> Torrent | Resting:
        torrent = self._torrents.get(infohash) or self._rest.torrents.get(infohash)
        if torrent is None:
            raise Refused(f"there is no torrent {infohash.hex()}")
        return torrent

    def _all(self) -> list[Torrent | Resting]:
        """In the order in which they came."""
        awake, resting = self._torrents, self._rest.torrents
        return [awake.get(infohash) or resting[infohash] for infohash in self._order]

    def _status(self, torrent: Torrent | Resting, now: float) -> TorrentStatus:
        if isinstance(torrent, Torrent):
            return reports.torrent_status(torrent, now)
        return reports.resting_status(torrent, self._services.discovery.swarm(torrent.infohash))

    def _written(self, torrent: Resting) -> Written:
        counted = self._services.discovery.swarm(torrent.infohash)
        written = torrent.written
        if written is None or written[0] != torrent.believed or written[1] is not counted:
            text = write_entry(reports.resting_status(torrent, counted))
            torrent.written = written = (torrent.believed, counted, text)
        return written[2]
