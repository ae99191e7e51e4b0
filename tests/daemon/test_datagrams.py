"""Datagrams by the batch, held against the sockets of the standard library."""

import ctypes
import errno
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.daemon.session_room import new_host
from torrentd.daemon import datagrams
from torrentd.daemon.datagrams import (
    BATCH_MAX,
    DATAGRAM_BYTES_MAX,
    DATAGRAM_BYTES_MIN,
    Outgoing,
    Received,
    dropped_by_kernel,
    keep_krpc_only,
)
from torrentd.wire.formats.address import Address

FAMILIES = pytest.mark.parametrize("host", [None, "::1"], ids=["ipv4", "ipv6"])


@contextmanager
def sockets(host: str | None, count: int) -> Iterator[list[socket.socket]]:
    family = socket.AF_INET if host is None else socket.AF_INET6
    made = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for sock in made:
            sock.bind((host or new_host(), 0))
            sock.settimeout(5)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        yield made
    finally:
        for sock in made:
            sock.close()


def address(sock: socket.socket) -> Address:
    name = sock.getsockname()
    return Address(name[0], name[1])


@FAMILIES
def test_each_is_received_whole_with_its_source_in_order(host: str | None) -> None:
    rng = random.Random(1)
    with sockets(host, 4) as (here, *others):
        received = Received(ipv6=host is not None)
        assert received.receive(here.fileno()) == []
        sizes = [1, 2, DATAGRAM_BYTES_MAX, *(rng.randrange(1, 300) for _ in range(2 * BATCH_MAX))]
        sent = []
        for size in sizes:
            other, data = rng.choice(others), rng.randbytes(size)
            other.sendto(data, here.getsockname())
            sent.append((data, address(other)))
        heard = []
        while batch := received.receive(here.fileno()):
            assert len(batch) <= BATCH_MAX
            heard += batch
        assert heard == sent


def test_one_that_is_too_long_is_seen_to_be() -> None:
    with sockets(None, 2) as (here, other):
        other.sendto(bytes(5000), here.getsockname())
        ((data, _),) = Received(ipv6=False).receive(here.fileno())
        assert len(data) == DATAGRAM_BYTES_MAX + 1


def test_a_socket_of_no_use_is_an_error() -> None:
    with sockets(None, 1) as (here,):
        fd = here.fileno()
    with pytest.raises(OSError, match="recvmmsg"):
        Received(ipv6=False).receive(fd)


@FAMILIES
def test_each_leaves_whole_to_whom_it_is_for(host: str | None) -> None:
    rng = random.Random(2)
    with sockets(host, 4) as (here, *others):
        outgoing = Outgoing(ipv6=host is not None)
        assert outgoing.send(here.fileno()) == 0
        for _ in range(3):  # each batch over the traces of the one before
            sent: dict[int, list[bytes]] = {index: [] for index in range(3)}
            for slot in range(BATCH_MAX):
                index, data = rng.randrange(3), rng.randbytes(rng.randrange(300))
                if slot == 0:
                    data = rng.randbytes(DATAGRAM_BYTES_MAX)
                assert outgoing.add(data, address(others[index]))
                sent[index].append(data)
            assert not outgoing.add(b"one too many", address(others[0]))
            assert outgoing.send(here.fileno()) == 0
            for index, other in enumerate(others):
                for data in sent[index]:
                    heard, source = other.recvfrom(4096)
                    assert (heard, source[:2]) == (data, address(here))


def test_one_that_cannot_leave_keeps_none_of_the_others() -> None:
    with sockets(None, 2) as (here, other):
        outgoing = Outgoing(ipv6=False)
        nowhere = Address("255.255.255.255", 9)  # a broadcast, which this socket may not
        for data, to in ((b"a", nowhere), (b"b", address(other)), (b"c", nowhere)):
            outgoing.add(data, to)
        assert outgoing.send(here.fileno()) == 2
        assert other.recv(10) == b"b"
        assert outgoing.send(here.fileno()) == 0


def test_what_a_full_kernel_does_not_take_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, at: int, count: int, flags: int) -> int:
        ctypes.set_errno(errno.EAGAIN)
        return -1

    with sockets(None, 2) as (here, other), monkeypatch.context() as patch:
        patch.setattr(datagrams, "_SENDMMSG", full)
        outgoing = Outgoing(ipv6=False)
        for _ in range(3):
            outgoing.add(b"a", address(other))
        assert outgoing.send(here.fileno()) == 3
        patch.undo()
        outgoing.add(b"b", address(other))
        assert outgoing.send(here.fileno()) == 0
        assert other.recv(10) == b"b"


def test_the_kernel_keeps_krpc_alone_and_counts_the_rest() -> None:
    """Held against the rule in words, for each length near the limits and each end."""
    rng = random.Random(3)
    limits = (DATAGRAM_BYTES_MIN, DATAGRAM_BYTES_MAX)
    sizes = [0, 1, 2, 100, *(limit + by for limit in limits for by in (-1, 0, 1))]
    with sockets(None, 2) as (here, other):
        keep_krpc_only(here)
        received = Received(ipv6=False)
        dropped = 0
        for size in sizes:
            for first in (b"d", b"D", b"e", b"\0"):
                for last in (b"e", b"d", b"\xe5"):
                    data = (first + rng.randbytes(max(size - 2, 0)) + last)[:size]
                    other.sendto(data, here.getsockname())
                    is_krpc = data[:1] == b"d" and data[-1:] == b"e"
                    is_krpc &= DATAGRAM_BYTES_MIN <= size <= DATAGRAM_BYTES_MAX
                    heard = [found for found, _ in received.receive(here.fileno())]
                    assert heard == [data] * is_krpc
                    dropped += not is_krpc
        assert dropped_by_kernel(here) == dropped
