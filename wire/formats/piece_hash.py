"""The hash of a piece, taken while the piece arrives (BEP 3, `pieces`).

A block that was received a moment ago is still in the cache of the processor that received it:
hashed there, it costs half of what another thread pays for it later.
"""

import hashlib


class PieceHash:
    """SHA-1 of the first `hashed_bytes` of one piece, and in the end of all of it."""

    __slots__ = ("_sha1", "hashed_bytes")

    def __init__(self) -> None:
        self.hashed_bytes = 0
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    def grow(self, piece: memoryview, end: int) -> None:
        """Hash on up to `end`. What lies before it must not change any more."""
        self._sha1.update(piece[self.hashed_bytes : end])
        self.hashed_bytes = end

    def finish(self, piece: memoryview) -> bytes:
        """The 20 bytes of the whole piece; whatever is not hashed yet is hashed now. Lets go of
        the GIL, and may be called again."""
        if self.hashed_bytes < len(piece):
            self.grow(piece, len(piece))
        return self._sha1.digest()
