"""Dials: from our own address, so many half open, so many a second."""

import asyncio
import socket
import time

import pytest

from tests.daemon.session_room import new_host, run, supervised, until
from torrentd.config.schema import Limits
from torrentd.daemon.admission import Admission
from torrentd.daemon.dialer import Dialer
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import Link, ReceiveBuffer
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.blocks import Blocks, host_set
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.peer.connection import PeerConnection


class Torrent:
    """Wants connections, and is the owner of those it gets."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.up: list[Link] = []
        self.failed: list[Address] = []
        self.wants = True

    def link_for(self, address: Address) -> Link | None:
        if not self.wants:
            return None
        connection = PeerConnection(
            address,
            outgoing=True,
            peer_id=PeerId(b"p" * 20),
            infohash=InfoHash(b"i" * 20),
            limits=Limits(),
            now=time.monotonic(),
        )
        return Link(connection, self, ReceiveBuffer(1024), self.tasks, 1024)

    def dial_failed(self, address: Address) -> None:
        self.failed.append(address)

    def link_up(self, link: Link) -> None:
        self.up.append(link)

    def link_received(self, link: Link, data: memoryview) -> None: ...
    def link_resumed(self, link: Link) -> None: ...
    def link_paused(self, link: Link) -> None: ...
    def link_lost(self, link: Link) -> None: ...


def make_dialer(tasks: Tasks, limits: Limits | None = None, *bound: str) -> Dialer:
    limits = limits or Limits()
    admission = Admission(limits, AddressPolicy(allow_local=True), limits.connections_max)
    return Dialer(limits, [Address(host, 6881) for host in bound], admission, tasks)


def listen(host: str) -> tuple[socket.socket, Address]:
    sock = socket.create_server((host, 0))
    sock.setblocking(False)
    return sock, Address(host, sock.getsockname()[1])


class TestDialer:
    def test_a_dial_leaves_from_the_address_we_listen_on(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                ours = new_host()
                listening, address = listen(new_host())
                torrent = Torrent(tasks)
                make_dialer(tasks, None, "0.0.0.0", ours).dial(address, torrent)
                accepted, name = await asyncio.get_running_loop().sock_accept(listening)
                assert name[0] == ours
                await until(lambda: bool(torrent.up))
                torrent.up[0].abort()
                accepted.close()
                listening.close()

        run(scenario())

    def test_who_was_blocked_since_he_was_found_is_not_dialled(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                listening, address = listen(new_host())
                torrent, blocks = Torrent(tasks), Blocks()
                blocks.ban(host_set([address.host]))
                policy = AddressPolicy(allow_local=True, blocks=blocks)
                limits = Limits()
                admission = Admission(limits, policy, limits.connections_max)
                Dialer(limits, [], admission, tasks).dial(address, torrent)
                await until(lambda: torrent.failed == [address])
                assert not admission.admits(address.host)
                with pytest.raises(BlockingIOError):
                    listening.accept()
                listening.close()

        run(scenario())

    def test_nobody_there_is_a_failure(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                torrent = Torrent(tasks)
                dialer = make_dialer(tasks)
                nobody = Address(new_host(), 9)
                dialer.dial(nobody, torrent)
                await until(lambda: torrent.failed == [nobody])
                assert dialer._half_open == 0

        run(scenario())

    def test_a_connection_that_nobody_wants_any_more_is_closed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                listening, address = listen(new_host())
                torrent = Torrent(tasks)
                torrent.wants = False
                make_dialer(tasks).dial(address, torrent)
                loop = asyncio.get_running_loop()
                accepted, _ = await loop.sock_accept(listening)
                assert await loop.sock_recv(accepted, 1) == b""
                accepted.close()
                listening.close()

        run(scenario())

    def test_only_so_many_are_half_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                torrent = Torrent(tasks)
                dialer = make_dialer(tasks, Limits(half_open_max=2))
                answer = asyncio.Event()
                asked: list[Address] = []

                async def connect(address: Address) -> socket.socket:
                    asked.append(address)
                    await answer.wait()
                    raise OSError

                monkeypatch.setattr(dialer, "_connect", connect)
                addresses = [Address("127.0.0.1", port) for port in range(1, 6)]
                for address in addresses:
                    dialer.dial(address, torrent)
                await until(lambda: len(asked) == 2)
                answer.set()
                await until(lambda: torrent.failed == addresses)
                assert asked == addresses

        run(scenario())

    def test_only_so_many_a_second(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                torrent = Torrent(tasks)
                dialer = make_dialer(tasks, Limits(dials_per_s_max=20))
                started = time.monotonic()
                host = new_host()
                for port in range(1, 43):  # 40 at once
                    dialer.dial(Address(host, port), torrent)
                await until(lambda: len(torrent.failed) == 42)
                assert time.monotonic() - started >= 0.08

        run(scenario())

    def test_torrents_have_their_turns(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                many, few = Torrent(tasks), Torrent(tasks)
                dialer = make_dialer(tasks)
                addresses = [Address("127.0.0.1", port) for port in range(1, 6)]
                dialer._admission.connections_max = 0
                for address in addresses:
                    dialer.dial(address, many)
                dialer.dial(addresses[4], few)
                order = [dialer._next() for _ in range(6)]
                assert [owner for _, owner in order] == [many, few, many, many, many, many]
                assert [address for address, owner in order if owner is many] == addresses
                dialer.close()

        run(scenario())

    def test_what_a_torrent_no_longer_wants_is_not_dialed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                first, second = Torrent(tasks), Torrent(tasks)
                dialer = make_dialer(tasks)
                dialer._admission.connections_max = 0
                address = Address(new_host(), 9)
                dialer.dial(address, first)
                dialer.dial(address, second)
                dialer.forget(first)
                dialer._admission.connections_max = 10
                dialer.connection_closed()
                await until(lambda: second.failed == [address])
                assert first.failed == []
                dialer.close()

        run(scenario())

    def test_limits_change_while_it_runs(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                dialer = make_dialer(tasks)
                dialer.change_limits(Limits(half_open_max=3, dials_per_s_max=4))
                assert (dialer._half_open_max, dialer._rate.rate_per_s) == (3, 4)

        run(scenario())


class TestSources:
    def test_the_first_open_address_is_dialled_from_and_a_lost_one_never_replaced(self) -> None:
        """Somebody chose them, a VPN's perhaps: while none is there, nothing leaves (O4)."""

        async def scenario() -> None:
            async with supervised() as tasks:
                first, second = new_host(), new_host()
                dialer = make_dialer(tasks, None, first, second)
                assert dialer._sources == {False: first}
                dialer.use_sources([Address(second, 6881)])
                assert dialer._sources == {False: second}
                dialer.use_sources([])
                assert dialer._sources == {False: second}
                dialer.use_sources([Address("0.0.0.0", 6881)])
                assert dialer._sources == {False: second}

        run(scenario())
