"""The client for programs with an event loop, with the same methods as the blocking one.

    async with AsyncClient() as daemon:
        status = await daemon.status("state:downloading")
        async for event in daemon.follow_events():
            …

asyncio is imported when it is first used: `torrentctl` has none.
"""

import socket
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from torrentd.daemon.client.conversation import RECEIVE_BYTES, Conversation, Message, is_quiet
from torrentd.daemon.client.errors import ConnectionLost, TimedOut
from torrentd.daemon.client.methods import Goal, Methods, Texts
from torrentd.daemon.client.places import CONNECT_S, RETRY_S, knock, socket_path
from torrentd.daemon.client.progress import Progress, Waiting
from torrentd.daemon.client.requests import AnyRequest, Request, StreamRequest, answered, told

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R", covariant=True)
T = TypeVar("T", covariant=True)
W = TypeVar("W")


class _Closing(ABC):
    """What an `async with` closes."""

    @abstractmethod
    def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(Methods, _Closing):
    """One connection: calls of several tasks are answered one after the other. Each stream has a
    connection of its own."""

    def __init__(self, path: str | None = None) -> None:
        self.path = socket_path(path)
        self._connection: _Connection | None = None
        self._streams: list[AsyncStream[object, object]] = []
        self._turn: asyncio.Lock | None = None

    async def call(self, request: Request[R]) -> R:
        """The answer. Raises ClientError. Cancelled, it drops the connection."""
        async with self._lock():
            connection = await self._connected()
            try:
                await connection.send(request)
                while not (message := await connection.receive(request.answer_s)).is_last:
                    pass  # it was not asked to tell
            finally:
                if not connection.conversation.is_idle:
                    self._disconnect()
            return answered(request, message.document)

    def stream(self, request: StreamRequest[T, R]) -> "AsyncStream[T, R]":
        """What is told before the answer; connects with the first `async for`."""
        stream = AsyncStream(self.path, request)
        self._streams = [*(stream for stream in self._streams if not stream.closed), stream]
        return stream

    async def progress(
        self,
        torrents: Texts,
        *,
        until: Goal = "done",
        every_s: float = 1.0,
        timeout_s: float | None = None,
    ) -> AsyncIterator[Progress]:
        """How far they are, every so often, until all are there. Raises TimedOut."""
        waiting = Waiting(torrents, until, every_s, timeout_s, time.monotonic())
        reached = False
        while not waiting.is_over(reached, time.monotonic()):
            waited = await self.call(waiting.wait(time.monotonic()))
            reached = waited["reached"]
            infohashes = [torrent["infohash"] for torrent in waited["torrents"]]
            yield Progress(reached, await self.call(waiting.status(infohashes)))

    async def wait_for_end(self, limit_s: float) -> bool:
        """Whether the daemon closes in time, as it does when it ends."""
        async with self._lock():
            connection = self._connection or await self._connected()
            return await connection.wait_for_end(limit_s)

    def close(self) -> None:
        """Its streams too. A call after that connects anew."""
        self._disconnect()
        for stream in self._streams:
            stream.close()

    def _lock(self) -> "asyncio.Lock":
        import asyncio

        if self._turn is None:
            self._turn = asyncio.Lock()
        return self._turn

    async def _connected(self) -> "_Connection":
        if self._connection is not None and not is_quiet(self._connection.sock):
            self._disconnect()
        if self._connection is None:
            self._connection = await _connect(self.path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class AsyncStream(_Closing, Generic[T, R]):
    """Iterates over what the daemon tells; then `result` is its answer. Whoever has enough before
    closes it, or lets an `async with` do that."""

    def __init__(self, path: str, request: StreamRequest[T, R]) -> None:
        self.closed = False
        self._path = path
        self._connection: _Connection | None = None
        self._request = request
        self._result: R | None = None

    @property
    def result(self) -> R:
        if self._result is None:
            raise ValueError("the stream has not come to its end")
        return self._result

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self.closed:
            raise StopAsyncIteration
        message: Message | None = None
        try:
            if self._connection is None:
                self._connection = await _connect(self._path)
                await self._connection.send(self._request)
            message = await self._connection.receive(self._request.answer_s)
        except ConnectionLost:
            if not self.closed:
                raise
            raise StopAsyncIteration from None  # another task has closed it
        finally:
            if message is None or message.is_last:
                self.close()
        if message.is_last:
            self._result = answered(self._request, message.document)
            raise StopAsyncIteration
        return told(self._request, message.document)

    def close(self) -> None:
        self.closed = True
        if self._connection is not None:
            self._connection.close()


class _Connection:
    """A conversation and its socket, whose every wait has its limit."""

    def __init__(self, path: str, sock: socket.socket) -> None:
        self.conversation = Conversation(path)
        self.sock = sock
        self._waits = False
        self._closed = False

    async def send(self, request: AnyRequest) -> None:
        """A daemon that refuses closes early; its answer is there to be read all the same."""
        line = self.conversation.ask(request)
        try:
            await self._wait(self._send(line, request.payload), request.answer_s)
        except TimeoutError:
            raise self.conversation.late(request.answer_s) from None
        except OSError:
            pass

    async def receive(self, limit_s: float | None) -> Message:
        try:
            return await self._wait(self._receive(), limit_s)
        except TimeoutError:
            raise self.conversation.late(limit_s) from None
        except OSError:
            raise self.conversation.lost() from None

    async def wait_for_end(self, limit_s: float) -> bool:
        import asyncio

        try:
            return not await self._wait(asyncio.get_running_loop().sock_recv(self.sock, 1), limit_s)
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Whoever waits for it reads its end first: no loop hears of a socket that is gone."""
        self._closed = True
        if self._waits:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
        else:
            self.sock.close()

    async def _wait(self, what: Coroutine[object, object, W], limit_s: float | None) -> W:
        import asyncio

        self._waits = True
        try:
            async with asyncio.timeout(limit_s):
                return await what
        finally:
            self._waits = False
            if self._closed:
                self.sock.close()

    async def _send(self, line: bytes, payload: bytes) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.sock, line)
        if payload:
            await loop.sock_sendall(self.sock, payload)

    async def _receive(self) -> Message:
        import asyncio

        loop = asyncio.get_running_loop()
        while (message := self.conversation.next_message()) is None:
            self.conversation.receive_data(await loop.sock_recv(self.sock, RECEIVE_BYTES))
        return message


async def _connect(path: str) -> _Connection:
    import asyncio

    deadline = time.monotonic() + CONNECT_S
    while (sock := knock(path)) is None:
        if time.monotonic() > deadline:
            raise TimedOut(f"the daemon at {path} is too busy")
        await asyncio.sleep(RETRY_S)
    return _Connection(path, sock)
