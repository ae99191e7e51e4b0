"""What the service manager hears of us while we live: that we do, and how we are.

The sign of life comes from the loop itself, and only while the DHT node keeps its times: a loop
that turns without it would be a daemon that finds nobody. A network that is gone is no reason to be
started again; that heals by itself.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from torrentd.daemon.status import DaemonStatus
from torrentd.daemon.systemd import Supervisor

STATUS_INTERVAL_S = 10.0
PATIENCE_S = 30.0  # asked for at a time, in a start or a stop that takes long
PATIENCE_INTERVAL_S = 10.0
OVERDUE_S_MAX = 30.0  # a machine that swaps is late by seconds; by this much, nobody calls any more


class Patient(Protocol):
    """The session, as the service manager is told about it."""

    def status(self) -> DaemonStatus: ...
    def dht_overdue_s(self, now: float) -> float: ...
    def torrent_count(self) -> int: ...


class Heartbeat:
    """`run` for the whole life; `patience` around the start and the stop."""

    def __init__(self, supervisor: Supervisor, session: Patient) -> None:
        self._supervisor = supervisor
        self._session = session
        self._said = ""
        self._asking: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Returns at once when nobody listens."""
        if not self._supervisor.listens:
            return
        watchdog_s = self._supervisor.watchdog_interval_s
        interval_s = STATUS_INTERVAL_S if watchdog_s is None else watchdog_s
        status_at = time.monotonic() + STATUS_INTERVAL_S
        while True:
            now = time.monotonic()
            if watchdog_s is not None:
                self.beat(now)
            if now >= status_at:
                status_at = now + STATUS_INTERVAL_S
                self.say()
            await asyncio.sleep(min(interval_s, STATUS_INTERVAL_S))

    def beat(self, now: float) -> bool:
        """Give the sign of life, if we do live."""
        alive = self._session.dht_overdue_s(now) <= OVERDUE_S_MAX
        return alive and self._supervisor.watchdog()

    def say(self) -> None:
        """How we are, when that is new."""
        sentence = self.sentence()
        if sentence != self._said:
            self._said = sentence
            self._supervisor.status(sentence)

    def sentence(self) -> str:
        """For `systemctl status`."""
        status = self._session.status()
        down, up = status.download_rate_bytes_per_s, status.upload_rate_bytes_per_s
        count = self._session.torrent_count()
        parts = [
            f"{count} torrent{'' if count == 1 else 's'}",
            f"down {down / 2**20:.1f} MiB/s, up {up / 2**20:.1f} MiB/s",
            f"{status.peers_connected} peers",
            f"{status.dht.nodes_good} DHT nodes" if status.dht.enabled else "no DHT",
            *status.warnings[:1],
        ]
        return ", ".join(parts)

    @contextmanager
    def patience(self) -> Iterator[None]:
        """As long as this lasts, the service manager is asked to wait."""
        self._ask_for_patience()
        try:
            yield
        finally:
            if self._asking is not None:
                self._asking.cancel()

    def _ask_for_patience(self) -> None:
        self._supervisor.extend_timeout(PATIENCE_S)
        loop = asyncio.get_running_loop()
        self._asking = loop.call_later(PATIENCE_INTERVAL_S, self._ask_for_patience)
