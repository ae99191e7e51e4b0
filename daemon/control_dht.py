"""The verbs of the DHT on the control socket; `dht` alone is `dht status`."""

from typing import Protocol

from torrentd.daemon.control_call import Answer, Call, Run
from torrentd.daemon.control_params import Params
from torrentd.daemon.status import DhtStatus
from torrentd.dht.stats import NodeStats, SearchStats


class DhtCommands(Protocol):
    """What the control socket needs of the DHT. Each may raise Refused with a sentence."""

    def status(self) -> DhtStatus: ...
    def searches(self) -> list[SearchStats]: ...
    def nodes(self) -> list[NodeStats]: ...


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
        }

    async def _status(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        status, searches = self._commands.dht.status(), self._commands.dht.searches()
        fields = {name: getattr(status, name) for name in DhtStatus.__slots__}
        return Answer({**fields, "searches": searches})

    async def _nodes(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        return Answer({"nodes": self._commands.dht.nodes()})
