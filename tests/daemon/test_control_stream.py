"""One client's bytes: lines, raw bytes and answers, each within its bounds."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from torrentd.daemon import control_stream
from torrentd.daemon.control_stream import (
    ClientGone,
    ClientStream,
    RequestTooLong,
    RequestTooSlow,
)

LINE_MAX = 100


def converse(
    script: Callable[[ClientStream, socket.socket], Awaitable[None]], *, request_s: float = 10
) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(10)
        stream = ClientStream(ours, line_bytes_max=LINE_MAX, request_s=request_s)
        try:
            await script(stream, theirs)
        finally:
            stream.close()
            theirs.close()

    asyncio.run(run())


class TestReading:
    def test_lines_come_one_by_one_however_they_are_cut(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"one\ntwo\nthr")
            assert await stream.read_line() == b"one\n"
            assert await stream.read_line() == b"two\n"
            client.sendall(b"ee\n")
            assert await stream.read_line() == b"three\n"
            client.close()
            assert await stream.read_line() is None

        converse(script)

    def test_raw_bytes_follow_a_line_and_may_hold_newlines(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"add\na\nb\nc" + b"next\n")
            assert await stream.read_line() == b"add\n"
            assert await stream.read_payload(5) == b"a\nb\nc"
            assert await stream.read_line() == b"next\n"

        converse(script)

    def test_a_line_is_as_long_as_allowed_and_no_longer(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"x" * LINE_MAX + b"\n")
            assert await stream.read_line() == b"x" * LINE_MAX + b"\n"
            client.sendall(b"x" * (LINE_MAX + 1) + b"\n")
            with pytest.raises(RequestTooLong):
                await stream.read_line()

        converse(script)

    def test_a_line_without_an_end_is_not_collected(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"x" * 3 * LINE_MAX)
            with pytest.raises(RequestTooLong):
                await stream.read_line()

        converse(script)

    def test_half_a_request_is_given_up(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"hal")
            with pytest.raises(RequestTooSlow):
                await stream.read_line()
            with pytest.raises(RequestTooSlow):
                await stream.read_payload(10)

        converse(script, request_s=0.01)

    def test_the_end_in_the_middle_is_an_end(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"hal")
            client.shutdown(socket.SHUT_WR)
            assert await stream.read_line() is None
            assert await stream.read_payload(10) is None

        converse(script)


class TestSending:
    def test_many_slices_arrive_in_order(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            parts = [bytes([number % 251]) * 700 for number in range(500)]
            received = bytearray()

            def read() -> None:
                while len(received) < 350_000:
                    received.extend(client.recv(65536))

            reading = asyncio.get_running_loop().run_in_executor(None, read)
            await stream.send(parts)
            await reading
            assert received == b"".join(parts)

        converse(script)

    def test_a_client_that_does_not_read_is_dropped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(control_stream, "STALL_S", 0.01)

        async def script(stream: ClientStream, client: socket.socket) -> None:
            asked = 0

            def slices() -> object:
                nonlocal asked
                while True:
                    asked += 1
                    yield bytes(65536)

            with pytest.raises(ClientGone):
                await stream.send(slices())  # type: ignore[arg-type]  # an endless answer
            assert asked * 65536 <= 1024 * 1024, "no more was made than a socket holds"

        converse(script)

    def test_a_client_that_is_gone_is_noticed(self) -> None:
        async def script(stream: ClientStream, client: socket.socket) -> None:
            assert not stream.hung_up()
            client.shutdown(socket.SHUT_WR)
            assert not stream.hung_up(), "who said everything still wants the answer"
            client.close()
            assert stream.hung_up()
            with pytest.raises(ClientGone):
                await stream.send([b"x" * 100])

        converse(script)


class TestRefusing:
    def test_the_answer_arrives_though_input_was_left(self) -> None:
        """Finding 9: a plain close would reset the connection and lose the text."""

        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"x" * 100_000)
            with pytest.raises(RequestTooLong):
                await stream.read_line()
            refusing = asyncio.get_running_loop().create_task(stream.refuse(b"too long\n"))
            await asyncio.sleep(0)
            client.shutdown(socket.SHUT_WR)
            await refusing
            stream.close()
            assert client.recv(100) == b"too long\n"
            assert client.recv(100) == b""

        converse(script)

    def test_an_endless_sender_is_not_drained_for_ever(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(control_stream, "DRAIN_S", 0.01)

        async def script(stream: ClientStream, client: socket.socket) -> None:
            client.sendall(b"x")
            await stream.refuse(b"no\n")
            assert client.recv(100) == b"no\n"

        converse(script)
