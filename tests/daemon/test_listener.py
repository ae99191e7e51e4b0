"""Accepting: no faster and no more than the limits allow (C2, O1)."""

import asyncio
import errno
import socket
import time

import pytest

from tests.daemon.session_room import new_host, run, until
from torrentd.config.schema import Limits
from torrentd.daemon import listener as listener_module
from torrentd.daemon.admission import Admission, TokenBucket
from torrentd.daemon.listener import Listener
from torrentd.wire.formats.address import Address, AddressPolicy


class Room:
    """A listener on loopback and whom it let in."""

    def __init__(self, host: str | None = None, *, accepts_per_s: float = 1000) -> None:
        self.admission = Admission(Limits(), AddressPolicy(allow_local=True), 100)
        self.accepted: list[tuple[socket.socket, Address]] = []
        self.listener = Listener(
            Address(host or new_host(), 0),
            self.admission,
            TokenBucket(accepts_per_s, time.monotonic()),
            self._on_accepted,
        )
        self.listener.open()

    def _on_accepted(self, sock: socket.socket, address: Address) -> None:
        self.accepted.append((sock, address))

    async def connect(self) -> socket.socket:
        bound = self.listener.bound
        sock = socket.socket(socket.AF_INET6 if ":" in bound.host else socket.AF_INET)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (bound.host, bound.port))
        return sock

    def close(self, *socks: socket.socket) -> None:
        self.listener.close()
        for sock in (*socks, *(sock for sock, _ in self.accepted)):
            sock.close()


class TestListener:
    @pytest.mark.parametrize("host", [None, "::1"], ids=["ipv4", "ipv6"])
    def test_a_stranger_is_handed_on_with_his_address(self, host: str | None) -> None:
        async def scenario() -> None:
            room = Room(host)
            sock = await room.connect()
            await until(lambda: bool(room.accepted))
            assert room.accepted[0][1] == Address(*sock.getsockname()[:2])
            room.close(sock)

        run(scenario())

    def test_whoever_is_not_admitted_is_closed_at_once(self) -> None:
        async def scenario() -> None:
            room = Room()
            room.admission.connections_max = 0
            sock = await room.connect()
            assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""
            assert room.accepted == []
            assert room.admission.refused == 1
            room.close(sock)

        run(scenario())

    def test_beyond_so_many_a_second_the_kernel_keeps_them_waiting(self) -> None:
        async def scenario() -> None:
            room = Room(accepts_per_s=20)  # 40 at once
            started = time.monotonic()
            socks = [await room.connect() for _ in range(42)]
            await until(lambda: len(room.accepted) == 42)
            assert time.monotonic() - started >= 0.08
            room.close(*socks)

        run(scenario())

    def test_without_descriptors_it_pauses_and_then_goes_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listener_module, "EXHAUSTED_PAUSE_S", 0.01)

        class Exhausted:
            """A listening socket of a process that has no descriptor left, at first."""

            def __init__(self, sock: socket.socket) -> None:
                self.sock = sock
                self.failures = 3

            def accept(self) -> tuple[socket.socket, tuple[str, int]]:
                if self.failures:
                    self.failures -= 1
                    raise OSError(errno.EMFILE, "too many open files")
                return self.sock.accept()

            def fileno(self) -> int:
                return self.sock.fileno()

            def close(self) -> None:
                self.sock.close()

        async def scenario() -> None:
            room = Room()
            assert room.listener._socket is not None
            exhausted = Exhausted(room.listener._socket)
            room.listener._socket = exhausted  # type: ignore[assignment]  # a stand-in
            sock = await room.connect()
            await until(lambda: bool(room.accepted))
            assert exhausted.failures == 0
            room.close(sock)

        run(scenario())

    def test_closed_while_it_pauses_it_stays_closed(self) -> None:
        async def scenario() -> None:
            room = Room()
            room.listener._pause(0.001)
            room.close()
            await until(lambda: room.listener._resume is None or room.listener._resume.cancelled())
            assert room.listener._socket is None

        run(scenario())
