"""What was read to be uploaded: each part of a piece is read once, however many peers ask for it.

Pieces are read in segments: whole, unless they are large. A segment that is being read is waited
for, not read again; the last ones used stay in memory, up to so many bytes.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.api import StoreError

SEGMENT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes `begin` to `begin + length` of a piece, begin a multiple of SEGMENT_BYTES."""

    infohash: InfoHash
    piece_index: int
    begin: int
    length: int


Blocks = list[tuple[int, bytes | memoryview]]
# Starts the reading of a segment; its bytes, or why there are none, come to `ReadCache.loaded`.
Load = Callable[[Segment], None]


@dataclass(slots=True)
class _Waiting:
    """Blocks of one piece that wait until every segment they touch is there."""

    blocks: list[tuple[int, int]]
    missing: int
    done: Callable[[Blocks | StoreError], None]
    parts: dict[int, bytes] = field(default_factory=dict)


class ReadCache:
    """An LRU of segments. `read` answers at once what is cached."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_held = 0
        self._bytes_max = bytes_max
        self._segments: OrderedDict[Segment, bytes] = OrderedDict()
        self._loading: dict[Segment, list[_Waiting]] = {}

    def read(
        self,
        infohash: InfoHash,
        piece_index: int,
        piece_bytes: int,
        blocks: list[tuple[int, int]],
        load: Load,
        done: Callable[[Blocks | StoreError], None],
    ) -> Blocks | None:
        """The blocks `(begin, length)` as views; or None, and `done` is called later."""
        parts: dict[int, bytes] = {}
        missing: list[Segment] = []
        for segment in _segments(infohash, piece_index, piece_bytes, blocks):
            data = self._segments.get(segment)
            if data is None:
                missing.append(segment)
            else:
                self._segments.move_to_end(segment)
                parts[segment.begin] = data
        if not missing:
            return [(begin, _cut(parts, begin, length)) for begin, length in blocks]
        waiting = _Waiting(blocks, len(missing), done, parts)
        for segment in missing:
            if segment in self._loading:
                self._loading[segment].append(waiting)
            else:
                self._loading[segment] = [waiting]
                load(segment)
        return None

    def loaded(self, segment: Segment, data: bytes | StoreError) -> None:
        """The answer to `load`."""
        if isinstance(data, bytes):
            self._keep(segment, data)
        for waiting in self._loading.pop(segment, []):
            if isinstance(data, StoreError):
                if waiting.missing > 0:
                    waiting.missing = 0  # one answer, though more segments may fail
                    waiting.done(data)
                continue
            waiting.parts[segment.begin] = data
            waiting.missing -= 1
            if waiting.missing == 0:
                parts = waiting.parts
                waiting.done([(begin, _cut(parts, begin, n)) for begin, n in waiting.blocks])

    def resize(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._evict()

    def forget(self, infohash: InfoHash, piece_index: int | None = None) -> None:
        """Drop a torrent's segments, or one piece's: what is on disk is not what it was."""
        for segment in [s for s in self._segments if s.infohash == infohash]:
            if piece_index is None or segment.piece_index == piece_index:
                self.bytes_held -= len(self._segments.pop(segment))

    def _keep(self, segment: Segment, data: bytes) -> None:
        if segment in self._segments:
            self.bytes_held -= len(self._segments.pop(segment))
        self._segments[segment] = data
        self.bytes_held += len(data)
        self._evict()

    def _evict(self) -> None:
        while self.bytes_held > self._bytes_max:
            _, oldest = self._segments.popitem(last=False)
            self.bytes_held -= len(oldest)


def _segments(
    infohash: InfoHash, piece_index: int, piece_bytes: int, blocks: list[tuple[int, int]]
) -> list[Segment]:
    """The segments that `blocks` touch, each once."""
    begins: dict[int, None] = {}
    for begin, length in blocks:
        first = begin - begin % SEGMENT_BYTES
        for at in range(first, begin + length, SEGMENT_BYTES):
            begins[at] = None
    return [
        Segment(infohash, piece_index, at, min(SEGMENT_BYTES, piece_bytes - at)) for at in begins
    ]


def _cut(parts: dict[int, bytes], begin: int, length: int) -> bytes | memoryview:
    """A view into one segment; a copy only where a block straddles two."""
    offset = begin % SEGMENT_BYTES
    first = parts[begin - offset]
    if offset + length <= len(first):
        return memoryview(first)[offset : offset + length]
    rest = offset + length - SEGMENT_BYTES
    return first[offset:] + parts[begin - offset + SEGMENT_BYTES][:rest]
