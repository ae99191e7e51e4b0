"""Datagrams by the batch: one system call takes up to sixty-four, and one sends their answers.

The standard library's sockets take and send one at a time, which is a third of what an answer of
the DHT costs. So recvmmsg(2) and sendmmsg(2) are called by ctypes, on memory that is set up once;
a page of it is not the system's before something was in it. The kernel throws away what cannot be
KRPC before anybody is woken for it (socket(7), SO_ATTACH_FILTER).
"""

import ctypes
import errno
import mmap
import socket
import struct
import sys
from functools import lru_cache
from typing import Final

from torrentd.wire.formats.address import Address, is_ipv6, pack_host, unpack_host

BATCH_MAX: Final = 64
DATAGRAM_BYTES_MIN: Final = 20  # the shortest KRPC message is longer
DATAGRAM_BYTES_MAX: Final = 2048
SOURCES_CACHED: Final = 4096
_SLOT_BYTES: Final = 2112  # one byte more than the longest, in whole lines of a cache
_NAME_BYTES: Final = 32  # of a sockaddr_in or sockaddr_in6: 16 or 28
_IPV4_NAME_BYTES, _IPV6_NAME_BYTES = 16, 28
_FULL: Final = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)

# From linux/filter.h and asm-generic/socket.h; the socket module has no names for them.
_SO_ATTACH_FILTER: Final = 26
_SO_MEMINFO: Final = 55
_MEMINFO_DROPS: Final = 8
_UDP_HEADER_BYTES: Final = 8
_LOAD_LENGTH, _LOAD_BYTE, _LOAD_BYTE_AT_X, _TO_X, _SUBTRACT = 0x80, 0x30, 0x50, 0x07, 0x14
_IF_LESS_SKIP, _IF_GREATER_SKIP, _IF_EQUAL_GO_ON, _RETURN = 0x35, 0x25, 0x15, 0x06


class _Vector(ctypes.Structure):
    """struct iovec"""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr"""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vectors", ctypes.c_void_p),
        ("vectors_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr"""

    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_RECVMMSG: Final = _LIBC.recvmmsg
_SENDMMSG: Final = _LIBC.sendmmsg
_RECVMMSG.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
_SENDMMSG.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
_MESSAGE_BYTES: Final = ctypes.sizeof(_Message)
_WORDS: Final = _MESSAGE_BYTES // ctypes.sizeof(ctypes.c_uint)
_LENGTH_WORD: Final = _Message.length.offset // ctypes.sizeof(ctypes.c_uint)
_VECTOR_WORDS: Final = 2


class Datagrams:
    """Room for a batch, in or out, of one family. Slot i's bytes begin at i * _SLOT_BYTES of
    `_data`, its address at i * _NAME_BYTES of `_names`."""

    def __init__(self, *, ipv6: bool) -> None:
        self._data: Final = mmap.mmap(-1, BATCH_MAX * _SLOT_BYTES)
        self._names: Final = mmap.mmap(-1, BATCH_MAX * _NAME_BYTES)
        self._vectors: Final = (_Vector * BATCH_MAX)()
        self._messages: Final = (_Message * BATCH_MAX)()
        self._messages_at: Final = ctypes.addressof(self._messages)
        self._name_bytes: Final = _IPV6_NAME_BYTES if ipv6 else _IPV4_NAME_BYTES
        data_at, names_at = _address_of(self._data), _address_of(self._names)
        for slot, (vector, message) in enumerate(zip(self._vectors, self._messages, strict=True)):
            vector.base = data_at + slot * _SLOT_BYTES
            vector.length = DATAGRAM_BYTES_MAX + 1  # so that a longer one is seen to be too long
            header = message.header
            header.name = names_at + slot * _NAME_BYTES
            header.name_length = self._name_bytes
            header.vectors = ctypes.addressof(vector)
            header.vectors_count = 1


class Received(Datagrams):
    """What was waiting at a socket."""

    def __init__(self, *, ipv6: bool) -> None:
        super().__init__(ipv6=ipv6)
        self._words: Final = memoryview(self._messages).cast("B").cast("I")

    def receive(self, fd: int) -> list[tuple[bytes, Address]]:
        """At most BATCH_MAX; none when nothing is waiting. OSError when the socket is of no use."""
        count = int(_RECVMMSG(fd, self._messages_at, BATCH_MAX, socket.MSG_DONTWAIT, None))
        if count < 0:
            code = ctypes.get_errno()
            if code in _FULL or code == errno.EINTR:
                return []
            raise OSError(code, "recvmmsg")
        data, names, name_bytes = self._data, self._names, self._name_bytes
        lengths = self._words[_LENGTH_WORD : count * _WORDS : _WORDS]
        at = name_at = 0
        received = []
        for length in lengths:
            name = names[name_at : name_at + name_bytes]
            received.append((data[at : at + length], _unpack_name(name)))
            at += _SLOT_BYTES
            name_at += _NAME_BYTES
        return received


class Outgoing(Datagrams):
    """What leaves together."""

    def __init__(self, *, ipv6: bool) -> None:
        super().__init__(ipv6=ipv6)
        self._lengths: Final = memoryview(self._vectors).cast("B").cast("L")
        self._count = 0

    def add(self, data: bytes, to: Address) -> bool:
        """False: it is full. `data` has at most DATAGRAM_BYTES_MAX bytes."""
        slot, size = self._count, len(data)
        if slot == BATCH_MAX:
            return False
        at, name_at = slot * _SLOT_BYTES, slot * _NAME_BYTES
        self._data[at : at + size] = data
        self._names[name_at : name_at + self._name_bytes] = _pack_name(to)
        self._lengths[slot * _VECTOR_WORDS + 1] = size
        self._count = slot + 1
        return True

    def send(self, fd: int) -> int:
        """All that were added; how many of them did not leave."""
        count, self._count = self._count, 0
        at = unsent = 0
        while at < count:
            sent = int(_SENDMMSG(fd, self._messages_at + at * _MESSAGE_BYTES, count - at, 0))
            if sent > 0:
                at += sent
            elif ctypes.get_errno() in _FULL:
                return unsent + count - at  # dropped, as the network would
            else:
                unsent += 1  # this one; the next may have a better address
                at += 1
        return unsent


def _address_of(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


@lru_cache(SOURCES_CACHED)
def _unpack_name(name: bytes) -> Address:
    """`<2-byte family><2-byte port><4-byte host>` or `… <4-byte flow><16-byte host><scope>`. The
    same source mostly comes again soon, and what is known of it is found faster under the same
    object."""
    ipv4 = len(name) == _IPV4_NAME_BYTES
    host = socket.inet_ntoa(name[4:8]) if ipv4 else unpack_host(name[8:24])
    return Address(host, name[2] << 8 | name[3])


@lru_cache(SOURCES_CACHED)
def _pack_name(address: Address) -> bytes:
    family = struct.pack("=H", socket.AF_INET6 if is_ipv6(address.host) else socket.AF_INET)
    host, port = pack_host(address.host), address.port.to_bytes(2, "big")
    if is_ipv6(address.host):
        return family + port + bytes(4) + host + bytes(4)
    return family + port + host + bytes(8)


def keep_krpc_only(sock: socket.socket) -> None:
    """The kernel drops and counts what is no KRPC message by its length, first and last byte.
    OSError where there is no such filter."""
    first, shortest = _UDP_HEADER_BYTES, _UDP_HEADER_BYTES + DATAGRAM_BYTES_MIN
    program = (
        (_LOAD_LENGTH, 0, 0, 0),
        (_IF_LESS_SKIP, 0, 8, shortest),
        (_IF_GREATER_SKIP, 7, 0, _UDP_HEADER_BYTES + DATAGRAM_BYTES_MAX),
        (_SUBTRACT, 0, 0, 1),
        (_TO_X, 0, 0, 0),
        (_LOAD_BYTE, 0, 0, first),
        (_IF_EQUAL_GO_ON, 0, 3, ord("d")),
        (_LOAD_BYTE_AT_X, 0, 0, 0),
        (_IF_EQUAL_GO_ON, 0, 1, ord("e")),
        (_RETURN, 0, 0, 0xFFFF),
        (_RETURN, 0, 0, 0),
    )
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    memory = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(
        socket.SOL_SOCKET,
        _SO_ATTACH_FILTER,
        struct.pack("@HP", len(program), ctypes.addressof(memory)),
    )


def dropped_by_kernel(sock: socket.socket) -> int:
    """By the filter, and for want of room in the buffer; 0 where the kernel does not tell."""
    try:
        info = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * (_MEMINFO_DROPS + 1))
    except OSError:
        return 0
    return int.from_bytes(info[4 * _MEMINFO_DROPS :], sys.byteorder)
