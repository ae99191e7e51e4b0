"""A torrent at rest, as the seeding rules look at it."""

from collections.abc import Callable
from dataclasses import dataclass

from torrentd.config.rules import Quantity, Rule
from torrentd.daemon.resting import Resting, measured
from torrentd.daemon.status import TorrentState
from torrentd.dht.outputs import ScrapeEnded
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions


@dataclass(slots=True)
class RestingSeed:
    """`counted`: how large its swarm is. `wake_and_pause` follows a rule that ends the seeding."""

    torrent: Resting
    counted: ScrapeEnded | None
    wake_and_pause: Callable[[InfoHash, str], None]

    @property
    def infohash(self) -> InfoHash:
        return self.torrent.infohash

    @property
    def state(self) -> TorrentState:
        return self.torrent.state

    @property
    def options(self) -> TorrentOptions:
        return self.torrent.options

    def measured(self, wall: float) -> dict[Quantity, float]:
        record = self.torrent.record
        size_bytes = max(record.downloaded_bytes, record.complete_bytes)
        return measured(record, size_bytes, self.counted, wall)

    def follow_rule(self, rule: Rule | None) -> None:
        """A limit of what nobody takes waits for the next look."""

    def pause(self, reason: str = "") -> None:
        self.wake_and_pause(self.infohash, reason)
