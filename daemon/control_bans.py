"""The verb `ban` on the control socket."""

from typing import Protocol

from torrentd.daemon.control_call import Answer, Call, Run
from torrentd.daemon.control_params import Params


class BanCommands(Protocol):
    """Each may raise Refused with a sentence."""

    def all(self) -> list[str]: ...
    async def ban(self, texts: list[str]) -> list[str]: ...
    async def unban(self, texts: list[str]) -> list[str]: ...


class Commands(Protocol):
    @property
    def bans(self) -> BanCommands: ...


class BanVerbs:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {"ban": self._ban}

    async def _ban(self, params: Params, call: Call) -> Answer:
        """Without `networks`: all that are banned."""
        networks, remove = params.texts("networks"), params.flag("remove")
        params.refuse_unknown()
        bans = self._commands.bans
        changed: list[str] = []
        if networks:
            changed = await (bans.unban if remove else bans.ban)(networks)
        return Answer({"changed": changed, "banned": bans.all()})
