"""The UDP endpoint: whose a datagram is, where none may go, and that it never stays closed."""

import asyncio
import ctypes
import errno
import socket
from collections.abc import Callable, Coroutine

import pytest

from tests.daemon.session_room import new_host, run, supervised, until
from torrentd.daemon import datagrams, udp
from torrentd.daemon.datagrams import BATCH_MAX, DATAGRAM_BYTES_MAX
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.udp import UdpEndpoint
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.blocks import Blocks, host_set

RunIn = Callable[[Coroutine[object, object, None]], None]
LOOPS = pytest.mark.parametrize("run_in", [run, asyncio.run], ids=["uvloop", "asyncio"])
QUERY = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"


class Room:
    """An endpoint and a plain socket that talks to it."""

    def __init__(self, tasks: Tasks, host: str | None = None) -> None:
        self.received: list[tuple[bytes, Address]] = []
        self.host = host or new_host()
        self.blocks = Blocks()
        self.endpoint = UdpEndpoint(
            Address(self.host, 0),
            AddressPolicy(allow_local=True, blocks=self.blocks),
            lambda endpoint, batch: self.received.extend(batch),
            tasks,
        )
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.other = socket.socket(family, socket.SOCK_DGRAM)
        self.other.bind((self.host, 0))
        self.other.setblocking(False)

    @property
    def other_address(self) -> Address:
        name = self.other.getsockname()
        return Address(name[0], name[1])

    def say(self, data: bytes) -> None:
        self.other.sendto(data, self.endpoint.bound)

    def close(self) -> None:
        self.endpoint.close()
        self.other.close()


class TestReceiving:
    @pytest.mark.parametrize("host", [None, "::1"], ids=["ipv4", "ipv6"])
    def test_krpc_is_told_with_its_source_and_answers_go_back(self, host: str | None) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks, host)
                room.endpoint.open()
                room.say(QUERY)
                await until(lambda: bool(room.received))
                assert room.received == [(QUERY, room.other_address)]
                room.endpoint.send(b"answer", room.other_address)
                assert await _receive(room.other) == b"answer"
                room.close()

        run(scenario())

    def test_nothing_goes_to_who_is_blocked_from_that_moment_on(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                room.endpoint.send(b"one", room.other_address)
                assert await _receive(room.other) == b"one"
                room.blocks.ban(host_set([room.host]))
                room.endpoint.send(b"two", room.other_address)
                assert room.endpoint.unsent == 1
                room.blocks.ban(host_set([]))
                room.endpoint.send(b"three", room.other_address)
                assert await _receive(room.other) == b"three"
                room.close()

        run(scenario())

    @pytest.mark.parametrize(
        "garbage",
        [
            b"",
            b"d",
            b"d" + b"e" * 18,
            b"\x41" + bytes(30),
            b"x" * 99 + b"e",
            b"d" + bytes(99),
            b"d" + b"e" * DATAGRAM_BYTES_MAX,
        ],
        ids=["empty", "a byte", "short", "uTP", "no begin", "no end", "long"],
    )
    def test_what_is_not_krpc_is_dropped_and_counted(self, garbage: bytes) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                room.say(garbage)
                room.say(QUERY)
                await until(lambda: bool(room.received))
                assert [data for data, _ in room.received] == [QUERY]
                assert room.endpoint.dropped == 1
                room.close()

        run(scenario())

    def test_a_flood_leaves_each_turn_of_the_loop_to_others_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A slice is one batch here, and a hundred wait."""
        monkeypatch.setattr(udp, "SLICE_S", 0.0)

        async def scenario() -> None:
            async with supervised() as tasks:
                room, loop = Room(tasks), asyncio.get_running_loop()
                turns, heard_in = 0, list[int]()

                def next_turn() -> None:
                    nonlocal turns
                    turns += 1
                    if len(heard_in) < 3:
                        loop.call_soon(next_turn)

                room.endpoint._on_krpc = lambda endpoint, batch: heard_in.append(turns)
                room.endpoint.open()
                for _ in range(3 * BATCH_MAX):
                    room.say(QUERY)
                next_turn()
                await until(lambda: len(heard_in) >= 3)
                assert heard_in[0] < heard_in[1] < heard_in[2]
                room.close()

        run(scenario())

    def test_more_answers_than_questions_leave_in_order(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                sizes = list(range(20, 120))

                def heard(endpoint: UdpEndpoint, batch: list[tuple[bytes, Address]]) -> None:
                    for size in sizes:
                        endpoint.send(bytes(size), batch[0][1])

                room.endpoint._on_krpc = heard
                room.endpoint.open()
                room.say(QUERY)
                heard_sizes = [len(await _receive(room.other)) for _ in sizes]
                assert heard_sizes == sizes
                room.close()

        run(scenario())


class TestSending:
    """T34: whatever is sent wherever, the endpoint lives."""

    @pytest.mark.parametrize(
        "address",
        [
            Address("127.0.0.1", 0),
            Address("127.0.0.1", 70000),
            Address("127.0.0.1", -1),
            Address("255.255.255.255", 6881),
            Address("224.0.0.1", 6881),
            Address("0.0.0.0", 6881),
            Address("::1", 6881),
        ],
        ids=str,
    )
    def test_a_forbidden_address_is_never_sent_to(self, address: Address) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                room.endpoint.send(QUERY, address)
                assert room.endpoint.unsent == 1
                room.say(QUERY)
                await until(lambda: bool(room.received))
                room.close()

        run(scenario())

    @LOOPS
    def test_errors_of_the_network_leave_it_alive(self, run_in: RunIn) -> None:
        """Too long for the network, nobody there (ICMP), a broadcast that we may not send, a
        family that the socket does not speak: a thousand of each, alone and in a batch."""

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)

                def hostile(endpoint: UdpEndpoint) -> None:
                    endpoint.send(b"x" * 70_000, room.other_address)  # EMSGSIZE
                    endpoint.send(QUERY, Address(room.host, 9))
                    for address in (Address("255.255.255.255", 9), Address("::1", 9)):
                        endpoint.send(QUERY, address)

                def heard(endpoint: UdpEndpoint, batch: list[tuple[bytes, Address]]) -> None:
                    for _ in range(500):
                        hostile(endpoint)
                    endpoint.send(b"alive", batch[0][1])

                room.endpoint._on_krpc = heard
                room.endpoint.open()
                first = room.endpoint._socket
                for _ in range(500):
                    hostile(room.endpoint)
                room.say(QUERY)
                assert await _receive(room.other) == b"alive"
                assert room.endpoint._socket is first
                assert room.endpoint.unsent == 3 * 1000
                room.close()

        run_in(scenario())

    @LOOPS
    @pytest.mark.parametrize("code", [errno.ENETUNREACH, errno.ENOBUFS, errno.EPERM, errno.EINVAL])
    def test_what_the_kernel_refuses_is_counted_and_the_next_one_leaves(
        self, run_in: RunIn, code: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A network that went away, a full device, a firewall, an address that is none."""
        refusals = [code, code]
        send = datagrams._SENDMMSG

        def refuses(fd: int, at: int, count: int, flags: int) -> int:
            if refusals:
                ctypes.set_errno(refusals.pop())
                return -1
            return int(send(fd, at, count, flags))

        def heard(endpoint: UdpEndpoint, batch: list[tuple[bytes, Address]]) -> None:
            for _, source in batch * 3:
                endpoint.send(b"alive", source)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint._on_krpc = heard
                room.endpoint.open()
                with monkeypatch.context() as patch:
                    patch.setattr(datagrams, "_SENDMMSG", refuses)
                    while refusals:
                        room.say(QUERY)
                        await asyncio.sleep(0)
                    room.say(QUERY)
                    assert await _receive(room.other) == b"alive"
                assert room.endpoint.is_open and room.endpoint.unsent >= 2
                room.close()

        run_in(scenario())


class TestReopening:
    def test_an_endpoint_whose_socket_fails_opens_again_at_its_port(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                bound, first = room.endpoint.bound, room.endpoint._socket
                with monkeypatch.context() as patch:
                    patch.setattr(room.endpoint._received, "receive", _network_is_down)
                    room.say(QUERY)
                    await until(lambda: not room.endpoint.is_open)
                    room.endpoint.send(QUERY, room.other_address)
                    assert room.endpoint.unsent == 1
                await until(lambda: room.endpoint._socket not in (None, first))
                assert room.endpoint.bound == bound
                room.say(QUERY)
                await until(lambda: bool(room.received))
                room.close()

        run(scenario())

    def test_renewed_it_has_another_socket_at_once(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                bound, first = room.endpoint.bound, room.endpoint._socket
                room.endpoint.renew()
                assert room.endpoint._socket not in (None, first)
                assert room.endpoint.bound == bound
                room.endpoint.send(b"from the next one", room.other_address)
                assert await _receive(room.other) == b"from the next one"
                room.say(QUERY)
                await until(lambda: bool(room.received))
                assert room.endpoint.unsent == 0
                room.close()

        run(scenario())

    def test_renewed_amid_a_batch_it_answers_from_the_next_socket(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)

                def heard(endpoint: UdpEndpoint, batch: list[tuple[bytes, Address]]) -> None:
                    endpoint.send(b"before", batch[0][1])
                    endpoint.renew()
                    endpoint.send(b"after", batch[0][1])

                room.endpoint._on_krpc = heard
                room.endpoint.open()
                room.say(QUERY)
                assert await _receive(room.other) == b"before"
                assert await _receive(room.other) == b"after"
                room.close()

        run(scenario())

    def test_an_address_that_cannot_be_had_at_renewal_is_had_as_soon_as_it_can(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                with monkeypatch.context() as patch:
                    patch.setattr(udp, "bind_datagram_socket", _no_such_address)
                    room.endpoint.renew()
                    assert not room.endpoint.is_open
                room.endpoint.renew()  # the network changed: it does not wait for its time
                await until(lambda: room.endpoint.is_open)
                room.say(QUERY)
                await until(lambda: bool(room.received))
                room.close()

        run(scenario())

    def test_shut_it_lets_its_address_go_and_may_be_opened_again(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                bound = room.endpoint.bound
                room.endpoint.shut()
                assert not room.endpoint.is_open
                udp.bind_datagram_socket(bound).close()
                room.endpoint.open()
                assert room.endpoint.bound == bound
                room.say(QUERY)
                await until(lambda: bool(room.received))
                room.close()

        run(scenario())

    def test_closed_by_us_it_stays_closed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = Room(tasks)
                room.endpoint.open()
                room.close()
                assert not room.endpoint.is_open
                room.endpoint.send(QUERY, Address("127.0.0.1", 1))
                assert room.endpoint.unsent == 1

        run(scenario())


async def _receive(sock: socket.socket) -> bytes:
    return await asyncio.get_running_loop().run_in_executor(None, _blocking_receive, sock)


def _no_such_address(address: Address) -> socket.socket:
    raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")


def _network_is_down(fd: int) -> list[tuple[bytes, Address]]:
    raise OSError(errno.ENETDOWN, "Network is down")


def _blocking_receive(sock: socket.socket) -> bytes:
    sock.setblocking(True)
    sock.settimeout(5)
    return sock.recv(2048)
