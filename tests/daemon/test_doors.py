"""Doors: TCP and UDP at every address, a wildcard may be missing, and failing leaves nothing."""

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.daemon.session_room import PORT, new_host, run, supervised, until
from torrentd.config.schema import Limits
from torrentd.daemon import listener
from torrentd.daemon.admission import Admission, TokenBucket
from torrentd.daemon.doors import Doors
from torrentd.daemon.udp import UdpEndpoint, bind_datagram_socket
from torrentd.wire.formats.address import Address, AddressPolicy

QUERY = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
ABSENT = Address("203.0.113.77", PORT)  # of no machine (RFC 5737)


class Room:
    """Doors, and who came in through them."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.accepted: list[socket.socket] = []
        self.datagrams: list[tuple[UdpEndpoint, bytes]] = []

    async def open(self, *, dht: bool = True) -> None:
        admission = Admission(Limits(), AddressPolicy(allow_local=True), 100)
        await self.doors.open(
            admission,
            TokenBucket(1000, time.monotonic()),
            lambda sock, address: self.accepted.append(sock),
            self._heard if dht else None,
        )

    def _heard(self, endpoint: UdpEndpoint, batch: list[tuple[bytes, Address]]) -> None:
        self.datagrams += [(endpoint, data) for data, _ in batch]

    async def until_came(self, count: int) -> None:
        await until(lambda: len(self.accepted) == len(self.datagrams) == count)


@asynccontextmanager
async def doors_at(*addresses: Address) -> AsyncIterator[Room]:
    async with supervised() as tasks:
        room = Room(Doors(list(addresses), AddressPolicy(allow_local=True), tasks))
        try:
            yield room
        finally:
            room.doors.close()
            for sock in room.accepted:
                sock.close()


async def knock(address: Address) -> None:
    """Connect and hang up; OSError when nobody listens."""
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)


def occupied_wildcard() -> tuple[socket.socket, Address]:
    """Every IPv4 address of the machine, at a port that somebody else listens on."""
    sock = socket.create_server(("0.0.0.0", 0))
    return sock, Address("0.0.0.0", sock.getsockname()[1])


def is_free_for_udp(address: Address) -> bool:
    try:
        bind_datagram_socket(address).close()
    except OSError:
        return False
    return True


class Machine:
    """One that does not have an address, until a test says otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, without: str) -> None:
        self.without = without
        self._bind = listener.bind_listening_socket
        monkeypatch.setattr(listener, "bind_listening_socket", self.bind)

    def bind(self, address: Address) -> socket.socket:
        if address.host == self.without:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return self._bind(address)


class TestOpen:
    def test_both_tcp_and_udp_are_open_at_every_address(self) -> None:
        async def scenario() -> None:
            addresses = [Address(new_host(), PORT) for _ in range(2)]
            async with doors_at(*addresses) as room:
                await room.open()
                assert [endpoint.bound for endpoint in room.doors.endpoints] == addresses
                with socket.socket(type=socket.SOCK_DGRAM) as sender:
                    for count, address in enumerate(addresses, 1):
                        await knock(address)
                        sender.sendto(QUERY, address)
                        await room.until_came(count)
                        assert room.datagrams[-1] == (room.doors.endpoints[count - 1], QUERY)

        run(scenario())

    def test_without_a_dht_there_is_no_udp(self) -> None:
        async def scenario() -> None:
            address = Address(new_host(), PORT)
            async with doors_at(address) as room:
                await room.open(dht=False)
                await knock(address)
                assert room.doors.endpoints == []
                assert is_free_for_udp(address)

        run(scenario())

    def test_after_close_nobody_is_let_in_and_the_ports_are_free(self) -> None:
        async def scenario() -> None:
            address = Address(new_host(), PORT)
            async with doors_at(address) as room:
                await room.open()
                assert not is_free_for_udp(address)
                room.doors.close()
                with pytest.raises(ConnectionRefusedError):
                    await knock(address)
                await until(lambda: is_free_for_udp(address))

        run(scenario())


class TestFailing:
    def test_a_wildcard_that_cannot_be_had_is_left_out_with_a_warning(self) -> None:
        async def scenario() -> None:
            taken, wildcard = occupied_wildcard()
            address = Address(new_host(), PORT)
            with taken:
                async with doors_at(wildcard, address) as room:
                    await room.open()
                    assert room.doors.addresses == [address]
                    assert len(room.doors.warnings) == 1
                    assert f"cannot listen on {wildcard}" in room.doors.warnings[0]

        run(scenario())

    def test_when_no_wildcard_can_be_had_it_fails_and_says_why(self) -> None:
        async def scenario() -> None:
            taken, wildcard = occupied_wildcard()
            with taken:
                async with doors_at(wildcard) as room:
                    with pytest.raises(OSError, match=f"cannot listen on {wildcard}: Address"):
                        await room.open()

        run(scenario())

    def test_an_address_that_is_taken_closes_what_was_opened_before(self) -> None:
        async def scenario() -> None:
            first, taken = Address(new_host(), PORT), Address(new_host(), PORT)
            async with doors_at(first, taken) as room:
                with (
                    socket.create_server(taken),
                    pytest.raises(OSError, match=f"cannot listen on {taken}: "),
                ):
                    await room.open()
                with pytest.raises(ConnectionRefusedError):
                    await knock(first)
                await until(lambda: is_free_for_udp(first))

        run(scenario())

    def test_a_udp_port_that_is_taken_closes_the_tcp_port_beside_it(self) -> None:
        async def scenario() -> None:
            address = Address(new_host(), PORT)
            async with doors_at(address) as room:
                with (
                    bind_datagram_socket(address),
                    pytest.raises(OSError, match="cannot listen on"),
                ):
                    await room.open()
                with pytest.raises(ConnectionRefusedError):
                    await knock(address)

        run(scenario())


class TestHeed:
    def test_an_address_that_is_absent_is_waited_for_and_opened_when_it_comes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            here, late = Address(new_host(), PORT), Address(new_host(), PORT)
            machine = Machine(monkeypatch, without=late.host)
            async with doors_at(here, late) as room:
                await room.open()
                assert room.doors.addresses == [here]
                assert room.doors.warnings == [
                    f"cannot listen on {late}: Cannot assign requested address"
                ]
                assert await room.doors.heed(frozenset()) == []
                machine.without = ""
                assert await room.doors.heed(frozenset()) == [late]
                assert room.doors.addresses == [here, late] and room.doors.warnings == []
                await knock(late)
                with socket.socket(type=socket.SOCK_DGRAM) as sender:
                    sender.sendto(QUERY, late)
                    await room.until_came(1)

        run(scenario())

    def test_with_no_address_at_all_it_waits_for_the_first(self) -> None:
        async def scenario() -> None:
            async with doors_at(ABSENT) as room:
                await room.open()
                assert room.doors.addresses == []
                assert [endpoint.is_open for endpoint in room.doors.endpoints] == [False]

        run(scenario())

    def test_an_address_that_is_gone_is_let_go_and_taken_again(self) -> None:
        async def scenario() -> None:
            address = Address(new_host(), PORT)
            async with doors_at(address) as room:
                await room.open()
                assert await room.doors.heed(frozenset({address.host})) == []
                assert room.doors.addresses == []
                assert f"waiting for {address}" in room.doors.warnings[0]
                with pytest.raises(ConnectionRefusedError):
                    await knock(address)
                await until(lambda: is_free_for_udp(address))
                assert await room.doors.heed(frozenset()) == [address]
                await knock(address)
                with socket.socket(type=socket.SOCK_DGRAM) as sender:
                    sender.sendto(QUERY, address)
                    await room.until_came(1)

        run(scenario())

    def test_a_wildcard_is_never_let_go(self) -> None:
        async def scenario() -> None:
            wildcard = Address("0.0.0.0", 16_881)
            async with doors_at(wildcard) as room:
                await room.open()
                await room.doors.heed(frozenset({"0.0.0.0"}))
                assert room.doors.addresses == [wildcard]

        run(scenario())

    def test_tcp_without_udp_is_not_open(self) -> None:
        """The port is free for one and taken for the other: all of it is tried again."""

        async def scenario() -> None:
            address = Address(new_host(), PORT)
            async with doors_at(address) as room:
                await room.open()
                await room.doors.heed(frozenset({address.host}))
                await until(lambda: is_free_for_udp(address))
                with bind_datagram_socket(address):
                    assert await room.doors.heed(frozenset()) == []
                    with pytest.raises(ConnectionRefusedError):
                        await knock(address)
                assert await room.doors.heed(frozenset()) == [address]

        run(scenario())
