"""Where messages end in the stream, and the one message whose end has not come yet (BEP 3).

    <4-byte length><1-byte id><payload>

Complete messages are read where they lie; only an unfinished one is copied, and finished here. A
length is checked as soon as it is known (W1), so nothing above the table of lengths is ever kept.
"""

from struct import Struct

from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.messages import (
    BITFIELD,
    EXTENDED,
    LENGTH_BYTES,
    check_length,
)

EXTENDED_BYTES_MAX = 20 * 1024  # ut_metadata: 16 KiB and a dictionary; PEX: 50 + 50 contacts
KEPT_BYTES_MAX = 32 * 1024  # a larger buffer, for a bitfield or an extension handshake, is let go
_LENGTH = Struct(">I")


class Framing:
    """The unfinished message of one connection. `bitfield_length` is the only length prefix that a
    bitfield may have, once the torrent is known."""

    __slots__ = ("_buffer", "_filled", "_spare", "bitfield_length")

    def __init__(self) -> None:
        self.bitfield_length: int | None = None
        # Two that take turns: the block of the message finished last is still being read from one
        # while the next unfinished message is written to the other. Neither is ever resized.
        self._buffer = bytearray()
        self._spare = bytearray()
        self._filled = 0

    @property
    def kept_bytes(self) -> int:
        """Bytes of the unfinished message."""
        return self._filled

    def message_size(self, data: memoryview | bytearray, at: int, available: int) -> int:
        """Bytes of the message at `at`, its length prefix included, of which `available` are there.
        While the head itself is incomplete: the bytes needed to know more, always > `available`.
        Raises MessageError for a length that no message, or none of this id, may have."""
        if available < LENGTH_BYTES:
            return LENGTH_BYTES
        length: int = _LENGTH.unpack_from(data, at)[0]
        if length == 0:
            return LENGTH_BYTES  # "Messages of length zero are keepalives"
        if available == LENGTH_BYTES:
            check_length(BITFIELD, length)  # the longest of all
            return LENGTH_BYTES + 1
        message_id = data[at + 4]
        check_length(message_id, length)
        if message_id == BITFIELD and length != (self.bitfield_length or length):
            raise MessageError("a bitfield that is not of the correct size")
        if message_id == EXTENDED and length > 2 + EXTENDED_BYTES_MAX:
            if available == LENGTH_BYTES + 1:
                return LENGTH_BYTES + 2
            if data[at + 5] != 0:
                raise MessageError("an extended message of too many bytes")
        return LENGTH_BYTES + length

    def keep(self, data: memoryview) -> None:
        """`data` begins a message and does not end it."""
        size = self.message_size(data, 0, len(data))
        self._reserve(size)
        self._buffer[: len(data)] = data
        self._filled = len(data)

    def complete(self, data: memoryview) -> tuple[memoryview | None, int]:
        """Adds the head of `data` to the unfinished message. Returns that message, if this finished
        it, and the number of bytes taken. The message stays intact until it happens again."""
        taken = 0
        while True:
            size = self.message_size(self._buffer, 0, self._filled)
            missing = size - self._filled
            if missing <= 0:
                return self._release(size), taken
            if taken == len(data):
                return None, taken
            self._reserve(size)
            part = data[taken : taken + missing]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            taken += len(part)

    def drop(self) -> None:
        """The connection is over."""
        self._buffer = self._spare = bytearray()
        self._filled = 0

    def _reserve(self, size: int) -> None:
        if len(self._buffer) < size:
            larger = bytearray(size)
            larger[: self._filled] = self._buffer[: self._filled]
            self._buffer = larger

    def _release(self, size: int) -> memoryview:
        message = memoryview(self._buffer)[:size]
        self._buffer, self._spare = self._spare, self._buffer
        if size > KEPT_BYTES_MAX:
            self._spare = bytearray()
        self._filled = 0
        return message
