"""The verbs that say what is wanted of a torrent: parameters in, its options changed."""

from dataclasses import replace
from typing import Final, Protocol, get_args

from torrentd.config.labels import check_label
from torrentd.config.rules import parse_rule
from torrentd.daemon.control_call import Answer, Call, Document, Run
from torrentd.daemon.control_lines import INVALID_PARAMS, LineError
from torrentd.daemon.control_params import Params
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.queue import Move
from torrentd.daemon.status import FileStatus, Refused, TorrentStatus
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import (
    LABELS_MAX,
    RATE_BYTES_PER_S_MAX,
    RULES_MAX,
    TEXT_BYTES_MAX,
    TorrentOptions,
)

DOWN: Final = "download_bytes_per_s_max"
UP: Final = "upload_bytes_per_s_max"


def added_options(params: Params) -> TorrentOptions:
    """What `add` says of a torrent beside where it comes from."""
    limits = {key: params.integer(key, 0, RATE_BYTES_PER_S_MAX) or 0 for key in (DOWN, UP)}
    rules = read_rules(params)
    return TorrentOptions(
        labels=_labels(params, "labels"),
        sequential=params.flag("sequential"),
        super_seeding=params.flag("super_seeding"),
        download_bytes_per_s_max=limits[DOWN],
        upload_bytes_per_s_max=limits[UP],
        rules=None if isinstance(rules, Unsaid) else rules,
    )


class Unsaid:
    """Of rules nothing was said."""


def read_rules(params: Params) -> tuple[str, ...] | Unsaid | None:
    """A torrent's own: `["none"]`, or `["default"]` for those of the configuration."""
    texts = params.texts("rules")
    if texts in (["none"], ["default"], []):
        return Unsaid() if not texts else () if texts == ["none"] else None
    if len(texts) > RULES_MAX:
        raise Refused(f"a torrent can have {RULES_MAX} rules of its own")
    for text in texts:
        try:
            parse_rule(text[:TEXT_BYTES_MAX])
        except ValueError as error:
            raise Refused(f"{text[:80]!r} is no rule: {error}") from None
    return tuple(texts)


def _labels(params: Params, name: str) -> tuple[str, ...]:
    try:
        labels = tuple(dict.fromkeys(map(check_label, params.texts(name))))
    except ValueError as error:
        raise Refused(str(error)) from None
    if len(labels) > LABELS_MAX:
        raise Refused(f"a torrent can have {LABELS_MAX} labels")
    return labels


class OptionCommands(Protocol):
    """What is asked of the session. Each may raise Refused with a sentence."""

    def find(self, selector: str) -> InfoHash: ...
    def select(self, selector: str) -> list[InfoHash]: ...
    async def wake(self, infohash: InfoHash) -> None: ...
    def torrent(self, infohash: InfoHash) -> TorrentStatus: ...
    def options(self, infohash: InfoHash) -> TorrentOptions: ...
    def set_options(self, infohash: InfoHash, options: TorrentOptions) -> None: ...
    def files(self, infohash: InfoHash) -> list[FileStatus]: ...
    async def move(self, infohash: InfoHash, folder: str) -> None: ...
    async def rename(self, infohash: InfoHash, path: str | None, name: str) -> None: ...
    def queue(self) -> list[TorrentStatus]: ...
    def move_in_queue(self, infohashes: list[InfoHash], to: Move) -> None: ...
    def choose_files(self, infohash: InfoHash, choice: FileChoice) -> None: ...


class OptionVerbs:
    def __init__(self, commands: OptionCommands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {
            "files": self._files,
            "label": self._label,
            "queue": self._queue,
            "move": self._move,
            "rename": self._rename,
        }

    async def _files(self, params: Params, call: Call) -> Answer:
        """As they are then."""
        selector = params.required_text("torrent")
        choice = FileChoice(
            select=params.patterns("select"),
            also=params.patterns("also"),
            skip=params.patterns("skip"),
            high=params.patterns("high"),
            normal=params.patterns("normal"),
            low=params.patterns("low"),
            sequential=params.switch("sequential"),
        )
        params.refuse_unknown()
        infohash = self._commands.find(selector)
        await self._commands.wake(infohash)
        if choice != FileChoice():
            self._commands.choose_files(infohash, choice)
        torrent, options = self._commands.torrent(infohash), self._commands.options(infohash)
        return Answer(
            {
                "infohash": torrent.infohash,
                "name": torrent.name,
                "sequential": options.sequential,
                "files": self._commands.files(infohash),
            }
        )

    async def _label(self, params: Params, call: Call) -> Answer:
        """All are found and all labels are right before the first torrent is touched."""
        selectors = params.required_texts("torrents")
        added, removed = _labels(params, "add"), _labels(params, "remove")
        params.refuse_unknown()
        found = [infohash for text in selectors for infohash in self._commands.select(text)]
        changed: dict[InfoHash, TorrentOptions] = {}
        for infohash in dict.fromkeys(found):
            options = self._commands.options(infohash)
            kept = [label for label in options.labels if label not in removed]
            labels = tuple(dict.fromkeys([*kept, *added]))
            if len(labels) > LABELS_MAX:
                raise Refused(f"a torrent can have {LABELS_MAX} labels")
            changed[infohash] = replace(options, labels=labels)
        for infohash, options in changed.items():
            if options != self._commands.options(infohash):
                await self._commands.wake(infohash)
                self._commands.set_options(infohash, options)
        return Answer({"torrents": [self._labelled(infohash) for infohash in changed]})

    def _labelled(self, infohash: InfoHash) -> Document:
        torrent, options = self._commands.torrent(infohash), self._commands.options(infohash)
        return {
            "infohash": torrent.infohash,
            "name": torrent.name,
            "labels": list(options.labels),
        }

    async def _move(self, params: Params, call: Call) -> Answer:
        selectors, folder = params.required_texts("torrents"), params.path("dir")
        params.refuse_unknown()
        if folder is None:
            raise LineError(INVALID_PARAMS, 'move needs "dir"')
        found = [infohash for text in selectors for infohash in self._commands.select(text)]
        infohashes = list(dict.fromkeys(found))
        for infohash in infohashes:
            await self._commands.move(infohash, folder)
        return Answer({"torrents": [self._placed(infohash) for infohash in infohashes]})

    async def _rename(self, params: Params, call: Call) -> Answer:
        path, name = params.text("path"), params.required_text("name")
        selector = params.required_text("torrent")
        params.refuse_unknown()
        infohash = self._commands.find(selector)
        await self._commands.rename(infohash, path, name)
        return Answer({"torrents": [self._placed(infohash)]})

    def _placed(self, infohash: InfoHash) -> Document:
        torrent = self._commands.torrent(infohash)
        return {
            "infohash": torrent.infohash,
            "name": torrent.name,
            "download_dir": torrent.download_dir,
            "moving": torrent.state == "moving",
        }

    async def _queue(self, params: Params, call: Call) -> Answer:
        """The whole order, as it is then."""
        selectors = params.texts("torrents")
        to = params.choice("to", get_args(Move), "")
        params.refuse_unknown()
        if bool(selectors) != bool(to):
            raise LineError(INVALID_PARAMS, 'queue needs both of "torrents" and "to", or neither')
        found = [infohash for text in selectors for infohash in self._commands.select(text)]
        for infohash in found:
            await self._commands.wake(infohash)
        for move in get_args(Move):
            if move == to:
                self._commands.move_in_queue(list(dict.fromkeys(found)), move)
        places = enumerate(self._commands.queue(), 1)
        return Answer({"torrents": [_in_queue(place, torrent) for place, torrent in places]})


def _in_queue(place: int, torrent: TorrentStatus) -> Document:
    return {
        "place": place,
        "infohash": torrent.infohash,
        "name": torrent.name,
        "state": torrent.state,
        "forced": torrent.forced,
    }
