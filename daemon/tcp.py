"""One TCP connection to a peer: bytes from the socket into its core, and the core's bytes out.

All connections of the loop receive into one shared buffer: a read is handed on and used up before
the next read begins, so nothing is ever allocated for what comes in. What goes out is gathered
(`writelines`), never copied; the buffers handed over must not change until they are sent.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from enum import IntFlag
from struct import Struct
from typing import Protocol

from torrentd.daemon.tasks import Tasks
from torrentd.wire.peer.connection import PeerConnection

RECEIVE_BUFFER_BYTES = 512 * 1024  # as much as stays in the processor's cache
# A reader that takes nothing of what waits for it in six looks is cut: after 60 to 70 s (W7).
STALL_LOOK_S = 10.0
STALL_LOOKS = 6
# struct tcp_info (linux/tcp.h): tcpi_last_data_recv and tcpi_last_ack_recv, in milliseconds.
TCP_INFO_BYTES = 104
HEARD_OFFSET_BYTES = 52
_HEARD = Struct("=II")
# After Close, what is queued gets this long to leave.
LINGER_S = 10.0


class Hold(IntFlag):
    """Why nothing is read from a link."""

    CORE = 1  # it was told too much at once
    DISK = 2  # pieces wait to be written
    RATE = 4  # the download limit
    WAKE = 8  # its torrent wakes


class LinkOwner(Protocol):
    """Whoever a connection belongs to at the moment: the lobby, later its torrent."""

    def link_up(self, link: "Link") -> None:
        """TCP stands; nothing was received yet."""

    def link_received(self, link: "Link", data: memoryview) -> None:
        """`data` is valid during this call only."""

    def link_resumed(self, link: "Link") -> None:
        """What waited to be sent has left: more may be queued."""

    def link_paused(self, link: "Link") -> None:
        """Enough waits to be sent."""

    def link_lost(self, link: "Link") -> None:
        """It is over, by whoever's doing; called exactly once after `link_up`."""


class ReceiveBuffer:
    """The one buffer into which every connection of a loop receives."""

    __slots__ = ("view",)

    def __init__(self, size_bytes: int = RECEIVE_BUFFER_BYTES) -> None:
        self.view = memoryview(bytearray(size_bytes))


async def attach(link: "Link", sock: socket.socket) -> None:
    """Put a link upon a connected socket, whoever dialed; `link_lost` follows if that fails.

    Not by `create_connection(sock=...)`: under uvloop, a link that is closed as soon as it is up
    would leave the socket object with a descriptor that is closed already, and by the time that the
    object is collected, the number belongs to somebody else.
    """
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: link, sock)
    except OSError as error:
        sock.close()
        link.connection_lost(error)


class Link(asyncio.BufferedProtocol):
    """Joins a transport and a PeerConnection; decides nothing."""

    __slots__ = (
        "_buffer",
        "_counted",
        "_holds",
        "_send_buffer_bytes_max",
        "_tasks",
        "_timer",
        "_transport",
        "_unsent_bytes",
        "_uploaded_bytes",
        "_vain_looks",
        "_window",
        "connection",
        "on_closed",
        "owner",
    )

    def __init__(
        self,
        connection: PeerConnection,
        owner: LinkOwner,
        buffer: ReceiveBuffer,
        tasks: Tasks,
        send_buffer_bytes_max: int,
    ) -> None:
        self.connection = connection
        self.owner = owner
        self.on_closed: Callable[[Link], None] | None = None
        self._buffer = self._window = buffer.view
        self._tasks = tasks
        self._send_buffer_bytes_max = send_buffer_bytes_max
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent_bytes = 0  # as of the last look at the reader
        self._uploaded_bytes = 0
        self._vain_looks = 0
        self._holds = Hold(0)
        self._counted = (0, 0)

    def connection_made(  # type: ignore[override]  # a TCP transport; uvloop's derives from nothing
        self, transport: asyncio.Transport
    ) -> None:
        self._transport = transport
        high = self._send_buffer_bytes_max
        transport.set_write_buffer_limits(high=high, low=high // 4)
        self._guarded(lambda: self.owner.link_up(self))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._window

    def buffer_updated(self, nbytes: int) -> None:
        try:
            self.owner.link_received(self, self._buffer[:nbytes])
            if self.connection.reading_paused_until:
                self._rest()
        except Exception as error:  # a fault in a peer's core ends that connection alone (rule 28)
            self._fault(error)

    def transmit(self) -> None:
        """Send everything the core has queued."""
        chunks = self.connection.data_to_send()
        if chunks and self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(chunks)
            if self._timer is None:
                self._vain_looks = 0
                self._look_again()

    def protocol_bytes(self) -> tuple[int, int]:
        """What both sides said beside the data of blocks, since this was asked last: received and
        sent."""
        connection, (received, sent) = self.connection, self._counted
        self._counted = (connection.protocol_received_bytes, connection.protocol_sent_bytes)
        return self._counted[0] - received, self._counted[1] - sent

    def close(self) -> None:
        """End after what is queued has left, or has been given its time."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self.transmit()
        transport.close()
        self._set_timer(LINGER_S, self.abort)

    def abort(self) -> None:
        """End now."""
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._guarded(lambda: self.owner.link_paused(self))

    def resume_writing(self) -> None:
        self._guarded(lambda: self.owner.link_resumed(self))

    def eof_received(self) -> None:
        """The peer sends no more; a half-open connection is of no use (the transport closes)."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer(None, self.abort)
        self._transport = None
        if self.on_closed is not None:
            self.on_closed(self)
        self._guarded(lambda: self.owner.link_lost(self))

    @property
    def local_host(self) -> str | None:
        """Our end of it; None when it is over."""
        name = self._transport.get_extra_info("sockname") if self._transport is not None else None
        return str(name[0]) if name else None

    @property
    def silent_s(self) -> float:
        """Since the kernel heard anything of the peer, an acknowledgement or more."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is None:
            return 0.0
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        except OSError:
            return 0.0
        heard_ms: tuple[int, int] = _HEARD.unpack_from(info, HEARD_OFFSET_BYTES)
        return min(heard_ms) / 1000

    def hold_reading(self, why: Hold, held: bool) -> None:
        """While anybody holds it, nothing is read: the kernel, and so the peer, must wait (C5)."""
        holds = self._holds
        self._holds = holds | why if held else holds & ~why
        transport = self._transport
        if transport is None or transport.is_closing() or bool(holds) is bool(self._holds):
            return
        if self._holds:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def limit_read(self, size_bytes: int | None) -> None:
        """One read takes no more than this; None: what the buffer holds."""
        self._window = self._buffer if size_bytes is None else self._buffer[:size_bytes]

    def _rest(self) -> None:
        """The core has heard too much at once (W9)."""
        delay_s = self.connection.reading_paused_until - time.monotonic()
        if delay_s > 0 and not self._holds & Hold.CORE:
            self.hold_reading(Hold.CORE, True)
            asyncio.get_running_loop().call_later(delay_s, self.hold_reading, Hold.CORE, False)

    def _look_again(self) -> None:
        assert self._transport is not None
        self._unsent_bytes = self._transport.get_write_buffer_size()
        self._uploaded_bytes = self.connection.uploaded_bytes
        self._set_timer(STALL_LOOK_S, self._look_at_reader)

    def _look_at_reader(self) -> None:
        """Has it taken anything? Blocks that came to wait meanwhile would hide what it took; what
        else came, a few bytes, is not worth a count."""
        self._timer = None
        if self._transport is None or not self._transport.get_write_buffer_size():
            return
        more = self.connection.uploaded_bytes - self._uploaded_bytes
        taken = self._unsent_bytes + more - self._transport.get_write_buffer_size()
        self._vain_looks = 0 if taken > 0 else self._vain_looks + 1
        if self._vain_looks == STALL_LOOKS:
            self.abort()
        else:
            self._look_again()

    def _set_timer(self, delay_s: float | None, callback: Callable[[], None]) -> None:
        """The one timer of a link: a new one takes the old one's place, None ends it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if delay_s is not None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, callback)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # as in buffer_updated
            self._fault(error)

    def _fault(self, error: Exception) -> None:
        self._tasks.peer_fault(error)
        self.abort()
