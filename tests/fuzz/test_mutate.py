"""The mutator itself: a fuzz test that tries nothing, or hides what it found, is no test."""

import random

import pytest

from tests.fuzz.mutate import SIZE_MAX, Mutator, check_parser
from torrentd.wire.formats.errors import BencodeError, KrpcError

SEEDS = [b"d1:ai5e1:b4:spame", b"l4:eggse"]


def test_the_same_seed_gives_the_same_inputs_and_another_seed_others() -> None:
    first, again, other = (list(Mutator(SEEDS, random.Random(s)).inputs(500)) for s in (1, 1, 2))
    assert first == again != other
    assert first[:2] == SEEDS
    assert len(set(first)) > 400


def test_an_input_never_grows_without_bound() -> None:
    mutator = Mutator([b"12" * 2000], random.Random(1))
    for data in mutator.inputs(500):
        mutator.keep(data)
        assert len(data) <= SIZE_MAX


def test_a_foreign_exception_is_reported_with_the_input_that_raised_it() -> None:
    def parse(data: bytes) -> None:
        if b"9" in data:
            raise IndexError
        if data[:1] != b"d":
            raise BencodeError("no dictionary")

    with pytest.raises(AssertionError, match="IndexError for input b'"):
        check_parser(parse, SEEDS, count=10_000)


def test_an_error_of_another_family_is_foreign() -> None:
    def parse(data: bytes) -> None:
        raise KrpcError("of another room")

    with pytest.raises(AssertionError, match="KrpcError"):
        check_parser(parse, SEEDS, BencodeError, count=10)


def test_a_parser_that_accepts_or_refuses_everything_was_not_tried() -> None:
    def refuse(data: bytes) -> None:
        raise BencodeError("no")

    for parse in (len, refuse):
        with pytest.raises(AssertionError, match="tries nothing"):
            check_parser(parse, SEEDS, count=100)
