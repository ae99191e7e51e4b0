"""Outgoing TCP connections of all torrents: only so many half open, and so many a second."""

import asyncio
import ipaddress
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from torrentd.config.schema import Limits
from torrentd.daemon.admission import Admission, TokenBucket
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import Link, attach
from torrentd.wire.formats.address import Address, is_ipv6

DIAL_TIMEOUT_S = 10.0
# Tells the kernel to choose the port at connect, when it knows both ends (linux/in.h).
IP_BIND_ADDRESS_NO_PORT = 24


class Dialling(Protocol):
    """Who wants a connection: a torrent."""

    def link_for(self, address: Address) -> Link | None:
        """TCP stands: the link to put upon it, or None when nobody wants it any more."""

    def dial_failed(self, address: Address) -> None:
        """It did not come to be."""


class Dialer:
    """Torrents have their turns, a dial at a time, each its dials in the order in which it asked:
    who has a hundred to dial keeps nobody waiting."""

    def __init__(
        self, limits: Limits, bound: Sequence[Address], admission: Admission, tasks: Tasks
    ) -> None:
        self._half_open_max = limits.half_open_max
        self._admission = admission
        self._tasks = tasks
        self._rate = TokenBucket(limits.dials_per_s_max, time.monotonic())
        self._sources = _sources(bound)
        self._queues: dict[Dialling, deque[Address]] = {}  # the next to have its turn first
        self._half_open = 0
        self._timer: asyncio.TimerHandle | None = None

    def dial(self, address: Address, owner: Dialling) -> None:
        self._queues.setdefault(owner, deque()).append(address)
        self._pump()

    def change_limits(self, limits: Limits) -> None:
        self._half_open_max = limits.half_open_max
        self._rate.rate_per_s = limits.dials_per_s_max

    def use_sources(self, open_addresses: Sequence[Address]) -> None:
        """Dial from the first of them that is no wildcard. Where none is open, still from the one
        of before, and so not at all: never from an address that nobody chose."""
        self._sources |= _sources(open_addresses)

    def forget(self, owner: Dialling) -> None:
        """Drop what `owner` has waiting; what is half open ends in `link_for`."""
        self._queues.pop(owner, None)

    def connection_closed(self) -> None:
        """There may be room for one that waits."""
        if self._queues:
            self._pump()

    def close(self) -> None:
        self._queues.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self) -> None:
        while self._queues and self._half_open < self._half_open_max:
            if self._admission.connections + self._half_open >= self._admission.connections_max:
                return
            wait_s = self._rate.take(time.monotonic())
            if wait_s:
                self._wake_after(wait_s)
                return
            address, owner = self._next()
            self._half_open += 1
            self._tasks.spawn(self._dial(address, owner), f"dial {address}")

    def _next(self) -> tuple[Address, Dialling]:
        owner = next(iter(self._queues))
        queue = self._queues.pop(owner)
        address = queue.popleft()
        if queue:
            self._queues[owner] = queue
        return address, owner

    def _wake_after(self, delay_s: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._pump()

    async def _dial(self, address: Address, owner: Dialling) -> None:
        try:
            sock = await self._connect(address)
        except (OSError, TimeoutError):
            sock = None
        finally:
            self._half_open -= 1
        if sock is None:
            owner.dial_failed(address)
        else:
            link = owner.link_for(address)
            if link is None:
                sock.close()
            else:
                await attach(link, sock)
        self._pump()

    async def _connect(self, address: Address) -> socket.socket:
        if self._admission.is_blocked(address.host):  # since it was found
            raise PermissionError
        ipv6 = is_ipv6(address.host)
        sock = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if ipv6 in self._sources:
                sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((self._sources[ipv6], 0))
            async with asyncio.timeout(DIAL_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
        except BaseException:
            sock.close()
            raise
        return sock


def _sources(addresses: Sequence[Address]) -> dict[bool, str]:
    """By family (IPv6 or not): the first address that is no wildcard."""
    return {
        is_ipv6(address.host): address.host
        for address in reversed(addresses)
        if not ipaddress.ip_address(address.host).is_unspecified
    }
