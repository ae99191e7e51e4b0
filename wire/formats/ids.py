"""Ids of 20 bytes, checked once, at the edge (BEP 3). They are bytes, so they hash as bytes."""

from typing import Self

from torrentd.wire.formats.errors import ProtocolError

ID_BYTES = 20


class Id(bytes):
    """Exactly 20 bytes. Raises ProtocolError for any other length."""

    __slots__ = ()

    def __new__(cls, value: bytes) -> Self:
        if len(value) != ID_BYTES:
            raise ProtocolError(f"{cls.__name__} of {len(value)} bytes, not {ID_BYTES}")
        return super().__new__(cls, value)


class InfoHash(Id):
    """SHA-1 of the info dictionary's exact bytes (BEP 3). `hex()` is how people see it."""

    __slots__ = ()


class PeerId(Id):
    """What a peer calls itself in its handshake (BEP 3, 20)."""

    __slots__ = ()
