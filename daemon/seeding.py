"""The seeding rules: which of them holds for a torrent, and what follows."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from torrentd.config.rules import Quantity, Rule, parse_rule
from torrentd.config.schema import Seeding as Settings
from torrentd.daemon.logs import get_logger
from torrentd.daemon.status import Refused, TorrentState
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions

LOOK_S = 60.0

log = get_logger("seeding")


class Seed(Protocol):
    """What is asked of a torrent."""

    @property
    def infohash(self) -> InfoHash: ...
    @property
    def state(self) -> TorrentState: ...
    @property
    def options(self) -> TorrentOptions: ...
    def measured(self, wall: float) -> dict[Quantity, float]: ...
    def follow_rule(self, rule: Rule | None) -> None: ...
    def pause(self, reason: str = "") -> None: ...


class Seeding:
    """A torrent's own rules come before those of its labels, and those before all others."""

    def __init__(
        self,
        settings: Settings,
        torrents: Callable[[], Iterable[Seed]],
        remove: Callable[[InfoHash], Awaitable[object]],
    ) -> None:
        self._by_label: dict[str, list[Rule]] = {}
        self._rules: list[Rule] = []
        self._torrents = torrents
        self._remove = remove
        self._parsed: dict[str, Rule | None] = {}
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """From the next look on."""
        self._parsed.clear()
        self._by_label = {each.name: list(map(parse_rule, each.rules)) for each in settings.labels}
        self._rules = [parse_rule(text) for text in settings.rules]

    @property
    def concerns_all(self) -> bool:
        """Are there rules beside those that torrents have of their own?"""
        return bool(self._rules) or any(self._by_label.values())

    def rules_of(self, options: TorrentOptions) -> list[Rule]:
        """Those that count for a torrent with these options."""
        if options.rules is not None:
            return [rule for text in options.rules if (rule := self._parse(text)) is not None]
        found = [self._by_label.get(name, []) for name in options.labels]
        return [rule for rules in found for rule in rules] or self._rules

    async def look(self, wall: float) -> None:
        """At every seed: the first of its rules that holds is followed."""
        for torrent in list(self._torrents()):
            rules = self.rules_of(torrent.options)
            if torrent.state != "seeding":
                continue
            rule = _first(rules, torrent.measured(wall)) if rules else None
            if rule is None or rule.deed == "limit":
                torrent.follow_rule(rule)
                continue
            log.info("a seeding rule holds", torrent=torrent.infohash.hex(), rule=rule.text)
            if rule.deed == "pause":
                torrent.pause(rule.text)
            else:
                try:
                    await self._remove(torrent.infohash)
                except Refused as refused:  # gone meanwhile, or its record cannot be read now
                    log.warning("not removed", torrent=torrent.infohash.hex(), cause=str(refused))

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look(time.time())

    def _parse(self, text: str) -> Rule | None:
        """It was checked when it was said; one that a newer daemon took is left aside."""
        if text not in self._parsed:
            try:
                self._parsed[text] = parse_rule(text)
            except ValueError as error:
                log.warning("a rule on record is not known", rule=text, cause=str(error))
                self._parsed[text] = None
        return self._parsed[text]


def _first(rules: list[Rule], measured: dict[Quantity, float]) -> Rule | None:
    return next((rule for rule in rules if rule.holds(measured)), None)
