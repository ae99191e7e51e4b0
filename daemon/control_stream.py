"""One client of the control socket: lines and raw bytes in, slices out, each within its time.

Holds at most one request and one slice, so a client that floods, stalls or never reads costs a few
tens of KiB until it is dropped. Idle between two requests costs nothing and has no limit.
"""

import asyncio
import select
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

REQUEST_S = 10.0  # from the first byte of a request to its last
STALL_S = 10.0  # how long a client may leave an answer unread
SLICE_BYTES = 64 * 1024
DRAIN_BYTES_MAX = 1024 * 1024
DRAIN_S = 1.0
PAYLOAD_BYTES_PER_S_MIN = 8 * 1024 * 1024  # 32 MiB of torrent get 14 s


class ClientGone(Exception):
    """The client closed, or takes nothing of an answer: nobody is there to be told anything."""


class RequestTooLong(Exception):
    """No newline within the limit."""


class RequestTooSlow(Exception):
    """A request that began and did not end."""


class ClientStream:
    """Owns the socket, which is non-blocking. Raises the three above, and no OSError."""

    def __init__(
        self, sock: socket.socket, *, line_bytes_max: int, request_s: float = REQUEST_S
    ) -> None:
        self._sock = sock
        self._line_bytes_max = line_bytes_max
        self._request_s = request_s
        self._received = bytearray()
        self._poll = select.poll()
        self._poll.register(sock, 0)

    async def read_line(self) -> bytes | None:
        """The next line with its newline; None once the client has said everything."""
        if not self._received and not await self._receive(SLICE_BYTES):
            return None
        async with self._within(self._request_s):
            searched = 0
            while (end := self._received.find(b"\n", searched)) < 0:
                searched = len(self._received)
                if searched > self._line_bytes_max:
                    raise RequestTooLong
                if not await self._receive(SLICE_BYTES):
                    return None
        if end > self._line_bytes_max:
            raise RequestTooLong
        return self._take(end + 1)

    async def read_payload(self, size_bytes: int) -> bytes | None:
        """The `size_bytes` raw bytes after a line; None when the client ended before."""
        async with self._within(self._request_s + size_bytes / PAYLOAD_BYTES_PER_S_MIN):
            while (missing := size_bytes - len(self._received)) > 0:
                if not await self._receive(min(missing, 16 * SLICE_BYTES)):
                    return None
        return self._take(size_bytes)

    async def send(self, slices: Iterable[bytes]) -> None:
        """Joins small slices; waits for the client at most `STALL_S` a slice."""
        waiting = bytearray()
        for part in slices:
            waiting += part
            while len(waiting) >= SLICE_BYTES:
                await self._send_slice(bytes(waiting[:SLICE_BYTES]))
                del waiting[:SLICE_BYTES]
        await self._send_slice(bytes(waiting))

    async def refuse(self, answer: bytes) -> None:
        """Send a last answer such that it arrives.

        Closing a Unix socket with unread input resets it, and the client would read "connection
        reset" in place of the answer: so the rest of what it says is read first, within bounds.
        """
        try:
            await self.send([answer])
            self._sock.shutdown(socket.SHUT_WR)
            async with self._within(DRAIN_S):
                drained = 0
                while drained < DRAIN_BYTES_MAX and (got := await self._receive(SLICE_BYTES)):
                    self._received.clear()
                    drained += got
        except (OSError, ClientGone, RequestTooSlow):
            pass

    def abort(self, answer: bytes) -> None:
        """End the conversation from outside: whoever reads this stream reads its end."""
        try:
            self._sock.send(answer)
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def hung_up(self) -> bool:
        """Whether the other end is closed; one that only ended its side still wants an answer."""
        return any(events & (select.POLLHUP | select.POLLERR) for _, events in self._poll.poll(0))

    def close(self) -> None:
        self._sock.close()

    @asynccontextmanager
    async def _within(self, limit_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError:
            raise RequestTooSlow from None

    async def _receive(self, size_bytes_max: int) -> int:
        try:
            data = await asyncio.get_running_loop().sock_recv(self._sock, size_bytes_max)
        except OSError:
            raise ClientGone from None
        self._received += data
        return len(data)

    async def _send_slice(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(STALL_S):
                await asyncio.get_running_loop().sock_sendall(self._sock, data)
        except OSError:  # also the TimeoutError of a client that does not read
            raise ClientGone from None
        await asyncio.sleep(0)  # a socket that takes everything at once never yields by itself

    def _take(self, size_bytes: int) -> bytes:
        taken = bytes(memoryview(self._received)[:size_bytes])
        del self._received[:size_bytes]
        return taken
