"""The download limit: what a torrent's peers send is read as fast as that allows, no faster.

What is not read waits in the kernel, and so TCP makes the peer wait. Each link may read its part of
what there is room for; when there is none, it is held until there is room again.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from torrentd.daemon.tcp import Hold
from torrentd.wire.formats.address import Address
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.throttle import Meter

READ_BYTES_MIN = 4 * 1024  # so that a slow limit and many peers make no tiny reads


class Valve(Protocol):
    """What is asked of a link."""

    @property
    def connection(self) -> PeerConnection: ...
    def hold_reading(self, why: Hold, held: bool) -> None: ...
    def limit_read(self, size_bytes: int | None) -> None: ...


class Intake:
    """The links of one torrent; `links` is theirs whom it belongs to. Driven as a core is."""

    def __init__(
        self,
        meter: Meter,
        links: Mapping[PeerConnection, Valve],
        is_local: Callable[[str], bool],
    ) -> None:
        self.meter = meter
        self._links = links
        self._is_local = is_local
        self._held: dict[Valve, None] = {}
        self._due_at = 0.0

    def meet(self, link: Valve) -> None:
        """A new link: no great debt by many at once."""
        limited = self.meter.is_limited and not self._spares(link.connection.address)
        link.limit_read(READ_BYTES_MIN if limited else None)

    def received(self, link: Valve, size_bytes: int, now: float) -> None:
        """So much of the torrent came, while a limit holds; less than nothing: it ended amid it."""
        if size_bytes <= 0 or self._spares(link.connection.address):
            return
        self.meter.take(size_bytes)
        room = self.meter.room(now) if not self._held else 0
        if room:
            link.limit_read(max(room // len(self._links), READ_BYTES_MIN))
            return
        if not self._held:
            self._due_at = self.meter.next_at(now)
        self._held[link] = None
        link.hold_reading(Hold.RATE, True)

    def lost(self, link: Valve) -> None:
        """It is over."""
        self._held.pop(link, None)

    def limits_changed(self, now: float) -> None:
        """Nobody waits for what a limit before allowed; see Rates."""
        for link in self._links.values():
            self.meet(link)
        self._release()

    def close(self) -> None:
        """The torrent is gone."""
        self._held.clear()
        self.meter.leave()

    def next_deadline(self) -> float | None:
        """When those who are held may read on."""
        return self._due_at if self._held else None

    def tick(self, now: float) -> None:
        """Those who are held share what there is room for, if there is."""
        if not self._held or now < self._due_at:
            return
        room = self.meter.room(now)
        if not room:
            self._due_at = self.meter.next_at(now)
            return
        part_bytes = max(room // len(self._held), READ_BYTES_MIN)
        for link in self._held:
            link.limit_read(part_bytes)
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, {}
        for link in held:
            link.hold_reading(Hold.RATE, False)

    def _spares(self, address: Address) -> bool:
        return self.meter.spares_local and self._is_local(address.host)
