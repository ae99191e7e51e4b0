"""The verbs of the DHT on the control socket; `dht` alone is `dht status`."""

from typing import Protocol

from torrentd.daemon.control_call import Answer, Call, Document, Run
from torrentd.daemon.control_items import ItemCommands, ItemVerbs
from torrentd.daemon.control_params import Params
from torrentd.daemon.dht_lookup import DhtLookup
from torrentd.daemon.status import DhtStatus, Refused
from torrentd.dht.outputs import PingEnded, ScrapeEnded
from torrentd.dht.stats import NodeStats, SearchStats
from torrentd.wire.formats.address import Address, parse_address
from torrentd.wire.formats.errors import MagnetError, ProtocolError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.magnet import decode_magnet

LOOKUP_S_MAX = 75.0  # a lookup ends within 60 s of its first query; before it there may be no node


class DhtCommands(Protocol):
    """What the control socket needs of the DHT. Each may raise Refused with a sentence."""

    def status(self) -> DhtStatus: ...
    def searches(self) -> list[SearchStats]: ...
    def nodes(self) -> list[NodeStats]: ...
    def look_up(self, infohash: InfoHash) -> DhtLookup: ...
    def stop_looking(self, lookup: DhtLookup) -> Document:
        """What it found; it may be over or not."""

    @property
    def items(self) -> ItemCommands: ...
    async def scrape(self, infohash: InfoHash) -> ScrapeEnded | None: ...
    async def ping(self, address: Address) -> PingEnded: ...
    async def ping_and_keep(self, address: Address) -> tuple[PingEnded, bool]: ...


class Commands(Protocol):
    @property
    def dht(self) -> DhtCommands: ...
    def find(self, selector: str) -> InfoHash: ...


class DhtVerbs:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {
            "dht": self._status,
            "dht status": self._status,
            "dht nodes": self._nodes,
            "dht lookup": self._lookup,
            "dht scrape": self._scrape,
            "dht ping": self._ping,
            "dht add-node": self._add_node,
            **ItemVerbs(commands).by_name,
        }

    async def _status(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        status, searches = self._commands.dht.status(), self._commands.dht.searches()
        fields = {name: getattr(status, name) for name in DhtStatus.__slots__}
        return Answer({**fields, "searches": searches})

    async def _nodes(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        return Answer({"nodes": self._commands.dht.nodes()})

    async def _lookup(self, params: Params, call: Call) -> Answer:
        """With `follow`, each hop is told as it comes."""
        text = params.required_text("infohash")
        follow = params.flag("follow")
        timeout_s = params.number("timeout_s", 0, LOOKUP_S_MAX)
        params.refuse_unknown()
        watcher = call if follow else Call(None, call.hung_up)
        lookup = self._commands.dht.look_up(self._infohash(text))
        try:
            await watcher.follow(lookup.hops, LOOKUP_S_MAX if timeout_s is None else timeout_s)
        finally:
            document = self._commands.dht.stop_looking(lookup)
        return Answer(document)

    async def _scrape(self, params: Params, call: Call) -> Answer:
        text = params.required_text("infohash")
        params.refuse_unknown()
        infohash = self._infohash(text)
        ended = await self._commands.dht.scrape(infohash)
        return Answer(
            {
                "infohash": infohash.hex(),
                "complete": ended is not None,
                "seeds": ended.seeds if ended is not None else None,
                "peers": ended.peers if ended is not None else None,
                "nodes": ended.nodes if ended is not None else 0,
            }
        )

    def _infohash(self, text: str) -> InfoHash:
        """A magnet, an infohash, or one of our own torrents."""
        try:
            return decode_magnet(text).infohash
        except MagnetError:
            return self._commands.find(text)

    async def _ping(self, params: Params, call: Call) -> Answer:
        address = _address(params)
        return Answer(_ping_document(await self._commands.dht.ping(address)))

    async def _add_node(self, params: Params, call: Call) -> Answer:
        address = _address(params)
        ended, kept = await self._commands.dht.ping_and_keep(address)
        return Answer({**_ping_document(ended), "kept": kept})


def _address(params: Params) -> Address:
    text = params.required_text("address")
    params.refuse_unknown()
    try:
        return parse_address(text)
    except ProtocolError:
        raise Refused(
            f"{text[:80]!r} is no node: write 192.0.2.1:6881 or [2001:db8::1]:6881"
        ) from None


def _ping_document(ended: PingEnded) -> Document:
    return {
        "address": str(ended.address),
        "answered": ended.rtt_s is not None,
        "rtt_s": ended.rtt_s,
        "node_id": ended.node_id.hex() if ended.node_id is not None else None,
        "sees_us_as": str(ended.external) if ended.external is not None else None,
    }
