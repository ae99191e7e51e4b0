"""How fast the data of all torrents may flow: which limits hold, by the clock on the wall."""

import asyncio
import time
from typing import Literal, Protocol

from torrentd.config.schema import Rates as Settings
from torrentd.config.times import parse_time_span
from torrentd.daemon.logs import get_logger
from torrentd.wire.swarm.throttle import Throttle

LOOK_S = 10.0  # between two looks at the clock

log = get_logger("rates")


class Listener(Protocol):
    """Whoever reads otherwise while a limit holds."""

    def limits_changed(self, now: float) -> None: ...


class Rates:
    """One throttle for each direction, shared by all torrents."""

    def __init__(self, settings: Settings) -> None:
        now = time.monotonic()
        self.download = Throttle(0, now)
        self.upload = Throttle(0, now)
        self.listeners: dict[Listener, None] = {}
        self.alternative = False  # do the alternative limits hold?
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """From now on."""
        self._settings = settings
        self._spans = [parse_time_span(text) for text in settings.alternative_times]
        self.apply(time.localtime(), time.monotonic())

    def apply(self, wall: time.struct_time, now: float) -> None:
        """See which limits hold at this local time, and let them."""
        minute = wall.tm_hour * 60 + wall.tm_min
        settings = self._settings
        alternative = settings.alternative == "always" or (
            settings.alternative == "auto"
            and any(span.holds(wall.tm_wday, minute) for span in self._spans)
        )
        if alternative != self.alternative:
            self.alternative = alternative
            log.info("rate limits", alternative=alternative)
        if alternative:
            down = settings.alternative_download_bytes_per_s_max
            up = settings.alternative_upload_bytes_per_s_max
        else:
            down, up = settings.download_bytes_per_s_max, settings.upload_bytes_per_s_max
        before = self._in_force()
        for throttle, rate_bytes_per_s in ((self.download, down), (self.upload, up)):
            throttle.spares_local = not settings.limit_local_network
            throttle.set_rate(rate_bytes_per_s, now)
        if self._in_force() != before:
            for listener in list(self.listeners):
                listener.limits_changed(now)

    @property
    def which(self) -> Literal["all", "schedule", "alternative"]:
        """The limits that hold."""
        if not self.alternative:
            return "all"
        return "schedule" if self._settings.alternative == "auto" else "alternative"

    async def run(self) -> None:
        """Follow the clock."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.apply(time.localtime(), time.monotonic())

    def _in_force(self) -> tuple[int, int, bool]:
        return (
            self.download.rate_bytes_per_s,
            self.upload.rate_bytes_per_s,
            self.download.spares_local,
        )
