"""The verbs of the DHT on the control socket; `dht` alone is `dht status`."""

from typing import Protocol

from torrentd.daemon.control_call import Answer, Call, Document, Run
from torrentd.daemon.control_params import Params
from torrentd.daemon.status import DhtStatus, Refused
from torrentd.dht.outputs import PingEnded
from torrentd.dht.stats import NodeStats, SearchStats
from torrentd.wire.formats.address import Address, parse_address
from torrentd.wire.formats.errors import ProtocolError


class DhtCommands(Protocol):
    """What the control socket needs of the DHT. Each may raise Refused with a sentence."""

    def status(self) -> DhtStatus: ...
    def searches(self) -> list[SearchStats]: ...
    def nodes(self) -> list[NodeStats]: ...
    async def ping(self, address: Address) -> PingEnded: ...
    async def ping_and_keep(self, address: Address) -> tuple[PingEnded, bool]: ...


class Commands(Protocol):
    @property
    def dht(self) -> DhtCommands: ...


class DhtVerbs:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {
            "dht": self._status,
            "dht status": self._status,
            "dht nodes": self._nodes,
            "dht ping": self._ping,
            "dht add-node": self._add_node,
        }

    async def _status(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        status, searches = self._commands.dht.status(), self._commands.dht.searches()
        fields = {name: getattr(status, name) for name in DhtStatus.__slots__}
        return Answer({**fields, "searches": searches})

    async def _nodes(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        return Answer({"nodes": self._commands.dht.nodes()})

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
