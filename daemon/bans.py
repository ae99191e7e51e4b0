"""Addresses and networks that a user has banned by hand; on record, over restarts."""

from collections.abc import Awaitable, Callable

from torrentd.daemon.logs import get_logger
from torrentd.daemon.status import Refused
from torrentd.wire.formats.blocks import Blocks, host_set, parse_network

BANS_MAX = 10_000

Load = Callable[[], Awaitable[bytes | None]]
Save = Callable[[bytes], Awaitable[str | None]]

log = get_logger("bans")


class Bans:
    """Keeps `blocks` as it was told; `changed` is called after."""

    def __init__(self, blocks: Blocks, load: Load, save: Save, changed: Callable[[], None]) -> None:
        self._blocks = blocks
        self._load = load
        self._save = save
        self._changed = changed
        self._networks: dict[str, None] = {}

    def all(self) -> list[str]:
        return list(self._networks)

    async def start(self) -> None:
        """What is on record; a line that is no network is left out."""
        for line in (await self._load() or b"").decode("ascii", "replace").splitlines()[:BANS_MAX]:
            try:
                self._networks[parse_network(line)[0]] = None
            except ValueError:
                log.error("ban not understood", line=line[:100])
        if self._networks:
            self._blocks.ban(host_set(self._networks))

    async def ban(self, texts: list[str]) -> list[str]:
        """All or none of them, as they are called from now on."""
        networks = [_network(text) for text in texts]
        if len(self._networks | dict.fromkeys(networks)) > BANS_MAX:
            raise Refused(f"at most {BANS_MAX} addresses and networks can be banned by hand")
        self._networks |= dict.fromkeys(networks)
        await self._keep()
        return networks

    async def unban(self, texts: list[str]) -> list[str]:
        networks = [_network(text) for text in texts]
        for network in networks:
            if network not in self._networks:
                raise Refused(f"{network} is not banned; `torrentctl ban` shows what is")
        for network in networks:
            self._networks.pop(network, None)
        await self._keep()
        return networks

    async def _keep(self) -> None:
        self._blocks.ban(host_set(self._networks))
        self._changed()
        data = "".join(f"{network}\n" for network in self._networks).encode()
        problem = await self._save(data)
        if problem is not None:
            raise Refused(f"it counts, but only until the daemon ends: {problem}")


def _network(text: str) -> str:
    try:
        return parse_network(text)[0]
    except ValueError:
        raise Refused(
            f"{text[:80]!r} is no address and no network: write 192.0.2.7, 192.0.2.0/24 or "
            "2001:db8::/48"
        ) from None
