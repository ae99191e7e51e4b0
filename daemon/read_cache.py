"""What was read to be uploaded: each part of a piece is read once, however many peers ask for it.

Pieces are read in segments, small enough that one for each of many slow peers stays in memory, and
large enough that reading costs little a block. A segment that the kernel has in memory is read at
once; one that comes from the disk is waited for, and not read again meanwhile.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.api import StoreError

SEGMENT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes `begin` to `begin + length` of a piece, begin a multiple of SEGMENT_BYTES."""

    infohash: InfoHash
    piece_index: int
    begin: int
    length: int


Blocks = list[tuple[int, bytes | memoryview]]
Data = bytes | bytearray
# The bytes of a segment when they can be had without waiting; else None: reading has begun, and the
# bytes, or why there are none, come to `ReadCache.loaded`.
Load = Callable[[Segment], Data | None]


@dataclass(slots=True)
class _Waiting:
    """Blocks of one piece that wait until every segment they touch is there."""

    blocks: list[tuple[int, int]]
    missing: int
    done: Callable[[Blocks | StoreError], None]
    parts: dict[int, memoryview]


class ReadCache:
    """An LRU of segments. `read` answers at once what is cached."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_held = 0
        self._bytes_max = bytes_max
        self._segments: OrderedDict[Segment, memoryview] = OrderedDict()
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
        parts: dict[int, memoryview] = {}
        missing: list[Segment] = []
        for segment in _segments(infohash, piece_index, piece_bytes, blocks):
            data = self._segments.get(segment)
            if data is not None:
                self._segments.move_to_end(segment)
            elif segment not in self._loading:
                loaded = load(segment)
                data = None if loaded is None else self._keep(segment, loaded)
            if data is None:
                missing.append(segment)
            else:
                parts[segment.begin] = data
        if not missing:
            return _cut(parts, blocks)
        waiting = _Waiting(blocks, len(missing), done, parts)
        for segment in missing:
            self._loading.setdefault(segment, []).append(waiting)
        return None

    def loaded(self, segment: Segment, data: Data | StoreError) -> None:
        """The answer to `load`."""
        all_waiting = self._loading.pop(segment, [])
        if isinstance(data, StoreError):
            for waiting in all_waiting:
                if waiting.missing > 0:
                    waiting.missing = 0  # one answer, though more segments may fail
                    waiting.done(data)
            return
        view = self._keep(segment, data)
        for waiting in all_waiting:
            waiting.parts[segment.begin] = view
            waiting.missing -= 1
            if waiting.missing == 0:
                waiting.done(_cut(waiting.parts, waiting.blocks))

    def resize(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._evict()

    def forget(self, infohash: InfoHash, piece_index: int | None = None) -> None:
        """Drop a torrent's segments, or one piece's: what is on disk is not what it was."""
        for segment in [s for s in self._segments if s.infohash == infohash]:
            if piece_index is None or segment.piece_index == piece_index:
                self.bytes_held -= len(self._segments.pop(segment))

    def _keep(self, segment: Segment, data: Data) -> memoryview:
        if segment in self._segments:
            self.bytes_held -= len(self._segments.pop(segment))
        view = self._segments[segment] = memoryview(data)
        self.bytes_held += len(data)
        self._evict()
        return view

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
        at = begin - begin % SEGMENT_BYTES
        begins[at] = None
        if begin + length > at + SEGMENT_BYTES:  # a block is no longer than a segment
            begins[at + SEGMENT_BYTES] = None
    return [
        Segment(infohash, piece_index, at, min(SEGMENT_BYTES, piece_bytes - at)) for at in begins
    ]


def _cut(parts: dict[int, memoryview], blocks: list[tuple[int, int]]) -> Blocks:
    """Views into segments; a copy only where a block straddles two."""
    cut: Blocks = []
    for begin, length in blocks:
        offset = begin % SEGMENT_BYTES
        first = parts[begin - offset]
        end = offset + length
        if end <= SEGMENT_BYTES:
            cut.append((begin, first[offset:end]))
        else:
            second = parts[begin - offset + SEGMENT_BYTES]
            cut.append((begin, bytes(first[offset:]) + bytes(second[: end - SEGMENT_BYTES])))
    return cut
