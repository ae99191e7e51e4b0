"""Many datagrams in one system call, recvmmsg(2) and sendmmsg(2), for whoever must not be slow.

The generators of load share two cores with what they measure, so they send from many addresses of
127.0.0.0/8 through one socket (IP_PKTINFO names the source of each datagram) and pay for a system
call once a batch. Nothing of the daemon uses this.
"""

import ctypes
import socket
import struct
from collections.abc import Iterator

SLOT_BYTES = 2048
_IP_PKTINFO = 8  # of Linux; the socket module knows its name from Python 3.12 on
_NAME_BYTES = 16
_HEADER_WORDS = 8  # of 8 bytes, in an mmsghdr; word 2 is its iovec, 4 its control, 7 its length
_IOV_WORDS = 2
_CONTROL_BYTES = 32  # cmsghdr and in_pktinfo, padded
_LIBC = ctypes.CDLL(None, use_errno=True)
_RECVMMSG = _LIBC.recvmmsg
_SENDMMSG = _LIBC.sendmmsg
_RECVMMSG.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
_SENDMMSG.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]


def _address(buffer: bytearray) -> int:
    return ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))


class Batch:
    """`count` datagrams of at most SLOT_BYTES each; slot i's bytes begin at i * SLOT_BYTES."""

    def __init__(self, sock: socket.socket, count: int) -> None:
        self.count = count
        self.data = memoryview(bytearray(count * SLOT_BYTES))
        self._fd = sock.fileno()
        self._names = bytearray(count * _NAME_BYTES)
        self._controls = bytearray(count * _CONTROL_BYTES)
        self._iov = memoryview(bytearray(count * 8 * _IOV_WORDS)).cast("Q")
        self._headers = memoryview(bytearray(count * 8 * _HEADER_WORDS)).cast("Q")
        self._data_at = _address_of(self.data)
        self._names_at, self._controls_at = _address(self._names), _address(self._controls)
        self._iov_at, self._headers_at = _address_of(self._iov), _address_of(self._headers)
        for slot in range(count):
            self._iov[_IOV_WORDS * slot] = self._data_at + slot * SLOT_BYTES
            self._iov[_IOV_WORDS * slot + 1] = SLOT_BYTES
            self._headers[_HEADER_WORDS * slot + 2] = self._iov_at + 8 * _IOV_WORDS * slot
            self._headers[_HEADER_WORDS * slot + 3] = 1

    def address(self, slot: int, source: str, to: tuple[str, int]) -> None:
        """From now on this slot is sent from `source`, to `to`."""
        at = slot * _CONTROL_BYTES
        self._controls[at : at + 28] = struct.pack(
            "=QiiI4s4s", 28, socket.IPPROTO_IP, _IP_PKTINFO, 0, socket.inet_aton(source), b""
        )
        at = slot * _NAME_BYTES
        self._names[at : at + 8] = struct.pack("=H", socket.AF_INET) + struct.pack(
            ">H4s", to[1], socket.inet_aton(to[0])
        )
        header = _HEADER_WORDS * slot
        self._headers[header] = self._names_at + at
        self._headers[header + 1] = _NAME_BYTES
        self._headers[header + 4] = self._controls_at + slot * _CONTROL_BYTES
        self._headers[header + 5] = _CONTROL_BYTES

    def source(self, slot: int, host: memoryview) -> None:
        """From now on this slot comes from 127.`host`, three bytes."""
        at = slot * _CONTROL_BYTES + 21  # the second byte of ipi_spec_dst
        self._controls[at : at + 3] = host

    def fill(self, slot: int, data: bytes) -> None:
        self.data[slot * SLOT_BYTES : slot * SLOT_BYTES + len(data)] = data
        self._iov[_IOV_WORDS * slot + 1] = len(data)

    def order(self, place: int, slot: int) -> None:
        """What `send` sends at this place is that slot: all slots have one destination."""
        header = _HEADER_WORDS * place
        self._headers[header + 2] = self._iov_at + 8 * _IOV_WORDS * slot
        self._headers[header + 4] = self._controls_at + slot * _CONTROL_BYTES

    def send(self, count: int, first: int = 0) -> int:
        """How many of the `count` places after `first` the kernel took."""
        at = self._headers_at + 8 * _HEADER_WORDS * first
        return max(0, int(_SENDMMSG(self._fd, at, count, 0)))

    def receive(self) -> Iterator[bytes]:
        """What waits at the socket, at most `count` datagrams."""
        got = int(_RECVMMSG(self._fd, self._headers_at, self.count, socket.MSG_DONTWAIT, None))
        for slot in range(got):
            size = self._headers[_HEADER_WORDS * slot + 7] & 0xFFFFFFFF
            yield bytes(self.data[slot * SLOT_BYTES : slot * SLOT_BYTES + size])


def _address_of(view: memoryview) -> int:
    buffer = view.obj
    assert isinstance(buffer, bytearray)
    return _address(buffer)


def loopback_socket(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * 1024 * 1024)
    sock.bind((host, port))
    sock.setblocking(False)
    return sock
