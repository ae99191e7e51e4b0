"""The verb `limits`: how fast data may flow, of all torrents and of each."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from torrentd.config.schema import Rates
from torrentd.daemon.control_call import Answer, Call, Document, Run
from torrentd.daemon.control_lines import INVALID_PARAMS, LineError
from torrentd.daemon.control_options import DOWN, UP, Unsaid, read_rules
from torrentd.daemon.control_params import Params
from torrentd.daemon.settings import Settings
from torrentd.daemon.status import Refused, TorrentStatus
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import RATE_BYTES_PER_S_MAX, TorrentOptions

MODES = {"on": "always", "off": "never", "auto": "auto"}


class Commands(Protocol):
    """What is asked of the session."""

    @property
    def alternative_limits_hold(self) -> bool: ...
    def torrents(self) -> list[TorrentStatus]: ...
    def select(self, selector: str) -> list[InfoHash]: ...
    def torrent(self, infohash: InfoHash) -> TorrentStatus: ...
    async def wake(self, infohash: InfoHash) -> None: ...
    def options(self, infohash: InfoHash) -> TorrentOptions: ...
    def set_options(self, infohash: InfoHash, options: TorrentOptions) -> None: ...


class LimitVerbs:
    """Limits of all torrents are settings, changed by hand; a torrent's own are its options."""

    def __init__(self, commands: Commands, settings: Settings) -> None:
        self._commands = commands
        self._settings = settings
        self.by_name: dict[str, Run] = {"limits": self._limits}

    async def _limits(self, params: Params, call: Call) -> Answer:
        selectors = params.texts("torrents")
        limits = {key: params.integer(key, 0, RATE_BYTES_PER_S_MAX) for key in (DOWN, UP)}
        alternative = params.choice("alternative", tuple(MODES), "")
        rules = read_rules(params)
        super_seeding = params.switch("super_seeding")
        params.refuse_unknown()
        wanted = {key: rate for key, rate in limits.items() if rate is not None}
        if not selectors:
            if not isinstance(rules, Unsaid):
                raise Refused("rules of all torrents are in seeding.rules: see config explain")
            if super_seeding is not None:
                raise Refused("super seeding is of a torrent: name those that are to seed so")
            await self._change_all(wanted, MODES.get(alternative))
            return self._answer(list(self._with_limits()))
        if alternative:
            raise LineError(INVALID_PARAMS, 'the "alternative" limits are of all torrents together')
        found = [infohash for text in selectors for infohash in self._commands.select(text)]
        infohashes = list(dict.fromkeys(found))
        for infohash in infohashes:
            await self._change_one(infohash, wanted, rules, super_seeding)
        return self._answer(infohashes)

    async def _change_all(self, wanted: dict[str, int], mode: str | None) -> None:
        for key, rate_bytes_per_s in wanted.items():
            await self._settings.change(f"rates.{key}", str(rate_bytes_per_s))
        if mode is not None:
            await self._settings.change("rates.alternative", mode)

    async def _change_one(
        self,
        infohash: InfoHash,
        wanted: dict[str, int],
        rules: tuple[str, ...] | Unsaid | None,
        super_seeding: bool | None,
    ) -> None:
        options = self._commands.options(infohash)
        changed = replace(
            options,
            download_bytes_per_s_max=wanted.get(DOWN, options.download_bytes_per_s_max),
            upload_bytes_per_s_max=wanted.get(UP, options.upload_bytes_per_s_max),
            rules=options.rules if isinstance(rules, Unsaid) else rules,
            super_seeding=options.super_seeding if super_seeding is None else super_seeding,
        )
        if changed != options:
            await self._commands.wake(infohash)
            self._commands.set_options(infohash, changed)

    def _with_limits(self) -> Iterator[InfoHash]:
        """The torrents that have any of their own."""
        for torrent in self._commands.torrents():
            infohash = InfoHash(bytes.fromhex(torrent.infohash))
            options = self._commands.options(infohash)
            limits = options.download_bytes_per_s_max or options.upload_bytes_per_s_max
            if limits or options.rules is not None or options.super_seeding:
                yield infohash

    def _answer(self, infohashes: list[InfoHash]) -> Answer:
        torrents = [self._of_torrent(infohash) for infohash in infohashes]
        return Answer({"all": self._of_all(), "torrents": torrents})

    def _of_all(self) -> Document:
        rates = self._settings.config.rates
        settings = self._settings.settings(["rates"])
        return {
            **{key: getattr(rates, key) for key in _numbers(rates)},
            "alternative": next(word for word, mode in MODES.items() if mode == rates.alternative),
            "alternative_holds": self._commands.alternative_limits_hold,
            "by_hand": [each.key for each in settings if each.origin == "hand"],
        }

    def _of_torrent(self, infohash: InfoHash) -> Document:
        status, options = self._commands.torrent(infohash), self._commands.options(infohash)
        return {
            "infohash": status.infohash,
            "name": status.name,
            DOWN: options.download_bytes_per_s_max,
            UP: options.upload_bytes_per_s_max,
            "rules": list(options.rules) if options.rules is not None else None,
            "super_seeding": options.super_seeding,
        }


def _numbers(rates: Rates) -> list[str]:
    return [key for key in type(rates).model_fields if key.endswith("_bytes_per_s_max")]
