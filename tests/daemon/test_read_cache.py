"""The read cache against the bytes themselves."""

import random

from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon.read_cache import SEGMENT_BYTES, Blocks, ReadCache, Segment
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.api import StoreError

OURS, THEIRS = InfoHash(bytes(20)), InfoHash(b"\1" * 20)
PIECE_BYTES = 2 * SEGMENT_BYTES + 5000
PIECE = random.Random(1).randbytes(PIECE_BYTES)

BLOCKS = st.tuples(st.integers(0, PIECE_BYTES - 1), st.integers(1, 40_000))


class Disk:
    """Answers when it is told to."""

    def __init__(self, cache: ReadCache) -> None:
        self.cache = cache
        self.asked: list[Segment] = []
        self.answers: list[Blocks | StoreError] = []

    def read(self, *blocks: tuple[int, int], piece_index: int = 0) -> Blocks | None:
        return self.cache.read(
            OURS, piece_index, PIECE_BYTES, list(blocks), self.asked.append, self.answers.append
        )

    def answer(self, segment: Segment) -> None:
        data = PIECE[segment.begin : segment.begin + segment.length]
        assert len(data) == segment.length
        self.cache.loaded(segment, data)

    def answer_all(self) -> None:
        while self.asked:
            self.answer(self.asked.pop(0))


def as_bytes(blocks: Blocks | StoreError | None) -> list[tuple[int, bytes]]:
    assert isinstance(blocks, list)
    return [(begin, bytes(data)) for begin, data in blocks]


class TestReading:
    @given(
        st.lists(
            st.tuples(st.integers(0, PIECE_BYTES - 1), st.integers(1, 40_000)),
            min_size=1,
            max_size=6,
        )
    )
    def test_every_block_is_what_lies_there(self, wanted: list[tuple[int, int]]) -> None:
        blocks = [(begin, min(length, PIECE_BYTES - begin)) for begin, length in wanted]
        disk = Disk(ReadCache(64 * SEGMENT_BYTES))
        expected = [(begin, PIECE[begin : begin + length]) for begin, length in blocks]
        assert disk.read(*blocks) is None
        disk.answer_all()
        assert as_bytes(disk.answers[0]) == expected
        assert as_bytes(disk.read(*blocks)) == expected, "cached now"
        assert disk.asked == []

    def test_a_segment_is_read_once_however_many_ask(self) -> None:
        disk = Disk(ReadCache(64 * SEGMENT_BYTES))
        for begin in (0, 16384, 32768):
            assert disk.read((begin, 16384)) is None
        assert disk.asked == [Segment(OURS, 0, 0, SEGMENT_BYTES)]
        disk.answer_all()
        assert len(disk.answers) == 3

    def test_an_error_is_told_once_to_each_who_waits_and_kept_for_nobody(self) -> None:
        disk = Disk(ReadCache(64 * SEGMENT_BYTES))
        assert disk.read((SEGMENT_BYTES - 10, 20)) is None
        error = StoreError("file", "input/output error")
        for segment in list(disk.asked):
            disk.cache.loaded(segment, error)
        assert disk.answers == [error]
        disk.asked.clear()
        assert disk.read((0, 10)) is None
        assert disk.asked == [Segment(OURS, 0, 0, SEGMENT_BYTES)]

    def test_what_can_be_had_without_waiting_is_there_at_once_and_kept(self) -> None:
        cache = ReadCache(64 * SEGMENT_BYTES)
        asked: list[Segment] = []

        def load(segment: Segment) -> bytes | None:
            asked.append(segment)
            return PIECE[:SEGMENT_BYTES] if segment.begin == 0 else None

        answers: list[Blocks | StoreError] = []
        for _ in range(2):
            blocks = cache.read(OURS, 0, PIECE_BYTES, [(5, 10)], load, answers.append)
            assert as_bytes(blocks) == [(5, PIECE[5:15])]
        assert len(asked) == 1
        both = [(5, 10), (SEGMENT_BYTES - 3, 6)]
        assert cache.read(OURS, 0, PIECE_BYTES, both, load, answers.append) is None
        assert cache.read(OURS, 0, PIECE_BYTES, both[1:], load, answers.append) is None
        assert [segment.begin for segment in asked] == [0, SEGMENT_BYTES], "each once"
        cache.loaded(asked[1], PIECE[SEGMENT_BYTES : 2 * SEGMENT_BYTES])
        straddling = (SEGMENT_BYTES - 3, PIECE[SEGMENT_BYTES - 3 : SEGMENT_BYTES + 3])
        assert as_bytes(answers[0]) == [(5, PIECE[5:15]), straddling]
        assert as_bytes(answers[1]) == [straddling]

    def test_without_any_memory_it_still_answers(self) -> None:
        disk = Disk(ReadCache(0))
        assert disk.read((5, 10)) is None
        disk.answer_all()
        assert as_bytes(disk.answers[0]) == [(5, PIECE[5:15])]
        assert disk.cache.bytes_held == 0


class TestMemory:
    def test_the_least_recently_used_goes_first(self) -> None:
        disk = Disk(ReadCache(2 * SEGMENT_BYTES))
        for piece_index in (0, 1):
            disk.read((0, 1), piece_index=piece_index)
        disk.answer_all()
        assert disk.read((0, 1), piece_index=0) is not None
        disk.read((0, 1), piece_index=2)
        disk.answer_all()
        assert disk.cache.bytes_held == 2 * SEGMENT_BYTES
        assert disk.read((0, 1), piece_index=0) is not None
        assert disk.read((0, 1), piece_index=1) is None

    def test_a_piece_or_a_torrent_is_forgotten(self) -> None:
        disk = Disk(ReadCache(8 * SEGMENT_BYTES))
        for piece_index in (0, 1):
            disk.read((0, 1), piece_index=piece_index)
        disk.answer_all()
        disk.cache.forget(THEIRS)
        disk.cache.forget(OURS, 0)
        assert disk.read((0, 1), piece_index=0) is None
        assert disk.read((0, 1), piece_index=1) is not None
        disk.cache.forget(OURS)
        assert disk.cache.bytes_held == 0

    def test_a_smaller_size_takes_effect_at_once(self) -> None:
        disk = Disk(ReadCache(8 * SEGMENT_BYTES))
        for piece_index in range(4):
            disk.read((0, 1), piece_index=piece_index)
        disk.answer_all()
        disk.cache.resize(SEGMENT_BYTES)
        assert disk.cache.bytes_held == SEGMENT_BYTES
