"""Calls and streams of the blocking client, of any request: no event loop, no thread.

Connects with the first call, and anew where the daemon has closed since the last one. A request is
never sent twice: whoever reads ConnectionLost or TimedOut decides that.
"""

import socket
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Generic, Self, TypeVar

from torrentd.daemon.client.conversation import RECEIVE_BYTES, Conversation, Message, is_quiet
from torrentd.daemon.client.errors import TimedOut
from torrentd.daemon.client.places import CONNECT_S, RETRY_S, knock, socket_path
from torrentd.daemon.client.requests import AnyRequest, Request, StreamRequest, answered, told

R = TypeVar("R", covariant=True)
T = TypeVar("T", covariant=True)


class _Closing(ABC):
    """What a `with` closes."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Caller(_Closing):
    """What Client does, without its methods."""

    def __init__(self, path: str | None = None) -> None:
        self.path = socket_path(path)
        self._connection: _Connection | None = None
        self._streams: list[Stream[object, object]] = []

    def call(self, request: Request[R]) -> R:
        """The answer. Raises ClientError."""
        connection = self._connected()
        try:
            connection.send(request)
            while not (message := connection.receive(request.answer_s)).is_last:
                pass  # it was not asked to tell
        finally:
            if not connection.conversation.is_idle:
                self._disconnect()
        return answered(request, message.document)

    def stream(self, request: StreamRequest[T, R]) -> "Stream[T, R]":
        """What is told before the answer. Raises ClientError, and so does what it returns."""
        stream = Stream(_Connection(self.path), request)
        self._streams = [*(stream for stream in self._streams if not stream.closed), stream]
        return stream

    def wait_for_end(self, limit_s: float) -> bool:
        """Whether the daemon closes in time, as it does when it ends."""
        connection = self._connection or self._connected()
        return connection.wait_for_end(limit_s)

    def close(self) -> None:
        """Its streams too. A call after that connects anew."""
        self._disconnect()
        for stream in self._streams:
            stream.close()

    def _connected(self) -> "_Connection":
        if self._connection is not None and not is_quiet(self._connection.sock):
            self._disconnect()
        if self._connection is None:
            self._connection = _Connection(self.path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Stream(_Closing, Generic[T, R]):
    """Iterates over what the daemon tells; then `result` is its answer. Whoever has enough before
    closes it, or lets a `with` do that: nothing else tells the daemon that nobody listens."""

    def __init__(self, connection: "_Connection", request: StreamRequest[T, R]) -> None:
        self.closed = False
        self._connection = connection
        self._request = request
        self._result: R | None = None
        try:
            connection.send(request)
        except BaseException:
            self.close()
            raise

    @property
    def result(self) -> R:
        if self._result is None:
            raise ValueError("the stream has not come to its end")
        return self._result

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self.closed:
            raise StopIteration
        message: Message | None = None
        try:
            message = self._connection.receive(self._request.answer_s)
        finally:
            if message is None or message.is_last:
                self.close()
        if message.is_last:
            self._result = answered(self._request, message.document)
            raise StopIteration
        return told(self._request, message.document)

    def close(self) -> None:
        self.closed = True
        self._connection.close()


class _Connection:
    """A conversation and its socket, whose every wait has its limit."""

    def __init__(self, path: str) -> None:
        self.conversation = Conversation(path)
        self.sock = _connect(path)
        self._path = path

    def send(self, request: AnyRequest) -> None:
        """A daemon that refuses closes early; its answer is there to be read all the same."""
        line = self.conversation.ask(request)
        self.sock.settimeout(request.answer_s)
        try:
            self.sock.sendall(line)
            if request.payload:
                self.sock.sendall(request.payload)
        except TimeoutError:
            raise self.conversation.late(request.answer_s) from None
        except OSError:
            pass

    def receive(self, limit_s: float | None) -> Message:
        deadline = None if limit_s is None else time.monotonic() + limit_s
        while (message := self.conversation.next_message()) is None:
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                raise self.conversation.late(limit_s)
            self.sock.settimeout(left_s)
            try:
                data = self.sock.recv(RECEIVE_BYTES)
            except TimeoutError:
                raise self.conversation.late(limit_s) from None
            except OSError:
                raise self.conversation.lost() from None
            self.conversation.receive_data(data)
        return message

    def wait_for_end(self, limit_s: float) -> bool:
        self.sock.settimeout(limit_s)
        try:
            return not self.sock.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self.sock.close()


def _connect(path: str) -> socket.socket:
    deadline = time.monotonic() + CONNECT_S
    while (sock := knock(path)) is None:
        if time.monotonic() > deadline:
            raise TimedOut(f"the daemon at {path} is too busy")
        time.sleep(RETRY_S)
    return sock
