"""A link between a socket pair's one end and a scripted owner; the test holds the other end."""

import asyncio
import socket
import time
from collections.abc import Callable

from torrentd.config.schema import Limits
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import Link, ReceiveBuffer, attach
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.peer.connection import PeerConnection

INFOHASH = InfoHash(b"i" * 20)


def make_connection(*, outgoing: bool = True, port: int = 6881) -> PeerConnection:
    return PeerConnection(
        Address("127.0.0.1", port),
        outgoing=outgoing,
        peer_id=PeerId(b"p" * 20),
        infohash=INFOHASH if outgoing else None,
        limits=Limits(),
        now=time.monotonic(),
    )


class LinkRoom:
    """Remembers what the link told its owner; raises `fault` from the next call if there is one."""

    def __init__(self, tasks: Tasks, *, outgoing: bool = True, send_buffer_bytes_max: int = 65536):
        self.told: list[str] = []
        self.received = b""
        self.fault: Exception | None = None
        self.closed = 0
        self.on_up: Callable[[], None] | None = None
        self.link = Link(
            make_connection(outgoing=outgoing),
            self,
            ReceiveBuffer(4096),
            tasks,
            send_buffer_bytes_max,
        )
        self.link.on_closed = self._on_closed
        self.ours, self.peer = socket.socketpair()
        self.peer.setblocking(False)

    async def connect(self) -> None:
        self.ours.setblocking(False)
        await attach(self.link, self.ours)

    @property
    def unsent_bytes(self) -> int:
        """What waits in the link's own buffer."""
        assert self.link._transport is not None
        return self.link._transport.get_write_buffer_size()

    async def hear(self, size_bytes: int) -> bytes:
        """What the peer receives, exactly so much."""
        data = b""
        while len(data) < size_bytes:
            part = await asyncio.get_running_loop().sock_recv(self.peer, size_bytes - len(data))
            assert part, f"the link ended after {len(data)} bytes"
            data += part
        return data

    async def hear_the_end(self) -> bytes:
        """What the peer receives until the link ends."""
        data = b""
        while part := await asyncio.get_running_loop().sock_recv(self.peer, 65536):
            data += part
        return data

    def _on_closed(self, link: Link) -> None:
        self.closed += 1

    def link_up(self, link: Link) -> None:
        self._tell("up")
        if self.on_up is not None:
            self.on_up()

    def link_received(self, link: Link, data: memoryview) -> None:
        self.received += data
        self._tell("received")

    def link_resumed(self, link: Link) -> None:
        self._tell("resumed")

    def link_paused(self, link: Link) -> None:
        self._tell("paused")

    def link_lost(self, link: Link) -> None:
        self._tell("lost")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
