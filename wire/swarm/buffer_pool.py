"""Buffers for the pieces that are arriving, bounded and used again. No BEP applies.

A fresh megabyte costs more in page faults than its SHA-1, so that a buffer given back is kept for
the next piece of its size. The bound is on all that is out and all that waits together.
"""


class BufferPool:
    """`bytes_max` in all; one buffer is always granted, so that no piece is too big to arrive.
    One pool may serve several swarms."""

    __slots__ = ("_bytes", "_bytes_max", "_free", "_out")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0  # out and free
        self._out = 0
        self._free: dict[int, list[bytearray]] = {}

    @property
    def allocated_bytes(self) -> int:
        """Memory in buffers, given out or kept."""
        return self._bytes

    def take(self, size_bytes: int) -> bytearray | None:
        """A buffer of exactly this size with anything in it; None: the bound is reached."""
        free = self._free.get(size_bytes)
        if free:
            self._out += 1
            return free.pop()
        if self._bytes + size_bytes > self._bytes_max:
            self._drop_free(self._bytes + size_bytes - self._bytes_max)
            if self._bytes + size_bytes > self._bytes_max and self._out:
                return None
        self._bytes += size_bytes
        self._out += 1
        return bytearray(size_bytes)

    def grants(self, size_bytes: int) -> bool:
        """Would `take` grant it without dropping buffers of another size?"""
        return bool(self._free.get(size_bytes)) or self._bytes + size_bytes <= self._bytes_max

    def give(self, buffer: bytearray) -> None:
        """Back from `take`; nobody may use it any more."""
        assert self._out > 0, "more buffers came back than went out"
        self._out -= 1
        self._free.setdefault(len(buffer), []).append(buffer)
        if self._bytes > self._bytes_max:
            self._drop_free(self._bytes - self._bytes_max)

    def trim(self) -> None:
        """Free what waits: nothing is being downloaded."""
        self._drop_free(self._bytes)

    def _drop_free(self, wanted_bytes: int) -> None:
        for size_bytes in list(self._free):
            free = self._free[size_bytes]
            while free and wanted_bytes > 0:
                free.pop()
                self._bytes -= size_bytes
                wanted_bytes -= size_bytes
            if not free:
                del self._free[size_bytes]
