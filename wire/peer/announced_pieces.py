"""The pieces that the peer says it has: bitfield, have, have-all, have-none, lt_donthave (BEP 3, 6,
54).

Until the metadata is known nobody can tell how long a bitfield should be; what comes is then kept
raw, never above the largest that any torrent can have (W3), and judged by `set_piece_count`.

Differs from the BEPs: a bitfield or have-all that is not the first message is taken too, a few
times and if it takes nothing back. libtorrent ends super seeding with one.
"""

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.messages import PIECES_MAX

LATE_MAX = 10  # by one peer
LOST_MAX = 1000  # by a seed, before the metadata is known


class AnnouncedPieces:
    """What one peer announced. `bitfield` is None before the number of pieces is known."""

    __slots__ = (
        "_bitfield_came",
        "_has_all",
        "_late",
        "_lost",
        "_raw",
        "any_came",
        "bitfield",
    )

    def __init__(self) -> None:
        self.bitfield: Bitfield | None = None
        self.any_came = False
        self._late = 0  # announcements of everything, after another one
        self._has_all = False
        self._bitfield_came = False
        self._lost: dict[int, None] = {}  # by one with have-all, before the metadata is known
        self._raw = bytearray()

    @property
    def is_seed(self) -> bool:
        """Every piece, as far as it can be known yet."""
        if self.bitfield is None:
            return self._has_all and not self._lost
        return self.bitfield.all()

    def receive_bitfield(self, data: bytes) -> None:
        """Its length and spare bits must be right: MessageError."""
        self._begin_whole()
        if self.bitfield is None:
            if self._bitfield_came and len(data) != len(self._raw):
                raise MessageError("bitfields of two sizes")
            if self._has_all or _takes_back(self._raw, data):
                raise MessageError("a bitfield that takes pieces back")
            self._raw = bytearray(data)
            self._bitfield_came = True
            return
        bitfield = Bitfield.from_bytes(data, self.bitfield.size)
        if (self.bitfield - bitfield).any():
            raise MessageError("a bitfield that takes pieces back")
        self.bitfield = bitfield

    def receive_have_all(self) -> None:
        """BEP 6: it stands for a bitfield."""
        self._begin_whole()
        self._has_all = True
        if self.bitfield is not None:
            self.bitfield = Bitfield.full(self.bitfield.size)

    def receive_have_none(self) -> None:
        """BEP 6: it stands for a bitfield."""
        self._begin_whole()
        if self._has_all or any(self._raw) or (self.bitfield is not None and self.bitfield.any()):
            raise MessageError("a have-none that takes pieces back")

    def receive_have(self, piece_index: int) -> bool:
        """Tells whether that is news. MessageError for an index outside the torrent, or outside any
        torrent while ours is unknown."""
        self.any_came = True
        if self.bitfield is not None:
            if piece_index >= self.bitfield.size:
                raise MessageError("a have outside the torrent")
            return self.bitfield.set(piece_index)
        return self._receive_raw_have(piece_index)

    def receive_dont_have(self, piece_index: int) -> bool:
        """Tells whether that is news; as for `receive_have`."""
        if self.bitfield is not None:
            if piece_index >= self.bitfield.size:
                raise MessageError("a don't-have outside the torrent")
            return self.bitfield.clear(piece_index)
        if piece_index >= PIECES_MAX:
            raise MessageError("a don't-have outside any torrent")
        if self._has_all:
            self._lost[piece_index] = None
            if len(self._lost) > LOST_MAX:
                raise MessageError("a seed that loses everything")
        at, bit = piece_index >> 3, 0x80 >> (piece_index & 7)
        if at >= len(self._raw) or not self._raw[at] & bit:
            return self._has_all
        self._raw[at] &= ~bit
        return True

    def set_piece_count(self, piece_count: int) -> Bitfield:
        """The metadata is known: what was kept raw becomes `bitfield`, or a MessageError."""
        if self._has_all:
            self.bitfield = Bitfield.full(piece_count)
            for piece_index in self._lost:
                if piece_index >= piece_count:
                    raise MessageError("a don't-have outside the torrent")
                self.bitfield.clear(piece_index)
        else:
            byte_count = (piece_count + 7) // 8
            if not self._bitfield_came:  # single haves, or nothing, say nothing of the length
                self._raw.extend(bytes(max(byte_count - len(self._raw), 0)))
            self.bitfield = Bitfield.from_bytes(self._raw, piece_count)
        self._raw = bytearray()
        return self.bitfield

    def _begin_whole(self) -> None:
        self._late += self.any_came
        if self._late > LATE_MAX:
            raise MessageError("bitfields without end")
        self.any_came = True

    def _receive_raw_have(self, piece_index: int) -> bool:
        if piece_index >= PIECES_MAX:
            raise MessageError("a have outside any torrent")
        at, bit = piece_index >> 3, 0x80 >> (piece_index & 7)
        self._lost.pop(piece_index, None)
        if at >= len(self._raw):
            self._raw.extend(bytes(at + 1 - len(self._raw)))
        known = bool(self._raw[at] & bit) or self._has_all
        self._raw[at] |= bit
        return not known


def _takes_back(before: bytearray, after: bytes) -> bool:
    size = max(len(before), len(after))
    had, has = (int.from_bytes(bits.ljust(size, b"\0")) for bits in (before, after))
    return bool(had & ~has)
