"""What somebody asked of the DHT and waits for: pings, and who answers them."""

import asyncio

from torrentd.dht.outputs import PingEnded
from torrentd.wire.formats.address import Address


class Questions:
    """Each is answered once, by what the node tells."""

    def __init__(self) -> None:
        self._pings: dict[Address, list[asyncio.Future[PingEnded]]] = {}

    def ping(self, address: Address) -> asyncio.Future[PingEnded]:
        """Done when the next ping of that address ends; cancelled when the node goes first."""
        future: asyncio.Future[PingEnded] = asyncio.get_running_loop().create_future()
        self._pings.setdefault(address, []).append(future)
        return future

    def ping_ended(self, ended: PingEnded) -> None:
        for future in self._pings.pop(ended.address, []):
            if not future.done():  # whoever asked may have gone
                future.set_result(ended)

    def close(self) -> None:
        for futures in self._pings.values():
            for future in futures:
                future.cancel()
        self._pings.clear()
