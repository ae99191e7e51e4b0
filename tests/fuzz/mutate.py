"""Mutated inputs for every parser: seeded, so that a failure is repeated by its number alone.

The law (style rule 25): a parser of remote bytes returns, or raises its own kind of ProtocolError.
`check_parser` asks it of so many mutated inputs; those it accepts join the pool that is mutated
next, so that the search goes deeper than one step from a seed. `TORRENTD_FUZZ_INPUTS` sets how
many, `TORRENTD_FUZZ_SEED` where the generator begins. No BEP applies.
"""

import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torrentd.wire.formats.errors import ProtocolError

INPUTS = int(os.environ.get("TORRENTD_FUZZ_INPUTS", "100000"))
SEED = int(os.environ.get("TORRENTD_FUZZ_SEED", "1"))
SIZE_MAX = 4096  # of a mutant: larger ones find nothing more and cost their length
POOL_MAX = 4096

_ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TORRENTD_SHARED", _ROOT.parent / "shared"))

# What breaks parsers of bencode, of text and of binary lengths.
_MORSELS = [
    *(b"d", b"l", b"e", b"i", b":", b"de", b"le", b"i0e", b"0:", b"1:a", b"ee", b"ld", b"di"),
    *(b"i-0e", b"i-1e", b"i1_0e", b"-6:", b"00:", b"4294967296:", b"9" * 25, b"l" * 120),
    *(b"i9223372036854775807e", b"i9223372036854775808e", b"i-9223372036854775808e"),
    *(b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0"),
    *(b"\xc0\xae", b"\xed\xa0\x80", b"\xe2\x80\xae", b"../", b"%00", b"&", b"=", b"\n"),
]
_NUMBER = re.compile(rb"-?[0-9]{1,20}")
_NUMBERS = [
    0,
    1,
    -1,
    2,
    19,
    20,
    21,
    255,
    256,
    65535,
    65536,
    2**31,
    2**32,
    2**63 - 1,
    2**63,
    -(2**63),
]


def shared_seeds(folder: str) -> list[bytes]:
    """The seed inputs of one format that lie beside the checkout; none when they do not."""
    paths = sorted((SHARED / "fuzz-seeds" / folder).glob("*.bin"))
    return [data for data in (path.read_bytes() for path in paths) if len(data) <= SIZE_MAX]


class Mutator:
    """An endless source of inputs near those of its pool."""

    def __init__(self, seeds: list[bytes], rng: random.Random) -> None:
        assert seeds
        self.pool = list(seeds)
        self.rng = rng
        self._kept = len(seeds)  # the seeds themselves always stay

    def mutate(self) -> bytes:
        """One of the pool after one to six changes."""
        rng = self.rng
        data = bytearray(rng.choice(self.pool))
        for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
            rng.choice(_CHANGES)(data, self)
        return bytes(data[:SIZE_MAX])

    def keep(self, data: bytes) -> None:
        """Mutate this one further."""
        if len(self.pool) < POOL_MAX:
            self.pool.append(data)
        elif self._kept < POOL_MAX:
            self.pool[self.rng.randrange(self._kept, POOL_MAX)] = data

    def inputs(self, count: int) -> Iterator[bytes]:
        """The seeds as they are, then mutants, `count` in all."""
        yield from self.pool[: min(self._kept, count)]
        for _ in range(count - self._kept):
            yield self.mutate()


def _flip_bit(data: bytearray, mutator: Mutator) -> None:
    if data:
        data[mutator.rng.randrange(len(data))] ^= 1 << mutator.rng.randrange(8)


def _set_byte(data: bytearray, mutator: Mutator) -> None:
    if data:
        data[mutator.rng.randrange(len(data))] = mutator.rng.randrange(256)


def _cut(data: bytearray, mutator: Mutator) -> None:
    start, end = _run(data, mutator)
    del data[start:end]


def _truncate(data: bytearray, mutator: Mutator) -> None:
    del data[mutator.rng.randint(0, len(data)) :]


def _repeat(data: bytearray, mutator: Mutator) -> None:
    start, end = _run(data, mutator)
    data[end:end] = data[start:end] * mutator.rng.choice((1, 1, 2, 30))


def _insert(data: bytearray, mutator: Mutator) -> None:
    at = mutator.rng.randint(0, len(data))
    data[at:at] = mutator.rng.choice(_MORSELS)


def _overwrite(data: bytearray, mutator: Mutator) -> None:
    at = mutator.rng.randint(0, len(data))
    morsel = mutator.rng.choice(_MORSELS)
    data[at : at + len(morsel)] = morsel


def _splice(data: bytearray, mutator: Mutator) -> None:
    other = mutator.rng.choice(mutator.pool)
    start, end = _run(data, mutator)
    first, last = _run(other, mutator)
    data[start:end] = other[first:last]


def _renumber(data: bytearray, mutator: Mutator) -> None:
    """Change a decimal number: a length or a value of bencode, a part of a magnet."""
    found = list(_NUMBER.finditer(data[:SIZE_MAX]))
    if found:
        number = mutator.rng.choice(found)
        value = int(number[0]) + mutator.rng.choice((-2, -1, 1, 2))
        if mutator.rng.random() < 0.4:
            value = mutator.rng.choice(_NUMBERS)
        data[number.start() : number.end()] = b"%d" % value


def _run(data: bytes | bytearray, mutator: Mutator) -> tuple[int, int]:
    start = mutator.rng.randint(0, len(data))
    return start, min(len(data), start + mutator.rng.choice((1, 2, 4, 8, 20, 64)))


_CHANGES = [
    *(_flip_bit, _set_byte, _cut, _truncate, _repeat, _insert, _overwrite, _splice),
    *(_renumber, _renumber),  # the change that keeps most inputs well-formed
]


@dataclass(slots=True)
class Tally:
    """How many inputs were accepted and refused: where either is nought, nothing was tried."""

    accepted: int = 0
    refused: int = 0


def check_parser(
    parse: Callable[[bytes], object],
    seeds: list[bytes],
    errors: type[ProtocolError] | tuple[type[ProtocolError], ...] = ProtocolError,
    count: int = INPUTS,
    seed: int = SEED,
) -> Tally:
    """Feed `count` inputs to `parse`, which may return or raise one of `errors` and nothing else;
    what it does beyond parsing (asserts of a round trip) is held to the same. AssertionError shows
    the input as a literal to paste into a test."""
    mutator = Mutator(seeds, random.Random(seed))
    tally = Tally()
    for data in mutator.inputs(count):
        try:
            parse(data)
        except errors:
            tally.refused += 1
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} for input {data!r}") from error
        else:
            tally.accepted += 1
            mutator.keep(data)
    assert tally.accepted and tally.refused, f"a fuzz test that tries nothing: {tally}"
    return tally
