"""The verbs of the control socket: parameters in, one command of the session, one document out.

The document is what `torrentctl --json` prints for the verb. This room knows the session only by
the questions of `Commands`; it knows no socket and no JSON text.
"""

import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Protocol

from torrentd.daemon.adopting import Adoption, AdoptVerbs
from torrentd.daemon.adopting import Request as AdoptRequest
from torrentd.daemon.control_bans import BanCommands, BanVerbs
from torrentd.daemon.control_call import Answer, Call, Run
from torrentd.daemon.control_dht import DhtCommands, DhtVerbs
from torrentd.daemon.control_journal import JournalCommands, JournalVerbs
from torrentd.daemon.control_lines import (
    INVALID_PARAMS,
    METAINFO_BYTES_MAX,
    METHOD_NOT_FOUND,
    SCHEMA,
    Json,
    LineError,
    Written,
)
from torrentd.daemon.control_options import OptionCommands, OptionVerbs, added_options
from torrentd.daemon.control_params import TEXTS_MAX, Params
from torrentd.daemon.control_pointers import PointerCommands, PointerVerbs
from torrentd.daemon.ledger import DAYS_MAX, Ledger
from torrentd.daemon.status import (
    AddRequest,
    AddResult,
    DaemonStatus,
    DataFate,
    PeerStatus,
    PiecesStatus,
    Refused,
    TorrentInfo,
    TorrentStatus,
)
from torrentd.daemon.waiters import Goal
from torrentd.daemon.why import Why
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import decode_metainfo

WAIT_S_MAX = 366 * 86400.0
DAYS_SHOWN = 14
RESOLVE_S = 60.0
RESOLVE_S_MAX = 3600.0
WAIT_SLICE_S = 2.0  # how long a client that hung up keeps its place
EXPORT_PART_BYTES = 3 * 1024  # whole groups of base64, so that the parts can be joined


class Commands(OptionCommands, Protocol):
    """What the control socket needs of the session. Each may raise Refused with a sentence."""

    async def add(self, request: AddRequest) -> AddResult: ...
    async def adopt(self, request: AdoptRequest) -> Adoption: ...
    def status(self) -> DaemonStatus: ...
    def listed(self) -> list[TorrentStatus | Written]: ...
    def info(self, infohash: InfoHash) -> TorrentInfo: ...
    def peers(self, infohash: InfoHash) -> list[PeerStatus]: ...
    def why(self, infohashes: list[InfoHash]) -> list[Why]: ...
    def pieces(self, infohash: InfoHash) -> PiecesStatus: ...
    def totals(self) -> Ledger: ...
    async def resolve(self, uri: str, timeout_s: float) -> bytes: ...
    def metainfo(self, infohash: InfoHash) -> bytes: ...
    async def pause(self, infohash: InfoHash) -> None: ...
    async def resume(self, infohash: InfoHash) -> None: ...
    async def check_trash(self, infohash: InfoHash) -> None: ...
    async def remove(self, infohash: InfoHash, fate: DataFate = "stays") -> list[str]: ...
    async def verify(self, infohash: InfoHash) -> None: ...
    async def announce(self, infohash: InfoHash) -> None: ...
    async def add_peer(self, infohash: InfoHash, address_text: str) -> None: ...
    async def wait(
        self,
        infohash: InfoHash,
        until: Goal,
        timeout_s: float | None = None,
    ) -> bool: ...
    @property
    def dht(self) -> DhtCommands: ...
    @property
    def pointers(self) -> PointerCommands: ...
    @property
    def bans(self) -> BanCommands: ...
    @property
    def journal(self) -> JournalCommands: ...
    def request_shutdown(self) -> None: ...


class Verbs:
    """The methods by name. `run` raises LineError or Refused, nothing else on any input."""

    def __init__(self, commands: Commands, more: Mapping[str, Run] | None = None) -> None:
        self._commands = commands
        self._by_name: dict[str, Run] = {
            "add": self._add,
            "status": self._status,
            "info": self._info,
            "peers": self._peers,
            "why": self._why,
            "pieces": self._pieces,
            "export": self._export,
            "resolve": self._resolve,
            "pause": self._pause,
            "resume": self._resume,
            "remove": self._remove,
            "verify": self._verify,
            "announce": self._announce,
            "add-peer": self._add_peer,
            "wait": self._wait,
            "stats": self._stats,
            "version": self._version,
            "shutdown": self._shutdown,
            **DhtVerbs(commands).by_name,
            **PointerVerbs(commands).by_name,
            **OptionVerbs(commands).by_name,
            **AdoptVerbs(commands).by_name,
            **BanVerbs(commands).by_name,
            **JournalVerbs(commands).by_name,
            **(more or {}),
        }

    async def run(self, method: str, params: dict[str, Json], call: Call) -> Answer:
        verb = self._by_name.get(method)
        if verb is None:
            near = get_close_matches(method[:40], self._by_name, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise LineError(METHOD_NOT_FOUND, f'there is no "{method[:40]}"{hint}')
        return await verb(Params(method, params), call)

    async def _add(self, params: Params, call: Call) -> Answer:
        request = AddRequest(
            magnet=params.text("uri"),
            metainfo=call.metainfo,
            download_dir=params.path("dir"),
            paused=params.flag("paused"),
            select=params.patterns("select"),
            peers=params.texts("peers"),
            options=added_options(params),
        )
        params.integer("metainfo_bytes", 1, METAINFO_BYTES_MAX)  # the bytes came with the call
        params.refuse_unknown()
        if (request.magnet is None) == (request.metainfo is None):
            raise LineError(INVALID_PARAMS, 'add needs one of "uri" and "metainfo_bytes"')
        return Answer({"torrents": [await self._commands.add(request)]})

    async def _status(self, params: Params, call: Call) -> Answer:
        selectors = params.texts("torrents")
        params.refuse_unknown()
        torrents: list[TorrentStatus | Written]
        if selectors:
            found = self._find_all(selectors)
            torrents = [self._commands.torrent(infohash) for infohash in found]
        else:
            torrents = self._commands.listed()
        return Answer({"daemon": self._commands.status(), "torrents": torrents})

    async def _info(self, params: Params, call: Call) -> Answer:
        info = self._commands.info(await self._find_one(params))
        fields = {name: getattr(info, name) for name in info.__slots__}
        status = fields.pop("status")
        own = {name: getattr(status, name) for name in status.__slots__}
        return Answer({**own, **fields})

    async def _why(self, params: Params, call: Call) -> Answer:
        selectors = params.texts("torrents") or ["all"]
        params.refuse_unknown()
        return Answer({"torrents": self._commands.why(self._find_all(selectors))})

    async def _peers(self, params: Params, call: Call) -> Answer:
        infohash = await self._find_one(params)
        return Answer({**self._named(infohash), "peers": self._commands.peers(infohash)})

    async def _pieces(self, params: Params, call: Call) -> Answer:
        infohash = await self._find_one(params)
        pieces = self._commands.pieces(infohash)
        fields = {name: getattr(pieces, name) for name in pieces.__slots__}
        return Answer({**self._named(infohash), **fields})

    async def _export(self, params: Params, call: Call) -> Answer:
        """The magnet; and where that is wanted the torrent file, as base64 in parts."""
        wants_metainfo = params.flag("metainfo")
        infohash = await self._find_one(params)
        document: dict[str, object] = {**self._named(infohash)}
        document["magnet"] = self._commands.info(infohash).magnet
        if wants_metainfo:
            data = self._commands.metainfo(infohash)
            document["metainfo"] = _parts(data)
        return Answer(document)

    async def _resolve(self, params: Params, call: Call) -> Answer:
        """What `export` gives of a torrent, of one that nobody adds."""
        uri = params.required_text("uri")
        timeout_s = params.number("timeout_s", 0, RESOLVE_S_MAX)
        params.refuse_unknown()
        data = await self._commands.resolve(uri, RESOLVE_S if timeout_s is None else timeout_s)
        found = decode_metainfo(data)
        info = found.info
        return Answer(
            {
                "infohash": found.infohash.hex(),
                "name": info.name.decode("utf-8", "replace"),
                "size_bytes": info.total_bytes,
                "file_count": len(info.files),
                "metainfo": _parts(data),
            }
        )

    async def _pause(self, params: Params, call: Call) -> Answer:
        return await self._each(params, self._commands.pause)

    async def _resume(self, params: Params, call: Call) -> Answer:
        return await self._each(params, self._commands.resume)

    async def _verify(self, params: Params, call: Call) -> Answer:
        return await self._each(params, self._commands.verify)

    async def _announce(self, params: Params, call: Call) -> Answer:
        return await self._each(params, self._commands.announce)

    async def _remove(self, params: Params, call: Call) -> Answer:
        """Each by a name of its own: no pattern can remove what nobody looked at."""
        deleted, trashed = params.flag("data"), params.flag("trash")
        selectors = params.required_texts("torrents")
        params.refuse_unknown()
        infohashes = list(dict.fromkeys(self._commands.find(text) for text in selectors))
        if deleted and trashed:
            raise LineError(INVALID_PARAMS, '"data" deletes it, "trash" keeps it: one of them')
        named = [self._named(infohash) for infohash in infohashes]
        for infohash in infohashes if trashed else ():
            await self._commands.check_trash(infohash)
        fate: DataFate = "trashed" if trashed else "deleted" if deleted else "stays"
        places = [await self._commands.remove(infohash, fate) for infohash in infohashes]
        removed = zip(named, places, strict=True)
        return Answer({"torrents": [{**torrent, "trashed": place} for torrent, place in removed]})

    async def _add_peer(self, params: Params, call: Call) -> Answer:
        address = params.required_text("address")
        infohash = await self._find_one(params)
        await self._commands.add_peer(infohash, address)
        return Answer({**self._named(infohash), "address": address})

    async def _wait(self, params: Params, call: Call) -> Answer:
        goals: dict[str, Goal] = {"done": "done", "metadata": "metadata", "seeding": "seeding"}
        goal = goals[params.choice("until", tuple(goals), "done")]
        timeout_s = params.number("timeout_s", 0, WAIT_S_MAX)
        infohashes = self._find_all(params.required_texts("torrents"))
        params.refuse_unknown()
        if len(infohashes) > TEXTS_MAX:
            raise Refused(f"at most {TEXTS_MAX} torrents can be waited for at once")
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        reached = True
        for infohash in infohashes:
            reached = await self._wait_one(infohash, goal, deadline, call) and reached
        torrents = [self._commands.torrent(infohash) for infohash in infohashes]
        return Answer({"reached": reached, "torrents": torrents})

    async def _wait_one(
        self,
        infohash: InfoHash,
        until: Goal,
        deadline: float | None,
        call: Call,
    ) -> bool:
        """In slices, so that a client that is gone does not wait here for years."""
        while not call.hung_up():
            left_s = WAIT_SLICE_S if deadline is None else max(0.0, deadline - time.monotonic())
            if await self._commands.wait(infohash, until, min(left_s, WAIT_SLICE_S)):
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return False

    async def _stats(self, params: Params, call: Call) -> Answer:
        days = params.integer("days", 0, DAYS_MAX)
        params.refuse_unknown()
        ledger, daemon = self._commands.totals(), self._commands.status()
        totals = ledger.totals
        shown = sorted(totals.days.items(), reverse=True)[: DAYS_SHOWN if days is None else days]
        return Answer(
            {
                "since": totals.first_at,
                "starts": totals.starts,
                "all": {**asdict(totals.moved), "running_s": ledger.running_s()},
                "run": {**asdict(ledger.run), "running_s": daemon.uptime_s},
                "days": [{"day": day, **asdict(moved)} for day, moved in shown],
            }
        )

    async def _version(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        daemon = self._commands.status()
        versions = {"version": daemon.version, "protocol": SCHEMA}
        return Answer({**versions, "uptime_s": daemon.uptime_s, "pid": daemon.pid})

    async def _shutdown(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        return Answer({"stopping": True}, then=self._commands.request_shutdown)

    async def _each(self, params: Params, command: Callable[[InfoHash], Awaitable[None]]) -> Answer:
        """All are found before the first is touched: a typo in the third changes nothing."""
        infohashes = self._find_all(params.required_texts("torrents"))
        params.refuse_unknown()
        named = [self._named(infohash) for infohash in infohashes]
        for infohash in infohashes:
            await command(infohash)
        return Answer({"torrents": named})

    async def _find_one(self, params: Params) -> InfoHash:
        selector = params.required_text("torrent")
        params.refuse_unknown()
        infohash = self._commands.find(selector)
        await self._commands.wake(infohash)
        return infohash

    def _find_all(self, selectors: list[str]) -> list[InfoHash]:
        """In the order given, each torrent once."""
        found = [infohash for text in selectors for infohash in self._commands.select(text)]
        return list(dict.fromkeys(found))

    def _named(self, infohash: InfoHash) -> dict[str, str]:
        torrent = self._commands.torrent(infohash)
        return {"infohash": torrent.infohash, "name": torrent.name}


def _parts(data: bytes) -> list[str]:
    """As base64, no part of it too long for whoever reads it."""
    starts = range(0, len(data), EXPORT_PART_BYTES)
    return [b64encode(data[start : start + EXPORT_PART_BYTES]).decode() for start in starts]
