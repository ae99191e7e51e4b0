"""Two nodes that start alike, hear the same, and answer by different ways: the oracle of the fast
way. Compared is all that they send and, by reflection, all that they hold."""

import random
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from hashlib import blake2b
from unittest import mock

from torrentd.dht.fast_answers import FastAnswers
from torrentd.dht.good_nodes import GoodNodes
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import Output
from torrentd.wire.formats.address import Address

NOT_COMPARED = (FastAnswers, GoodNodes)  # only the one has use for them

REMEMBERED = {"_roomy"}  # found out when it is needed: by the one earlier than by the other


@contextmanager
def slow_way() -> Iterator[None]:
    with mock.patch.object(FastAnswers, "answer", lambda *arguments: None):
        yield


class Twins:
    def __init__(self, fast: DhtNode, slow: DhtNode) -> None:
        self.fast, self.slow = fast, slow
        self.answered_fast = 0

    def receive(self, data: bytes, source: Address, now: float) -> list[Output]:
        """What both of them do."""
        answer = FastAnswers.answer

        def counted(
            answers: FastAnswers, data: bytes, source: Address, now: float
        ) -> list[Output] | None:
            outputs = answer(answers, data, source, now)
            self.answered_fast += outputs is not None
            return outputs

        with mock.patch.object(FastAnswers, "answer", counted):
            outputs = self.fast.receive_datagram(data, source, now)
        with slow_way():
            assert self.slow.receive_datagram(data, source, now) == outputs, (data, source)
        return outputs

    def add_node(self, address: Address, now: float) -> list[Output]:
        outputs = self.fast.add_node(address, now)
        assert self.slow.add_node(address, now) == outputs
        return outputs

    def tick(self, now: float) -> list[Output]:
        outputs = self.fast.tick(now)
        assert self.slow.tick(now) == outputs
        return outputs

    def compare(self) -> None:
        for (where, mine), (_, other) in zip(contents(self.fast), contents(self.slow), strict=True):
            assert mine == other, where


def contents(thing: object) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    _collect(thing, "node", found, {})
    return found


def _collect(
    thing: object, where: str, found: list[tuple[str, object]], seen: dict[int, object]
) -> None:
    """Every plain value that can be reached, with its path; each object once."""
    if isinstance(thing, NOT_COMPARED) or callable(thing):
        return
    if thing is None or isinstance(thing, int | float | str | bytes | array | Enum):
        found.append((where, thing))
        return
    if isinstance(thing, random.Random):
        found.append((where, thing.getstate()))
        return
    if isinstance(thing, blake2b):
        found.append((where, thing.digest()))
        return
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    for name, value in _parts(thing):
        _collect(value, f"{where}.{name}", found, seen)


def _parts(thing: object) -> Iterator[tuple[str, object]]:
    if isinstance(thing, dict):
        for index, (key, value) in enumerate(thing.items()):
            yield f"key {index}", key
            yield repr(key), value
    elif isinstance(thing, list | tuple):
        for index, value in enumerate(thing):
            yield str(index), value
    else:
        names = dict.fromkeys(
            [
                *getattr(thing, "__dict__", {}),
                *(n for kind in type(thing).__mro__ for n in getattr(kind, "__slots__", ())),
            ]
        )
        assert names, f"{type(thing)} cannot be looked into"
        for name in names:
            if name in REMEMBERED:
                continue
            yield name, getattr(thing, name, None)
