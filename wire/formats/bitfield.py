"""Which pieces somebody has: "The first byte of the bitfield corresponds to indices 0 - 7 from high
bit to low bit" (BEP 3). One bit a piece; the number of set bits is kept, never counted again.
"""

from collections.abc import Iterable, Iterator
from typing import Self

from torrentd.wire.formats.errors import MessageError

_BITS_OF_BYTE = [tuple(bit for bit in range(8) if byte & (0x80 >> bit)) for byte in range(256)]


class Bitfield:
    """`size` bits, all clear at first. `i in b` and `b[i]` are the same question."""

    __slots__ = ("_bytes", "count", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0  # set bits
        self._bytes = bytearray((size + 7) // 8)

    @classmethod
    def full(cls, size: int) -> Self:
        """Every bit set: a seed's."""
        return cls._of_number((1 << size) - 1 << -size % 8, size)

    @classmethod
    def of(cls, size: int, indices: Iterable[int]) -> Self:
        """The named bits set."""
        bitfield = cls(size)
        for index in indices:
            bitfield.set(index)
        return bitfield

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview, size: int) -> Self:
        """MessageError for a wrong length or a spare bit that is set: "Clients should drop the
        connection" (BEP 3)."""
        if len(data) != (size + 7) // 8:
            raise MessageError("a bitfield that is not of the correct size")
        if size % 8 and data[-1] & (0xFF >> size % 8):
            raise MessageError("a bitfield with spare bits set")
        bitfield = cls(0)
        bitfield.size = size
        bitfield._bytes = bytearray(data)
        bitfield.count = int.from_bytes(data).bit_count()
        return bitfield

    def to_bytes(self) -> bytes:
        """The payload of a bitfield message."""
        return bytes(self._bytes)

    def copy(self) -> Self:
        """One that changes on its own."""
        return self.from_bytes(self._bytes, self.size)

    def __getitem__(self, index: int) -> bool:
        if not 0 <= index < self.size:
            raise IndexError(index)
        return bool(self._bytes[index >> 3] & (0x80 >> (index & 7)))

    __contains__ = __getitem__

    def set(self, index: int) -> bool:
        """Set a bit; tells whether it was clear."""
        if self[index]:
            return False
        self._bytes[index >> 3] |= 0x80 >> (index & 7)
        self.count += 1
        return True

    def clear(self, index: int) -> bool:
        """Clear a bit; tells whether it was set."""
        if not self[index]:
            return False
        self._bytes[index >> 3] &= ~(0x80 >> (index & 7))
        self.count -= 1
        return True

    def all(self) -> bool:
        """Every bit is set."""
        return self.count == self.size

    def any(self) -> bool:
        """Some bit is set."""
        return self.count > 0

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        """The set indices, ascending."""
        for at, byte in enumerate(self._bytes):
            if byte:
                for bit in _BITS_OF_BYTE[byte]:
                    yield at * 8 + bit

    def __and__(self, other: Self) -> Self:
        """Set in both."""
        return self._of_number(self._number() & other._number(), self.size)

    def __sub__(self, other: Self) -> Self:
        """Set here and not there: what a peer has and we have not is `theirs - ours`."""
        return self._of_number(self._number() & ~other._number(), self.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bitfield):
            return NotImplemented
        return self.size == other.size and self._bytes == other._bytes

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Bitfield({self.count} of {self.size})"

    def _number(self) -> int:
        return int.from_bytes(self._bytes)

    @classmethod
    def _of_number(cls, number: int, size: int) -> Self:
        return cls.from_bytes(number.to_bytes((size + 7) // 8), size)
