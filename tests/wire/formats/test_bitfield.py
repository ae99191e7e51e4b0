"""Bitfields (BEP 3), against a list of booleans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.errors import MessageError

SIZE_MAX = 40
bools = st.lists(st.booleans(), max_size=SIZE_MAX)


def _of(bits: list[bool]) -> Bitfield:
    return Bitfield.of(len(bits), [i for i, bit in enumerate(bits) if bit])


class AgainstBooleans(RuleBasedStateMachine):
    @initialize(size=st.integers(1, SIZE_MAX))
    def begin(self, size: int) -> None:
        self.bits = [False] * size
        self.bitfield = Bitfield(size)

    @rule(index=st.integers(0, SIZE_MAX))
    def set(self, index: int) -> None:
        index %= len(self.bits)
        assert self.bitfield.set(index) is not self.bits[index]
        self.bits[index] = True

    @rule(index=st.integers(0, SIZE_MAX))
    def clear(self, index: int) -> None:
        index %= len(self.bits)
        assert self.bitfield.clear(index) is self.bits[index]
        self.bits[index] = False

    @rule()
    def go_on_with_a_copy(self) -> None:
        old, self.bitfield = self.bitfield, self.bitfield.copy()
        old.set(0)
        old.clear(0)

    @rule()
    def go_on_with_what_was_sent(self) -> None:
        self.bitfield = Bitfield.from_bytes(self.bitfield.to_bytes(), len(self.bits))

    @invariant()
    def agrees(self) -> None:
        size = len(self.bits)
        assert [self.bitfield[i] for i in range(size)] == self.bits
        assert [i in self.bitfield for i in range(size)] == self.bits
        assert list(self.bitfield) == [i for i, bit in enumerate(self.bits) if bit]
        assert self.bitfield.count == sum(self.bits)
        assert self.bitfield.all() == all(self.bits)
        assert self.bitfield.any() == any(self.bits)
        assert len(self.bitfield) == self.bitfield.size == size
        assert self.bitfield == _of(self.bits)


TestAgainstBooleans = AgainstBooleans.TestCase


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=SIZE_MAX))
def test_difference_and_intersection_are_those_of_sets(pairs: list[tuple[bool, bool]]) -> None:
    ours, theirs = _of([a for a, _ in pairs]), _of([b for _, b in pairs])
    assert set(ours - theirs) == set(ours) - set(theirs)
    assert set(ours & theirs) == set(ours) & set(theirs)
    assert (ours - theirs).count + (ours & theirs).count == ours.count
    assert (ours - theirs).size == len(pairs)


@given(st.integers(0, SIZE_MAX))
def test_a_seed_has_every_piece_and_no_spare_bit(size: int) -> None:
    full = Bitfield.full(size)
    assert full.all() and full.count == size and list(full) == list(range(size))
    assert Bitfield.from_bytes(full.to_bytes(), size) == full


def test_index_0_is_the_high_bit_of_the_first_byte() -> None:
    bitfield = Bitfield.of(37, [2, 7, 32])
    assert bitfield.to_bytes().hex() == "2100000080"
    assert repr(bitfield) == "Bitfield(3 of 37)"


@given(st.integers(0, SIZE_MAX), st.integers(0, 7))
def test_another_length_is_refused(size: int, length: int) -> None:
    if length != (size + 7) // 8:
        with pytest.raises(MessageError, match="correct size"):
            Bitfield.from_bytes(bytes(length), size)


@given(st.integers(1, SIZE_MAX))
def test_each_spare_bit_is_refused(size: int) -> None:
    spare = -size % 8
    for bit in range(spare):
        data = bytearray((size + 7) // 8)
        data[-1] = 1 << bit
        with pytest.raises(MessageError, match="spare"):
            Bitfield.from_bytes(data, size)
    data = bytearray((size + 7) // 8)
    data[-1] = 1 << spare
    assert list(Bitfield.from_bytes(data, size)) == [size - 1]


@pytest.mark.parametrize("index", [-1, 5, 8, 2**32])
def test_an_index_outside_is_an_index_error(index: int) -> None:
    bitfield = Bitfield(5)
    for use in (bitfield.__getitem__, bitfield.__contains__, bitfield.set, bitfield.clear):
        with pytest.raises(IndexError):
            use(index)
    assert not bitfield.any()


def test_a_bitfield_equals_only_bitfields() -> None:
    assert Bitfield(3) != Bitfield(4)
    assert Bitfield(8) != b"\0"
    with pytest.raises(TypeError):
        hash(Bitfield(3))
