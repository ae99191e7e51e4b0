"""rtnetlink(7) in bytes: what to ask the kernel for its addresses, and what it answers.

    <u32 length><u16 type><u16 flags><u32 sequence><u32 port>            a message's header
    <u8 family><u8 prefix length><u8 flags><u8 scope><u32 interface>     then, of an address …
    <u16 length><u16 type>…                                              … and its attributes

All in the machine's byte order, padded to four bytes. That something changed is all that an event
has to say here: everything is read again then, so that none can be missed or misunderstood.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, error
from typing import Final

# What to be told of (linux/rtnetlink.h): links, addresses and routes of both families.
GROUPS: Final = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
RTM_NEWADDR: Final = 20
RTM_GETADDR: Final = 22
NLM_F_REQUEST_DUMP: Final = 0x1 | 0x300
NLM_F_DUMP_INTR: Final = 0x10  # something changed while it was told: read again
IFA_ADDRESS: Final = 1
IFA_LOCAL: Final = 2  # our end, where IFA_ADDRESS is the other end of a point-to-point link
IFA_FLAGS: Final = 8  # 32 bits of flags; the header has only the lower 8
IFA_F_DADFAILED: Final = 0x08
IFA_F_TENTATIVE: Final = 0x40
UNUSABLE: Final = IFA_F_DADFAILED | IFA_F_TENTATIVE  # cannot be bound: not yet, or never

_HEADER: Final = Struct("=IHHII")
_ADDRESS: Final = Struct("=BBBBI")
_ATTRIBUTE: Final = Struct("=HH")
_FLAGS: Final = Struct("=I")


class NetlinkError(ValueError):
    """What came is not what the kernel sends."""


@dataclass(slots=True)
class Message:
    type: int
    flags: int
    sequence: int
    payload: bytes


def encode_dump_request(sequence: int) -> bytes:
    """All addresses of both families."""
    payload = _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    length = _HEADER.size + len(payload)
    return _HEADER.pack(length, RTM_GETADDR, NLM_F_REQUEST_DUMP, sequence, 0) + payload


def decode_messages(data: bytes) -> Iterator[Message]:
    """Of one datagram. NetlinkError where its lengths make no sense."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            raise NetlinkError("a message that is longer than its datagram, or shorter than itself")
        yield Message(kind, flags, sequence, data[offset + _HEADER.size : offset + length])
        offset += _aligned(length)


def decode_address(payload: bytes) -> str | None:
    """Of RTM_NEWADDR: the address as text, when a socket can be bound to it."""
    try:
        family, _, flags, _, _ = _ADDRESS.unpack_from(payload)
        found = dict(_attributes(payload))
        flags = _FLAGS.unpack(found[IFA_FLAGS])[0] if IFA_FLAGS in found else flags
    except error:
        raise NetlinkError("an address that is cut short") from None
    packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
    if packed is None or flags & UNUSABLE or family not in (socket.AF_INET, socket.AF_INET6):
        return None
    try:
        return socket.inet_ntop(family, packed)
    except ValueError:
        raise NetlinkError("an address of the wrong length") from None


def _attributes(payload: bytes) -> Iterator[tuple[int, bytes]]:
    offset = _ADDRESS.size
    while offset + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if length < _ATTRIBUTE.size or offset + length > len(payload):
            raise NetlinkError("an attribute that is longer than its message")
        yield kind, payload[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
