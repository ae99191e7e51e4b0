"""Buffers for the pieces that are arriving, bounded and used again. No BEP applies.

A fresh megabyte costs more in page faults than its SHA-1, so that a buffer given back is kept for
the next piece of its size. The bound is on all that is out and all that waits together, whoever
has it: one pool serves every torrent of a daemon, each through its `Share`.

When memory is short, shares get one buffer each in turn: one is kept for each that was refused, and
what there is beyond that goes to whoever asks. Nobody waits for ever: a piece that
somebody is asked for ends or times out, one that nobody is asked for is given up by the share that
holds most, and who does not ask when its turn has come loses it.
"""

from typing import Protocol


class Holder(Protocol):
    """Who has buffers of a share."""

    def give_up_idle(self) -> bool:
        """Give back the buffer of a piece that nobody is asked for; False: there is none."""


class BufferPool:
    """`bytes_max` in all; one buffer is always granted, so that no piece is too big to arrive."""

    __slots__ = ("_bytes", "_bytes_max", "_free", "_out", "_queue", "_shares")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0  # out and free
        self._out = 0
        self._free: dict[int, list[bytearray]] = {}
        self._shares: dict[Share, None] = {}  # those that have a buffer
        self._queue: dict[Share, int] = {}  # what was refused, to whom, the longest ago first

    @property
    def allocated_bytes(self) -> int:
        """Memory in buffers, given out or kept."""
        return self._bytes

    def share(self) -> "Share":
        """A new torrent's part of it."""
        return Share(self)

    def resize(self, bytes_max: int) -> None:
        """Another bound; what is out above it comes back as it is."""
        self._bytes_max = bytes_max
        self._drop_free(self._bytes - bytes_max)

    def _take(self, share: "Share", size_bytes: int) -> bytearray | None:
        if not self._may_take(share, size_bytes):
            self._queue[share] = size_bytes
            return None
        buffer = self._find(size_bytes)
        while buffer is None and self._reclaim():
            buffer = self._find(size_bytes)
        if buffer is None:
            self._queue[share] = size_bytes
            return None
        self._queue.pop(share, None)
        self._shares[share] = None
        self._out += 1
        return buffer

    def _find(self, size_bytes: int) -> bytearray | None:
        free = self._free.get(size_bytes)
        if free:
            return free.pop()
        if self._bytes + size_bytes > self._bytes_max:
            self._drop_free(self._bytes + size_bytes - self._bytes_max)
            if self._bytes + size_bytes > self._bytes_max and self._out:
                return None
        self._bytes += size_bytes
        return bytearray(size_bytes)

    def _may_take(self, share: "Share", size_bytes: int) -> bool:
        """Is it its turn, or is there enough for those before it as well?"""
        kept_bytes = 0
        for before, wanted_bytes in self._queue.items():
            if before is share:
                break
            kept_bytes += wanted_bytes
        if not kept_bytes:
            return True
        free_bytes = sum(size * len(free) for size, free in self._free.items())
        return self._bytes - free_bytes + kept_bytes + size_bytes <= self._bytes_max

    def _grants(self, share: "Share", size_bytes: int) -> bool:
        if not self._may_take(share, size_bytes):
            return False
        return bool(self._free.get(size_bytes)) or self._bytes + size_bytes <= self._bytes_max

    def _reclaim(self) -> bool:
        """Of whoever holds most; pieces of peers long gone must not hold all the memory."""
        by_size = sorted(self._shares, key=lambda share: share.out_bytes, reverse=True)
        return any(share.holder is not None and share.holder.give_up_idle() for share in by_size)

    def _give(self, share: "Share", buffer: bytearray) -> None:
        self._out -= 1
        if not share.out:
            self._shares.pop(share, None)
        self._free.setdefault(len(buffer), []).append(buffer)
        if self._bytes > self._bytes_max:
            self._drop_free(self._bytes - self._bytes_max)

    def _rest(self, share: "Share") -> None:
        self._queue.pop(share, None)
        if not self._out:
            self._drop_free(self._bytes)

    def _forget(self, share: "Share") -> None:
        self._queue.pop(share, None)
        self._shares.pop(share, None)
        self._out -= share.out
        self._bytes -= share.out_bytes

    def _drop_free(self, wanted_bytes: int) -> None:
        for size_bytes in list(self._free):
            free = self._free[size_bytes]
            while free and wanted_bytes > 0:
                free.pop()
                self._bytes -= size_bytes
                wanted_bytes -= size_bytes
            if not free:
                del self._free[size_bytes]


class Share:
    """One torrent's part of a pool. While `held`, nothing more is granted."""

    __slots__ = ("_asked", "_held", "_pool", "holder", "out", "out_bytes")

    def __init__(self, pool: BufferPool) -> None:
        self.holder: Holder | None = None
        self.out = 0
        self.out_bytes = 0
        self._held = False
        self._asked = False
        self._pool = pool

    @property
    def held(self) -> bool:
        """What was granted may still be used and given back."""
        return self._held

    @property
    def waits_for_others(self) -> bool:
        """Refused, and others have buffers or wait behind: call `retry` now and then."""
        pool = self._pool
        return self in pool._queue and (pool._out > self.out or len(pool._queue) > 1)

    def hold(self, held: bool) -> None:
        """Whether anything is granted."""
        self._held = held
        if held:
            self._pool._queue.pop(self, None)

    def retry(self) -> None:
        """Ask again after this. Who has not asked since the last time has lost its turn."""
        if not self._asked:
            self._pool._queue.pop(self, None)
        self._asked = False

    def take(self, size_bytes: int) -> bytearray | None:
        """A buffer of exactly this size with anything in it; None: not now."""
        if self._held:
            return None
        self._asked = True
        buffer = self._pool._take(self, size_bytes)
        if buffer is not None:
            self.out += 1
            self.out_bytes += size_bytes
        return buffer

    def grants(self, size_bytes: int) -> bool:
        """Would `take` grant it at nobody's cost?"""
        return not self._held and self._pool._grants(self, size_bytes)

    def give(self, buffer: bytearray) -> None:
        """Back from `take`; nobody may use it any more."""
        assert self.out > 0, "more buffers came back than went out"
        self.out -= 1
        self.out_bytes -= len(buffer)
        self._pool._give(self, buffer)

    def rest(self) -> None:
        """Nothing is wanted any more; memory that nobody uses is freed."""
        self._pool._rest(self)

    def abandon(self) -> None:
        """What is out will never come back: its holder is gone."""
        self._pool._forget(self)
        self.out = self.out_bytes = 0
        self.holder = None
